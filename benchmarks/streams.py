"""The job on a stream: replays into an embedded broker, and jobs that read what was replayed."""

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.answers import BenchmarkError
from benchmarks.child import run_module
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data, Rows
from benchmarks.folders import output_folder
from benchmarks.outputs import read_job
from benchmarks.processes import run_job
from publisher.broker import Broker

SIZES: Final = (1, 100, 500, 2_000)
"""Rows a message."""
IDLE_S: Final = 2
PROJECT: Final = "projects/benchmark"
_WAIT: Final = f"all of them published before; without the {IDLE_S} s after which it stops when idle"


def plural(size: int) -> str:
    """Return so many rows a message in words."""
    return f"{size:,} row{'s' * (size > 1)} a message"


@contextmanager
def through_pubsub(data: Data, sizes: Sequence[int] = SIZES, of: str = "") -> Iterator[list[Contender]]:
    """Give replays into an embedded broker, and jobs that read what was replayed; each pair must alternate.

    Args:
        data: what is replayed; messages of one row hold the first rows only.
        sizes: rows a message.
        of: what the names say of the data.
    """
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        yield [one for size in sizes for one in _Pair(data, size, env, of).contenders()]


@dataclass(slots=True)
class _Pair:
    data: Data
    size: int
    env: dict[str, str]
    of: str
    published: Iterator[int] = field(default_factory=itertools.count)
    read: Iterator[int] = field(default_factory=itertools.count)

    @property
    def rows(self) -> Rows:
        return self.data.single if self.size == 1 else self.data.whole

    def contenders(self) -> list[Contender]:
        rows, words = self.rows.answer.rows, f"{plural(self.size)}{self.of}"
        into, base = "ordered, into the embedded broker", f"publisher replay, {plural(500)}"
        return [
            Contender(f"publisher replay, {words}", rows, self._replay, into, True, base=base),
            Contender(f"pipeline from Pub/Sub, {words}", rows, self._read, _WAIT, True),
        ]

    def _names(self, number: int) -> tuple[str, str]:
        stem = f"benchmark-{self.size}-{number}"
        return f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"

    def _replay(self) -> Sample:
        topic, subscription = self._names(next(self.published))
        return replay(self.data.csv, self.rows.answer.rows, self.size, topic, subscription, self.env)

    def _read(self) -> Sample:
        _, subscription = self._names(next(self.read))
        with output_folder() as folder:
            flags = ("--subscription", subscription, "--stop-after-idle", f"{IDLE_S}s")
            child, summary = run_job(folder, self.env, *flags)
            name = f"pipeline from Pub/Sub, {plural(self.size)}"
            self.rows.truth.check(name, read_job(folder, summary))
        return Sample(child.seconds - IDLE_S, float(summary["seconds"]) - IDLE_S, child.peak_mb)


def replay(csv: Path, rows: int, size: int, topic: str, subscription: str, env: dict[str, str]) -> Sample:
    """Publish the first rows of a CSV file in order, as fast as it goes.

    Raises:
        BenchmarkError: if they are not all published.
    """
    options = ["--create", "--speed", "max", "--rows-per-message", str(size), "--limit", str(rows)]
    command = ["publisher", "replay", str(csv), "--topic", topic, "--subscription", subscription, *options]
    child = run_module(command, env)
    summary = json.loads(child.stdout)
    if summary["rows_published"] != rows:
        raise BenchmarkError(f"publisher: {summary['rows_published']} of {rows} rows published")
    return Sample(child.seconds, float(summary["seconds"]), child.peak_mb)
