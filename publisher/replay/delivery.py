"""Messages on their way: how many may be outstanding, and what becomes of those that fail.

The client makes one attempt; trying again is decided here, alike for ordered and unordered messages. When
a message fails, those in flight are waited for, then all that failed go out again in their order. So what
is published under one ordering key stays in order, except that messages may come twice, under the same
`message_key`.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Protocol

from google.api_core import exceptions
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError

from publisher.replay.payload import ReplayMessage
from telemetry.errors import TelemetryError
from telemetry.retries import Retries, RetryPolicy

MAX_MESSAGES: Final = 5_000
"""Most messages in flight."""
MAX_BYTES: Final = 32 << 20
"""Most bytes of payload in flight, besides a single larger message."""
_RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.1, longest_pause_s=5.0)
_PATIENCE_STOPPED_S: Final = 10.0
_HOPELESS: Final = (exceptions.NotFound, exceptions.Forbidden, exceptions.Unauthenticated)
_ITS_OWN_FAULT: Final = (exceptions.InvalidArgument, MessageTooLargeError)


class DeliveryError(TelemetryError):
    """Pub/Sub does not take the messages, for good or for too long."""


class PublishChannel(Protocol):
    """What takes messages: a topic of Pub/Sub, or something else in tests and benchmarks."""

    def publish(self, outgoing: ReplayMessage) -> "Future[str]":
        """Send a message, with one attempt; the future tells what became of it."""

    def resume(self, ordering_key: str) -> None:
        """Take messages of an ordering key again after one of them failed."""


class Delivery:
    """Sends messages through a channel until each is acknowledged or given up.

    Attributes:
        rows: acknowledged.
        messages: acknowledged.
        bytes: of payload, acknowledged.
        failed_rows: given up.
        error: why the latest of them were, or "".
    """

    def __init__(
        self,
        channel: PublishChannel,
        next_sequence: int,
        stopped: threading.Event,
        retries: RetryPolicy = _RETRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            channel: where messages go.
            next_sequence: number of the first message that will be sent.
            stopped: whether somebody waits for the end: then failing messages get less time.
            retries: for messages that fail without a single success in between.
            clock: seconds, monotonic.
        """
        self._channel = channel
        self._stopped = stopped
        self._retries = Retries(retries, clock)
        self._changed = threading.Condition()
        self._in_flight: dict[int, ReplayMessage] = {}
        self._bytes_in_flight = 0
        self._failing: dict[int, tuple[ReplayMessage, BaseException]] = {}
        self._next = next_sequence
        self._ahead: set[int] = set()  # acknowledged before an earlier one
        self._given_up = False
        self.rows = self.messages = self.bytes = self.failed_rows = 0
        self.error = ""

    @property
    def next_sequence(self) -> int:
        """The first message that is not acknowledged yet."""
        with self._changed:
            return self._next

    def send(self, outgoing: ReplayMessage) -> None:
        """Send a message when there is room for it.

        Raises:
            DeliveryError: if messages fail for good; they count as failed, this one too.
        """
        try:
            while not self._has_room(len(outgoing.payload)):
                self._recover()
        except DeliveryError:
            self._give_up([outgoing])
            raise
        self._publish(outgoing)

    def finish(self) -> None:
        """Wait until each message is acknowledged or given up.

        Raises:
            DeliveryError: if messages fail for good; they count as failed.
        """
        while not self._is_settled():
            self._recover()

    def _has_room(self, size: int) -> bool:
        """Wait for room for a message of so many bytes; False if something fails instead."""
        with self._changed:
            while not self._failing and self._in_flight and self._is_full(size):
                self._changed.wait()
            return not self._failing

    def _is_full(self, more_bytes: int) -> bool:
        return len(self._in_flight) >= MAX_MESSAGES or self._bytes_in_flight + more_bytes > MAX_BYTES

    def _is_settled(self) -> bool:
        """Wait until nothing is in flight; False if something failed."""
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            return not self._failing

    def _publish(self, outgoing: ReplayMessage) -> None:
        with self._changed:
            self._in_flight[outgoing.sequence] = outgoing
            self._bytes_in_flight += len(outgoing.payload)
        try:
            future = self._channel.publish(outgoing)
        except MessageTooLargeError as error:
            self._settle(outgoing, error)
        else:
            future.add_done_callback(lambda done: self._settle(outgoing, done.exception()))

    def _settle(self, outgoing: ReplayMessage, error: BaseException | None) -> None:
        """Learn what became of an attempt; called from threads of the client."""
        size = len(outgoing.payload)
        with self._changed:
            del self._in_flight[outgoing.sequence]
            self._bytes_in_flight -= size
            if error is not None:
                self._failing[outgoing.sequence] = (outgoing, error)
                self._retries.fail()
            else:
                self._retries.succeed()
                self.rows += outgoing.rows
                self.messages += 1
                self.bytes += size
                self._acknowledge(outgoing.sequence)
            self._changed.notify_all()

    def _acknowledge(self, sequence: int) -> None:
        if self._given_up:  # the checkpoint stays before what was given up
            return
        self._ahead.add(sequence)
        while self._next in self._ahead:
            self._ahead.remove(self._next)
            self._next += 1

    def _recover(self) -> None:
        """Send what failed once more, in order, after everything in flight has settled."""
        failing = self._take_failing()
        errors = [error for _, error in failing]
        hopeless = next((error for error in errors if isinstance(error, _HOPELESS)), None)
        at_most_s = _PATIENCE_STOPPED_S if self._stopped.is_set() else None
        if hopeless is not None or self._retries.is_over(at_most_s):
            self._give_up([outgoing for outgoing, _ in failing])
            self.error = _text(hopeless or errors[0])
            raise DeliveryError(self.error)
        alone = any(isinstance(error, _ITS_OWN_FAULT) for error in errors)
        if not alone:
            self._retries.pause()
        for key in dict.fromkeys(outgoing.ordering_key for outgoing, _ in failing if outgoing.ordering_key):
            self._channel.resume(key)
        for outgoing, _ in failing:
            self._publish(outgoing)
            if alone:  # a request is refused as a whole for one message in it
                self._judge(outgoing)

    def _take_failing(self) -> list[tuple[ReplayMessage, BaseException]]:
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            failing = [self._failing[sequence] for sequence in sorted(self._failing)]
            self._failing.clear()
            return failing

    def _judge(self, outgoing: ReplayMessage) -> None:
        """Wait for a message that was sent alone; give it up if it is refused for what it is."""
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            found = self._failing.get(outgoing.sequence)
            if found is None or not isinstance(found[1], _ITS_OWN_FAULT):
                return
            del self._failing[outgoing.sequence]
        self._give_up([outgoing])
        self.error = _text(found[1])
        if outgoing.ordering_key:
            self._channel.resume(outgoing.ordering_key)

    def _give_up(self, messages: list[ReplayMessage]) -> None:
        with self._changed:
            self._given_up = True
            self._ahead.clear()
            self.failed_rows += sum(outgoing.rows for outgoing in messages)


def _text(error: BaseException) -> str:
    """Return one line for a person."""
    detail = getattr(error, "message", "") or str(error) or type(error).__name__
    with contextlib.suppress(AttributeError):
        detail = f"{error.grpc_status_code.name}: {detail}"  # type: ignore[attr-defined]
    return " ".join(str(detail).split())
