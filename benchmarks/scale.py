"""What ten times as much costs, and what it takes of memory: rows, windows, devices, and a stream that goes on."""

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

from benchmarks.answers import WINDOW_US, BenchmarkError, plain_truth
from benchmarks.child import ROOT, Child
from benchmarks.contender import Contender, Sample
from benchmarks.data import LEAST_READINGS, Data, simulated
from benchmarks.folders import output_folder
from benchmarks.processes import run_files, run_job
from benchmarks.streams import IDLE_S, PROJECT
from publisher.broker import Broker

BASE: Final = "files: the same rows"
_INTERVAL_US: Final = 5_000_000
_TIMES: Final = 10


@contextmanager
def contenders(data: Data, devices: int) -> Iterator[list[Contender]]:
    """Give the job on files of other shapes; each tells its peak memory.

    Args:
        data: the rows to begin with.
        devices: how many at the most, each with a few readings.
    """
    rows = data.whole.answer.rows
    with tempfile.TemporaryDirectory(prefix="scale-") as place:
        folder = Path(place)
        more_rows = simulated(folder, rows * _TIMES, 3, _INTERVAL_US)
        many = simulated(folder, devices * LEAST_READINGS, devices, _INTERVAL_US)
        narrow = plain_truth(data.whole.read_lines(), WINDOW_US // _TIMES)
        yield [
            Contender(name, truth.rows, partial(run_files, path, truth, name, flags), remark, True)
            for name, path, truth, flags, remark in (
                (BASE, data.whole.lines, data.whole.truth, (), data.title),
                (f"files: rows × {_TIMES}", more_rows.whole.lines, more_rows.whole.truth, (), "simulated, 3 devices"),
                (f"files: windows a device × {_TIMES}", data.whole.lines, narrow, ("--window", "6s"), "6 s, not 60 s"),
                (
                    f"files: {devices:,} devices",
                    many.whole.lines,
                    many.whole.truth,
                    (),
                    f"{LEAST_READINGS} readings each",
                ),
            )
        ]


@contextmanager
def long_stream(data: Data, rows: int, rate: int) -> Iterator[list[Contender]]:
    """Give the job on a stream of many rows: the data over and over, each time later, published while it runs.

    Args:
        data: what is repeated.
        rows: about how many in all.
        rate: rows a second that are published; what the job does not take at once waits in the broker.
    """
    loops = max(1, round(rows / data.whole.answer.rows))
    with Broker() as broker:
        env = os.environ | {"PUBSUB_EMULATOR_HOST": broker.address}
        rounds = itertools.count()

        def run() -> Sample:
            stem = f"long-{next(rounds)}"
            topic, subscription = f"{PROJECT}/topics/{stem}", f"{PROJECT}/subscriptions/{stem}"
            options = ["--rows-per-message", "500", "--rate", str(rate), "--loop", str(loops)]
            command = [sys.executable, "-m", "publisher", "replay", str(data.csv), "--topic", topic, *options]
            with output_folder() as folder, tempfile.TemporaryFile("w+") as said:
                _create(topic, subscription, broker.address)
                publishing = subprocess.Popen(command, env=env, cwd=ROOT, stdout=said, stderr=said)
                try:
                    flags = ("--subscription", subscription, "--stop-after-idle", f"{IDLE_S}s")
                    child, summary = run_job(folder, env, *flags, sample_s=1.0)
                finally:
                    publishing.terminate()
                    failed = publishing.wait()
                said.seek(0)
                if failed:
                    raise BenchmarkError(f"publisher: exit code {failed}: {said.read().strip()[-500:]}")
            _check(data, loops, summary)
            return _sample(child, float(summary["seconds"]))

        remark = f"published at {rate:,} rows/s while it runs; memory of the job's process, sampled each second"
        name = f"pipeline from Pub/Sub, a stream of {loops * data.whole.answer.rows:,} rows"
        yield [Contender(name, loops * data.whole.answer.rows, run, remark, True)]


def _create(topic: str, subscription: str, address: str) -> None:
    """Create both, so that the job finds its subscription before anything is published."""
    with grpc.insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=topic)
        ordered = {"name": subscription, "topic": topic, "ack_deadline_seconds": 60, "enable_message_ordering": True}
        SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)).create_subscription(request=ordered)


def _check(data: Data, loops: int, summary: dict[str, Any]) -> None:
    expected: tuple[int, int, dict[str, int]] = (
        loops * data.whole.answer.rows,
        loops * data.whole.answer.anomalies,
        {},
    )
    found = (summary["rows_decoded"], sum(summary["anomalies"].values()), summary["dead_letters"])
    if found != expected:
        raise BenchmarkError(f"long stream: (rows, anomalies, dead letters) are {found}, expected {expected}")


def _sample(child: Child, seconds: float) -> Sample:
    memory = child.memory
    quarters = {
        f"MB at {share} %": memory[min(len(memory) - 1, len(memory) * share // 100)][1] for share in (25, 50, 75, 100)
    } if memory else {}  # fmt: skip
    return Sample(child.seconds - IDLE_S, seconds - IDLE_S, child.peak_mb, quarters, memory)
