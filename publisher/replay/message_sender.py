"""Send messages with a bounded number in flight, and retry those that fail.

The client makes one attempt per message; this module retries ordered and unordered messages alike. Any exception of the
client is a failed attempt: it raises assertions of its own when a connection breaks. After a failure this module waits
for all messages in flight and then resends the failed ones in order. So the messages of an ordering key stay in order,
but may be published twice, with the same `message_key`.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Final, Protocol

from google.api_core import exceptions
from google.cloud.pubsub_v1.publisher.exceptions import MessageTooLargeError

from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import TelemetryError
from telemetry.retries import Retries, RetryPolicy

MAX_MESSAGES: Final = 5_000
"""Most messages in flight."""
MAX_BYTES: Final = 32 << 20
"""Most bytes of payload in flight, except for a single larger message."""
_RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.1, longest_pause_s=5.0)
_STOPPED_PATIENCE_S: Final = 10.0
_PERMANENT_ERRORS: Final = (exceptions.NotFound, exceptions.Forbidden, exceptions.Unauthenticated)
_MESSAGE_ERRORS: Final = (exceptions.InvalidArgument, MessageTooLargeError)


class PublishError(TelemetryError):
    """Publishing fails permanently, or for longer than the patience of the retries."""


class PublishChannel(Protocol):
    """Interface to a topic of Pub/Sub, replaced in tests and benchmarks."""

    def publish(self, message: ReplayMessage) -> "Future[str]":
        """Send a message in one attempt; the future holds its message id or an error."""

    def resume(self, ordering_key: str) -> None:
        """Accept messages of an ordering key again after one of them failed."""


class DeliveryObserver(Protocol):
    """Interface to what must know the fate of each message.

    Called from several threads. `published` and `failed` must neither block nor call the sender.
    """

    def published(self, message: ReplayMessage) -> None:
        """Note that a message was acknowledged."""

    def failed(self, message: ReplayMessage) -> None:
        """Note that an attempt has failed; `MessageSender.retry` makes the next one."""

    def refused(self, message: ReplayMessage, error: str) -> None:
        """Note that a message is invalid and was given up."""


class MessageSender:
    """Send messages through a channel until each is acknowledged or given up.

    Attributes:
        rows: acknowledged rows.
        messages: acknowledged messages.
        bytes: acknowledged bytes of payload.
        failed_rows: rows that were given up.
        error: error of the last messages that were given up, or "".
    """

    def __init__(
        self,
        channel: PublishChannel,
        next_sequence: int,
        stopped: threading.Event,
        retries: RetryPolicy = _RETRIES,
        clock: Callable[[], float] = time.monotonic,
        observer: DeliveryObserver | None = None,
    ) -> None:
        """Prepare to send.

        Args:
            channel: sends the messages.
            next_sequence: sequence number of the first message.
            stopped: set when the program must end; it shortens the patience of the retries.
            retries: policy for failures without any success in between.
            clock: returns monotonic seconds.
            observer: hears about each message; None for nobody.
        """
        self._channel = channel
        self._observer = observer
        self._stopped = stopped
        self._retries = Retries(retries, clock)
        self._changed = threading.Condition()
        self._in_flight: dict[int, ReplayMessage] = {}
        self._bytes_in_flight = 0
        self._failed: dict[int, tuple[ReplayMessage, BaseException]] = {}
        self._next = next_sequence
        self._acknowledged_ahead: set[int] = set()  # acknowledged although an earlier message is not
        self._given_up = False
        self.rows = self.messages = self.bytes = self.failed_rows = 0
        self.error = ""

    @property
    def next_sequence(self) -> int:
        """Sequence number of the first message that is not acknowledged."""
        with self._changed:
            return self._next

    def send(self, message: ReplayMessage) -> None:
        """Wait until a message may be in flight, and send it.

        Raises:
            PublishError: if messages are given up; this message is then given up as well.
        """
        try:
            while not self._wait_for_room(len(message.payload)):
                self._retry_failed()
        except PublishError:
            self._give_up([message])
            raise
        self._publish(message)

    def retry(self) -> None:
        """Send failed messages again, if there are any, as `send` and `finish` do, too.

        Raises:
            PublishError: if messages are given up.
        """
        with self._changed:
            has_failed = bool(self._failed)
        if has_failed:
            self._retry_failed()

    def finish(self) -> None:
        """Wait until each message is acknowledged or given up.

        Raises:
            PublishError: if messages are given up.
        """
        while not self._wait_until_idle():
            self._retry_failed()

    def _wait_for_room(self, size: int) -> bool:
        """Wait until a message of `size` bytes may be in flight; return False if a message has failed."""
        with self._changed:
            while not self._failed and self._in_flight and self._is_full(size):
                self._changed.wait()
            return not self._failed

    def _is_full(self, more_bytes: int) -> bool:
        return len(self._in_flight) >= MAX_MESSAGES or self._bytes_in_flight + more_bytes > MAX_BYTES

    def _wait_until_idle(self) -> bool:
        """Wait until no message is in flight; return False if a message has failed."""
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            return not self._failed

    def _publish(self, message: ReplayMessage) -> None:
        with self._changed:
            self._in_flight[message.sequence] = message
            self._bytes_in_flight += len(message.payload)
        attempt = _Attempt()
        with attempt:
            future = self._channel.publish(message)
        if attempt.error is not None:
            self._complete(message, attempt.error)
        else:
            future.add_done_callback(lambda done: self._complete(message, _error_of(done)))

    def _complete(self, message: ReplayMessage, error: BaseException | None) -> None:
        """Record the result of an attempt; called from threads of the client."""
        size = len(message.payload)
        with self._changed:
            del self._in_flight[message.sequence]
            self._bytes_in_flight -= size
            if error is not None:
                self._failed[message.sequence] = (message, error)
                self._retries.fail()
            else:
                self._retries.succeed()
                self.rows += message.rows
                self.messages += 1
                self.bytes += size
                self._acknowledge(message.sequence)
            if self._observer is not None:  # before `finish` can return
                (self._observer.published if error is None else self._observer.failed)(message)
            self._changed.notify_all()

    def _acknowledge(self, sequence: int) -> None:
        if self._given_up:  # the checkpoint must not pass messages that were given up
            return
        self._acknowledged_ahead.add(sequence)
        while self._next in self._acknowledged_ahead:
            self._acknowledged_ahead.remove(self._next)
            self._next += 1

    def _retry_failed(self) -> None:
        """Resend the failed messages in order, after all messages in flight have completed."""
        failed = self._take_failed()
        errors = [error for _, error in failed]
        permanent = next((error for error in errors if isinstance(error, _PERMANENT_ERRORS)), None)
        at_most_s = _STOPPED_PATIENCE_S if self._stopped.is_set() else None
        if permanent is not None or self._retries.is_over(at_most_s):
            self._give_up([message for message, _ in failed])
            self.error = _describe(permanent or errors[0])
            raise PublishError(self.error)
        one_by_one = any(isinstance(error, _MESSAGE_ERRORS) for error in errors)
        if not one_by_one:
            self._retries.pause()
        for key in dict.fromkeys(message.ordering_key for message, _ in failed if message.ordering_key):
            self._resume(key)
        for message, _ in failed:
            self._publish(message)
            if one_by_one:  # one invalid message makes the whole request fail
                self._check_single(message)

    def _take_failed(self) -> list[tuple[ReplayMessage, BaseException]]:
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            failed = [self._failed[sequence] for sequence in sorted(self._failed)]
            self._failed.clear()
            return failed

    def _check_single(self, message: ReplayMessage) -> None:
        """Wait for a message that was sent in its own request; give it up if it is invalid."""
        with self._changed:
            while self._in_flight:
                self._changed.wait()
            found = self._failed.get(message.sequence)
            if found is None or not isinstance(found[1], _MESSAGE_ERRORS):
                return
            del self._failed[message.sequence]
        self._give_up([message])
        self.error = _describe(found[1])
        if self._observer is not None:
            self._observer.refused(message, self.error)
        if message.ordering_key:
            self._resume(message.ordering_key)

    def _resume(self, ordering_key: str) -> None:
        with _Attempt():  # if the key stays paused, the next attempts of its messages fail and are retried
            self._channel.resume(ordering_key)

    def _give_up(self, messages: list[ReplayMessage]) -> None:
        with self._changed:
            self._given_up = True
            self._acknowledged_ahead.clear()
            self.failed_rows += sum(message.rows for message in messages)


class _Attempt:
    """Context that keeps any exception of the client, so that it counts as a failed attempt and ends nothing.

    Attributes:
        error: the exception; None if there was none.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> None:
        """Begin the attempt."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Keep an exception; let through what ends the program."""
        if isinstance(error, Exception):
            self.error = error
        return self.error is not None


def _error_of(done: "Future[str]") -> BaseException | None:
    """Return the error of a future that is done; a cancelled one, as a client that stops leaves it, has failed, too."""
    return CancelledError("cancelled by the client") if done.cancelled() else done.exception()


def _describe(error: BaseException) -> str:
    """Return an error as one line of text."""
    detail = getattr(error, "message", "") or str(error) or type(error).__name__
    with contextlib.suppress(AttributeError):
        detail = f"{error.grpc_status_code.name}: {detail}"  # type: ignore[attr-defined]
    return " ".join(str(detail).split())
