"""From publishing a reading to its anomaly in an output file, through the local broker."""

import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.answers import BenchmarkError
from benchmarks.child import run_module
from benchmarks.contender import Contender, Sample
from benchmarks.latency_probe import HOT_EVERY, ROWS_PER_S
from benchmarks.streams import PROJECT
from publisher.broker import Broker

NAME: Final = f"publish → anomaly in a file, {ROWS_PER_S:,} rows/s"


@contextmanager
def contenders(seconds: float) -> Iterator[list[Contender]]:
    """Give the measurement at a steady rate, one row a message, for so many seconds."""
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()

        def run() -> Sample:
            stem = f"latency-{next(rounds)}"
            with tempfile.TemporaryDirectory() as folder:
                names = (f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}")
                child = run_module(["benchmarks.latency_probe", *names, folder, str(seconds)], env)
            told = child.last_line()
            if told["published"] != told["decoded"] or told["twice"]:
                raise BenchmarkError(f"latency: {told['published']} rows published, {told['decoded']} decoded, "
                                     f"{told['twice']} anomalies twice")  # fmt: skip
            return to_sample(told["latencies_ms"])

        words = f"{seconds:g} s at 1 row a message, an anomaly in {HOT_EVERY}; seconds are the median latency"
        yield [Contender(NAME, 0, run, words, True)]


def to_sample(latencies_ms: list[float]) -> Sample:
    """Return percentiles of latencies as a sample; its seconds are the median."""
    cuts = statistics.quantiles(latencies_ms, n=100, method="inclusive")
    details = {"p50 ms": cuts[49], "p95 ms": cuts[94], "p99 ms": cuts[98], "anomalies": float(len(latencies_ms))}
    return Sample(cuts[49] / 1e3, details=details)
