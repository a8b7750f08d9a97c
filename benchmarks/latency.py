"""Measure the time from publishing a reading to its anomaly in an output file, through the local broker."""

import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.expected_output import BenchmarkError
from benchmarks.latency_probe import HOT_EVERY
from benchmarks.measured_process import run_module
from benchmarks.streams import PROJECT
from publisher.broker import Broker


@contextmanager
def cases(seconds: float, rows_per_s: int) -> Iterator[list[BenchmarkCase]]:
    """Yield the measurement at a constant rate, one row per message, for `seconds` seconds."""
    name = f"publish → anomaly in a file, {rows_per_s:,} rows/s"
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()

        def run() -> Sample:
            stem = f"latency-{next(rounds)}"
            with tempfile.TemporaryDirectory() as folder:
                names = (f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}")
                process = run_module(["benchmarks.latency_probe", *names, folder, str(seconds), str(rows_per_s)], env)
            report = process.last_line()
            if report["published"] != report["decoded"] or report["duplicates"]:
                raise BenchmarkError(f"latency: {report['published']} rows published, {report['decoded']} decoded, "
                                     f"{report['duplicates']} duplicate anomalies")  # fmt: skip
            return to_sample(report["latencies_ms"])

        remark = f"{seconds:g} s at 1 row a message, one anomaly in {HOT_EVERY} rows; the time is the median latency"
        yield [BenchmarkCase(name, 0, run, remark, True)]


def to_sample(latencies_ms: list[float]) -> Sample:
    """Return percentiles of latencies as a sample whose time is the median."""
    cuts = statistics.quantiles(latencies_ms, n=100, method="inclusive")
    details = {"p50 ms": cuts[49], "p95 ms": cuts[94], "p99 ms": cuts[98], "anomalies": float(len(latencies_ms))}
    return Sample(cuts[49] / 1e3, details=details)
