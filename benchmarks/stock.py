"""Beam's own reader of Pub/Sub on its local streaming runner, one row a message: what ours replaces there."""

import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.answers import BenchmarkError
from benchmarks.child import run_child
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data, first_rows
from benchmarks.outputs import read_peer
from benchmarks.streams import PROJECT, replay
from publisher.broker import Broker

NAME: Final = "stock Beam ReadFromPubSub, 1 row a message"


@contextmanager
def contenders(data: Data, most_rows: int) -> Iterator[list[Contender]]:
    """Give the stock reader on the first rows; each round publishes them anew, before the clock runs."""
    with tempfile.TemporaryDirectory() as place, Broker() as broker:
        rows = first_rows(data.single, most_rows, Path(place, "stock.jsonl"))
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()
        number = rows.answer.rows

        def run() -> Sample:
            stem = f"stock-{next(rounds)}"
            topic, subscription = f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"
            replay(data.csv, number, 1, topic, subscription, env)
            with tempfile.TemporaryDirectory() as folder:
                script = "benchmarks.peers.beam_stock_pubsub"
                child = run_child([sys.executable, "-m", script, subscription, folder, str(number)], env)
                printed = child.last_line()
                if printed["rows"] != number:
                    raise BenchmarkError(f"{NAME}: {printed['rows']} of {number} rows")
                rows.truth.check(NAME, read_peer(Path(folder), number, windows=False), windows=False)
            return Sample(child.seconds, float(printed["seconds"]), child.peak_mb)

        remark = "threshold checked; windows of arrival time, not waited for; acknowledges before it processes"
        yield [Contender(NAME, number, run, remark)]
