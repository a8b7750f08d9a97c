"""Measure time and memory for ten times as many rows or windows, many devices, and a long stream."""

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import LEAST_READINGS, Data, prepare_simulated
from benchmarks.expected_output import WINDOW_US, BenchmarkError, compute_output
from benchmarks.measured_process import ROOT, MeasuredProcess
from benchmarks.output_folders import output_folder
from benchmarks.processes import run_files, run_job
from benchmarks.streams import IDLE_S, PROJECT
from publisher.broker import Broker

BASE: Final = "files: the same rows"
_INTERVAL_US: Final = 5_000_000
_FACTOR: Final = 10


@contextmanager
def cases(data: Data, devices: int) -> Iterator[list[BenchmarkCase]]:
    """Yield the job on files with more rows, windows or devices.

    Args:
        data: rows of the baseline.
        devices: number of devices of the last file.
    """
    rows = data.whole.totals.rows
    with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
        folder = Path(temporary)
        more_rows = prepare_simulated(folder, rows * _FACTOR, 3, _INTERVAL_US)
        many = prepare_simulated(folder, devices * LEAST_READINGS, devices, _INTERVAL_US)
        narrow = compute_output(data.whole.read_lines(), WINDOW_US // _FACTOR)
        yield [
            BenchmarkCase(name, expected.rows, partial(run_files, path, expected, name, flags), remark, True)
            for name, path, expected, flags, remark in (
                (BASE, data.whole.lines, data.whole.expected, (), data.title),
                (
                    f"files: rows × {_FACTOR}",
                    more_rows.whole.lines,
                    more_rows.whole.expected,
                    (),
                    "simulated, 3 devices",
                ),
                (f"files: windows a device × {_FACTOR}", data.whole.lines, narrow, ("--window", "6s"), "6 s, not 60 s"),
                (
                    f"files: {devices:,} devices",
                    many.whole.lines,
                    many.whole.expected,
                    (),
                    f"{LEAST_READINGS} readings each",
                ),
            )
        ]


@contextmanager
def long_stream(data: Data, rows: int, rate: int) -> Iterator[list[BenchmarkCase]]:
    """Yield the job on a long stream that is published while the job runs: the data in a loop with shifted times.

    Args:
        data: data of each pass.
        rows: approximate number of rows.
        rate: published rows per second; the broker holds the backlog.
    """
    loops = max(1, round(rows / data.whole.totals.rows))
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()

        def run() -> Sample:
            stem = f"long-{next(rounds)}"
            topic, subscription = f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"
            options = ["--rows-per-message", "500", "--rate", str(rate), "--loop", str(loops)]
            command = [sys.executable, "-m", "publisher", "replay", str(data.csv), "--topic", topic, *options]
            with output_folder() as folder, tempfile.TemporaryFile("w+") as output:
                _create(topic, subscription, broker.address)
                publishing = subprocess.Popen(command, env=env, cwd=ROOT, stdout=output, stderr=output)
                try:
                    flags = ("--subscription", subscription, "--stop-after-idle", f"{IDLE_S}s")
                    process, summary = run_job(folder, env, *flags, sample_s=1.0)
                finally:
                    publishing.terminate()
                    failed = publishing.wait()
                output.seek(0)
                if failed:
                    raise BenchmarkError(f"publisher: exit code {failed}: {output.read().strip()[-500:]}")
            _check(data, loops, summary)
            return _sample(process, float(summary["seconds"]))

        remark = f"published at {rate:,} rows/s while it runs; memory of the job sampled every second"
        name = f"pipeline from Pub/Sub, a stream of {loops * data.whole.totals.rows:,} rows"
        yield [BenchmarkCase(name, loops * data.whole.totals.rows, run, remark, True)]


def _create(topic: str, subscription: str, address: str) -> None:
    """Create topic and subscription, because the job needs the subscription before publishing starts."""
    with grpc.insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=topic)
        ordered = {"name": subscription, "topic": topic, "ack_deadline_seconds": 60, "enable_message_ordering": True}
        SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)).create_subscription(request=ordered)


def _check(data: Data, loops: int, summary: dict[str, Any]) -> None:
    expected: tuple[int, int, dict[str, int]] = (
        loops * data.whole.totals.rows,
        loops * data.whole.totals.anomalies,
        {},
    )
    found = (summary["rows_decoded"], sum(summary["anomalies"].values()), summary["dead_letters"])
    if found != expected:
        raise BenchmarkError(f"long stream: (rows, anomalies, dead letters) are {found}, expected {expected}")


def _sample(process: MeasuredProcess, seconds: float) -> Sample:
    memory = process.memory
    quarters = {
        f"MB at {share} %": memory[min(len(memory) - 1, len(memory) * share // 100)][1] for share in (25, 50, 75, 100)
    } if memory else {}  # fmt: skip
    return Sample(process.seconds - IDLE_S, seconds - IDLE_S, process.peak_mb, quarters, memory)
