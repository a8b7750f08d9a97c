"""How fast the publisher is by itself: a replay whose messages go nowhere."""

import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.answers import BenchmarkError
from benchmarks.contender import Contender, Sample
from benchmarks.data import Data
from publisher.replay.pace import Pace
from publisher.replay.payload import ReplayMessage
from publisher.replay.selection import Selection
from publisher.replay.session import Recording, ReplaySession

ROWS_PER_MESSAGE: Final = 500
NAME: Final = f"publisher into nothing, {ROWS_PER_MESSAGE} rows a message"


class Nothing:
    """A channel that takes every message at once, and keeps the payloads.

    Attributes:
        payloads: in order.
    """

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        """Take a message."""
        self.payloads.append(outgoing.payload)
        future: Future[str] = Future()
        future.set_result("0")
        return future

    def resume(self, ordering_key: str) -> None:
        """Do nothing: nothing ever fails."""


def contenders(data: Data) -> list[Contender]:
    """Return the publisher without a broker: reading, formatting, forming messages, counting what is acknowledged."""
    remark = "in this process: CSV to messages, no client, no network"
    return [Contender(NAME, data.whole.answer.rows, partial(_run, data), remark, True)]


def _run(data: Data) -> Sample:
    recording = Recording((str(data.csv),), {}, Selection(), 1, "original", ROWS_PER_MESSAGE, False, "run")
    channel, stopped = Nothing(), threading.Event()
    began = time.perf_counter()
    session = ReplaySession(recording, channel, Pace(None, None, stopped, lambda _: None), stopped)
    session.run(lambda _: None, lambda _: None)
    seconds = time.perf_counter() - began
    _check(data.whole.lines, channel, session.delivery.rows, data.whole.answer.rows)
    return Sample(seconds, seconds)


def _check(lines: Path, channel: Nothing, acknowledged: int, rows: int) -> None:
    if acknowledged != rows or b"\n".join(channel.payloads) != lines.read_bytes().rstrip(b"\n"):
        raise BenchmarkError(f"{NAME}: {acknowledged} of {rows} rows, or not the rows of the file")
