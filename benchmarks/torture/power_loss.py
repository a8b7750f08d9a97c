"""Damage files as a loss of power may: only what was not yet synced is lost.

A record of the journal is synced before it counts, and a snapshot before it gets its name; results are synced before
the next snapshot. A loss of power may therefore tear a record that was being written, hide or damage the newest
snapshot, of which there are two, and damage any result written after it.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.local.state.journal import segments_of
from pipeline.local.state.snapshots import snapshots_of

_SHARE: Final = 0.5
"""Share of the results at risk that are damaged."""
_HOW: Final = ("missing", "empty", "torn", "zeros")


def lose_power(draw: random.Random, state: Path, output: Path) -> list[str]:
    """Damage state and results of a killed job, and return what was done."""
    done = []
    at_risk = list(_results_at_risk(state, output))  # before the snapshot is damaged, whose age decides
    segments, snapshots = segments_of(state), snapshots_of(state)
    if segments and draw.random() < 0.7:
        done.append(f"journal {_tear_record(draw, list(segments.values())[-1])}")
    if len(snapshots) > 1 and draw.random() < 0.7 and _is_journal_complete(segments, list(snapshots)[-2]):
        done.append(f"snapshot {_damage(draw, list(snapshots.values())[-1])}")
    damaged = [path for path in at_risk if draw.random() < _SHARE]
    for path in damaged:
        _damage(draw, path)
    return [*done, f"{len(damaged)} results damaged"]


def _is_journal_complete(segments: dict[int, Path], first: int) -> bool:
    return any(number <= first for number in segments)


def _results_at_risk(state: Path, output: Path) -> Iterator[Path]:
    """Yield the results that were written after the newest snapshot."""
    snapshots = list(snapshots_of(state).values())
    synced_ns = snapshots[-1].stat().st_mtime_ns if snapshots else 0
    for path in sorted(output.glob("*/date=*/hour=*/*")):
        if path.stat().st_mtime_ns > synced_ns:
            yield path


def _tear_record(draw: random.Random, path: Path) -> str:
    """Append a part of a record, as if it was being written: it was never acknowledged."""
    size = draw.randint(100, 5_000)
    record = size.to_bytes(4, "little") + draw.randbytes(4 + size)
    how = draw.choice(("torn", "zeros", "wrong"))
    tail = {"torn": record[: draw.randint(1, len(record) - 1)], "zeros": bytes(len(record)), "wrong": record}[how]
    with open(path, "ab") as file:
        file.write(tail)
    return how


def _damage(draw: random.Random, path: Path) -> str:
    how = draw.choice(_HOW)
    size = path.stat().st_size
    if how == "missing":
        path.unlink()
    elif how == "empty":
        os.truncate(path, 0)
    else:
        kept = draw.randrange(size) if size else 0
        os.truncate(path, kept)
        if how == "zeros":  # the length was written and the content was not
            os.truncate(path, size)
    return how
