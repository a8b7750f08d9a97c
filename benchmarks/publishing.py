"""Measure the publisher alone: a replay to a channel that discards its messages."""

import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.cases import BenchmarkCase, Sample
from benchmarks.data import Data
from benchmarks.expected_output import BenchmarkError
from publisher.replay.message_builder import ReplayMessage
from publisher.replay.pacer import Pacer
from publisher.replay.recording import Recording
from publisher.replay.replayer import Replayer
from publisher.replay.selection import Selection

ROWS_PER_MESSAGE: Final = 500
NAME: Final = f"publisher into nothing, {ROWS_PER_MESSAGE} rows a message"


class PayloadCollector:
    """A `PublishChannel` that accepts every message immediately and keeps its payload.

    Attributes:
        payloads: payloads in order of publishing.
    """

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def publish(self, message: ReplayMessage) -> "Future[str]":
        """Accept a message."""
        self.payloads.append(message.payload)
        future: Future[str] = Future()
        future.set_result("0")
        return future

    def resume(self, ordering_key: str) -> None:
        """Do nothing, because no message fails."""


def cases(data: Data) -> list[BenchmarkCase]:
    """Return the publisher without a broker: reading, formatting, building messages and counting acknowledgements."""
    remark = "in this process: CSV to messages, no client, no network"
    return [BenchmarkCase(NAME, data.whole.totals.rows, partial(_run, data), remark, True)]


def _run(data: Data) -> Sample:
    recording = Recording((str(data.csv),), {}, Selection(), 1, "original", ROWS_PER_MESSAGE, False, "run")
    channel, stopped = PayloadCollector(), threading.Event()
    began = time.perf_counter()
    replayer = Replayer(recording, channel, Pacer(None, None, stopped, lambda _: None), stopped)
    replayer.run(lambda _: None, lambda _: None)
    seconds = time.perf_counter() - began
    _check(data.whole.lines, channel, replayer.sender.rows, data.whole.totals.rows)
    return Sample(seconds, seconds)


def _check(lines: Path, channel: PayloadCollector, acknowledged: int, rows: int) -> None:
    if acknowledged != rows or b"\n".join(channel.payloads) != lines.read_bytes().rstrip(b"\n"):
        raise BenchmarkError(f"{NAME}: {acknowledged} of {rows} rows, or not the rows of the file")
