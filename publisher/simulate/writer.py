"""Write rows as CSV in the format of the reference data set (every cell quoted), and the labels of the episodes."""

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv

from publisher.simulate import clocks
from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.faults import KINDS as FAULT_KINDS
from publisher.simulate.stream import Scene
from telemetry.text.timestamps import format_time

STDOUT: Final = "-"
LABEL_FORMATS: Final = (".csv", ".jsonl")
ALL_METRICS: Final = "*"


class EpisodeLabel(msgspec.Struct, frozen=True):
    """Label of one episode: the rows of the device with times in [start, end) are of it.

    Rows of a fault are wrong or missing. Rows of a benign event are right, and only look unusual.
    """

    device: str
    metric: str
    kind: str
    nature: str
    """``fault`` or ``benign``."""
    start: str
    end: str


@contextmanager
def open_rows(output: str) -> Iterator[IO[bytes]]:
    """Open a file for writing, with gzip if its name ends in ``.gz``, or standard output for ``-``."""
    with ExitStack() as stack:
        if output == STDOUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif output.endswith(".gz"):
            plain = stack.enter_context(Path(output).open("wb"))
            # Without a name and a time in the gzip header, equal rows produce identical bytes.
            packed: Any = gzip.GzipFile("", "wb", compresslevel=1, fileobj=plain, mtime=0)
            yield stack.enter_context(packed)
        else:
            yield stack.enter_context(Path(output).open("wb"))


def write_rows(batches: Iterable[Any], target: IO[bytes]) -> tuple[int, float, float]:
    """Write batches as CSV with a header; return the number of rows and the first and last ``ts`` (seconds)."""
    rows, first, last = 0, 0.0, 0.0
    for batch in batches:
        options = pa.csv.WriteOptions(include_header=rows == 0, quoting_style="all_valid")
        pa.csv.write_csv(batch, target, options)
        times = batch.column(0)
        first = first if rows else times[0].as_py()
        rows, last = rows + len(batch), times[-1].as_py()
    return rows, first, last


def make_labels(scene: Scene) -> list[EpisodeLabel]:
    """Return the labels of faults and benign events, by start; times are of the device's clock, as in its rows."""
    labels = [make_label(episode, scene) for episode in (*scene.plan.faults, *scene.plan.benign)]
    return sorted(labels, key=lambda label: (label.start, label.device))


def make_label(episode: SimulatedEpisode, scene: Scene) -> EpisodeLabel:
    """Return the label of one fault or benign event."""
    rounds = np.array([episode.first, episode.end], dtype=np.int64)
    times = scene.climate.start_us + rounds * scene.climate.interval_us
    if episode.kind == clocks.KIND:
        # Times are skipped or come twice: those between the last one of the wrong clock and the first of the right one.
        times = np.array([times[0] - 1, times[0], times[1] - 1])
    shown = scene.clocks.read(times, np.full(len(times), episode.device))
    return EpisodeLabel(
        device=scene.climate.names[episode.device],
        metric="temp" if episode.kind in FAULT_KINDS and episode.kind != "silence" else ALL_METRICS,
        kind=episode.kind,
        nature="fault" if episode.kind in FAULT_KINDS else "benign",
        start=format_time(int(shown.min())),
        end=format_time(int(shown.max())),
    )


def write_labels(labels: list[EpisodeLabel], file: Path) -> None:
    """Write labels as CSV, or as JSON lines if the file name ends in ``.jsonl``."""
    if file.suffix == ".jsonl":
        file.write_bytes(msgspec.json.Encoder().encode_lines(labels))
        return
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(EpisodeLabel.__struct_fields__)
        writer.writerows(map(msgspec.structs.astuple, labels))
