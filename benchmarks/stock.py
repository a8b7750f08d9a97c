"""Measure Beam's own reader of Pub/Sub, which the job replaces on local runners, with one row per message."""

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data, first_rows
from benchmarks.expected_output import BenchmarkError
from benchmarks.measured_process import run_measured
from benchmarks.read_outputs import read_peer
from benchmarks.streams import PROJECT, replay
from publisher.broker import Broker

NAME: Final = "stock Beam ReadFromPubSub, 1 row a message"


@contextmanager
def cases(data: Data, most_rows: int) -> Iterator[list[BenchmarkCase]]:
    """Yield the stock reader on the first rows; each round publishes them again before the measurement."""
    with tempfile.TemporaryDirectory() as temporary, Broker() as broker:
        rows = first_rows(data.single, most_rows, Path(temporary, "stock.jsonl"))
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()
        number = rows.totals.rows

        def run() -> Sample:
            stem = f"stock-{next(rounds)}"
            topic, subscription = f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"
            replay(data.csv, number, 1, topic, subscription, env)
            with tempfile.TemporaryDirectory() as folder:
                script = "benchmarks.peers.beam_stock_pubsub"
                process = run_measured([sys.executable, "-m", script, subscription, folder, str(number)], env)
                printed = process.last_line()
                if printed["rows"] != number:
                    raise BenchmarkError(f"{NAME}: {printed['rows']} of {number} rows")
                rows.expected.check(NAME, read_peer(Path(folder), number, windows=False), windows=False)
            return Sample(process.seconds, float(printed["seconds"]), process.peak_mb)

        remark = (
            "only the threshold is checked; open windows of arrival time are ignored; acknowledges before processing"
        )
        yield [BenchmarkCase(NAME, number, run, remark)]
