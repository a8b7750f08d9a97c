"""Measure replays to an embedded broker, and the job on the replayed messages."""

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data, Rows
from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import run_module
from benchmarks.output_folders import output_folder
from benchmarks.processes import run_job
from benchmarks.read_outputs import read_job
from publisher.broker import Broker

SIZES: Final = (1, 100, 500, 2_000)
"""Numbers of rows per message."""
IDLE_S: Final = 2
PROJECT: Final = "projects/benchmark"
_REMARK: Final = f"all messages published before; without the {IDLE_S} s of idle time at the end"


def plural(size: int) -> str:
    """Return the number of rows per message in words."""
    return f"{size:,} row{'s' * (size > 1)} a message"


@contextmanager
def through_pubsub(data: Data, sizes: Sequence[int] = SIZES, suffix: str = "") -> Iterator[list[BenchmarkCase]]:
    """Yield replays to an embedded broker and jobs that read the replayed messages; each pair must alternate.

    Args:
        data: replayed data; with one row per message only the first rows.
        sizes: numbers of rows per message.
        suffix: suffix of the names of the cases.
    """
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        yield [one for size in sizes for one in _ReplayAndJob(data, size, env, suffix).cases()]


@dataclass(slots=True)
class _ReplayAndJob:
    data: Data
    size: int
    env: dict[str, str]
    suffix: str
    published: Iterator[int] = field(default_factory=itertools.count)
    read: Iterator[int] = field(default_factory=itertools.count)

    @property
    def rows(self) -> Rows:
        return self.data.single if self.size == 1 else self.data.whole

    def cases(self) -> list[BenchmarkCase]:
        rows, words = self.rows.totals.rows, f"{plural(self.size)}{self.suffix}"
        remark, baseline = "ordered, into the embedded broker", f"publisher replay, {plural(500)}"
        return [
            BenchmarkCase(f"publisher replay, {words}", rows, self._replay, remark, True, baseline=baseline),
            BenchmarkCase(f"pipeline from Pub/Sub, {words}", rows, self._read, _REMARK, True),
        ]

    def _names(self, number: int) -> tuple[str, str]:
        stem = f"benchmark-{self.size}-{number}"
        return f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"

    def _replay(self) -> Sample:
        topic, subscription = self._names(next(self.published))
        return replay(self.data.csv, self.rows.totals.rows, self.size, topic, subscription, self.env)

    def _read(self) -> Sample:
        _, subscription = self._names(next(self.read))
        with output_folder() as folder:
            flags = ("--subscription", subscription, "--stop-after-idle", f"{IDLE_S}s")
            process, summary = run_job(folder, self.env, *flags)
            name = f"pipeline from Pub/Sub, {plural(self.size)}"
            self.rows.expected.check(name, read_job(folder, summary))
        return Sample(process.seconds - IDLE_S, float(summary["seconds"]) - IDLE_S, process.peak_mb)


def replay(csv: Path, rows: int, size: int, topic: str, subscription: str, env: dict[str, str]) -> Sample:
    """Publish the first rows of a CSV file in order and without pauses.

    Raises:
        BenchmarkError: if a row is not published.
    """
    options = ["--create", "--speed", "max", "--rows-per-message", str(size), "--limit", str(rows)]
    command = ["publisher", "replay", str(csv), "--topic", topic, "--subscription", subscription, *options]
    process = run_module(command, env)
    summary = json.loads(process.stdout)
    if summary["rows_published"] != rows:
        raise BenchmarkError(f"publisher: {summary['rows_published']} of {rows} rows published")
    return Sample(process.seconds, float(summary["seconds"]), process.peak_mb)
