"""Send messages to a topic in full requests until each of them is taken or refused."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import grpc
from google.api_core import exceptions

from telemetry.model.messages import MAX_MESSAGE_BYTES
from telemetry.pubsub.client import send_request
from telemetry.pubsub.messages import MAX_MESSAGES, MAX_REQUEST_BYTES, OutboxMessage, Settled
from telemetry.retries import GivenUp, Retries, RetryPolicy

RETRIES: Final = RetryPolicy(patience_s=30.0, first_pause_s=0.1, longest_pause_s=2.0)
"""For a request that fails for a passing reason."""
_MAX_IN_FLIGHT: Final = 4  # bounds the requests of an outbox that wait for an answer, and the memory that they take
_PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,  # by a server that stops
    }
)

Send = Callable[[str, Sequence[OutboxMessage]], None]
"""Publishes messages to a topic in one request, with one attempt; raises GoogleAPICallError."""


class Outbox:
    """Messages on their way to a topic, in requests of bounded size, several at a time, until each is taken or refused.

    A request that fails for a passing reason (the service is away, overloaded, restarting) is sent again after growing
    pauses. When patience ends, the request is given up, and the other requests of the outbox get one attempt each until
    one succeeds. A request that is refused for its content is halved until only the messages at fault are refused. Any
    other failure is final for its request. A message may be published twice, if an answer was lost.

    Used by one thread. Holds a few requests at most.
    """

    def __init__(
        self,
        topic: str,
        flush_us: int,
        retries: RetryPolicy = RETRIES,
        send: Send = send_request,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare.

        Args:
            topic: ``projects/P/topics/T``.
            flush_us: how long messages wait for their request to fill, microseconds; checked when messages come.
            retries: for a request that fails for a passing reason.
            send: makes one attempt; called from several threads.
            clock: returns seconds, monotonic.
            sleep: waits for so many seconds.
        """
        self._topic = topic
        self._flush_us = flush_us
        self._retries = retries
        self._send = send
        self._clock = clock
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(_MAX_IN_FLIGHT, thread_name_prefix="publish")
        self._waiting: list[OutboxMessage] = []
        self._bytes_waiting = 0
        self._since = 0.0  # when the first of those came
        self._in_flight: deque[Future[Settled]] = deque()
        self._settled: list[Settled] = []
        self._given_up = GivenUp()

    def add(self, messages: Iterable[OutboxMessage]) -> None:
        """Take messages over; send those that fill a request or have waited long enough."""
        for message in messages:
            if len(message.data) > MAX_MESSAGE_BYTES:
                cause = f"message data has {len(message.data)} bytes; at most {MAX_MESSAGE_BYTES} are allowed"
                self._settled.append(Settled(0, [(message, cause)]))
                continue
            size = message.size
            if len(self._waiting) >= MAX_MESSAGES or self._bytes_waiting + size > MAX_REQUEST_BYTES:
                self._submit()
            if not self._waiting:
                self._since = self._clock()
            self._waiting.append(message)
            self._bytes_waiting += size
        if len(self._waiting) >= MAX_MESSAGES or 1e6 * (self._clock() - self._since) >= self._flush_us:
            self._submit()

    def settled(self) -> Iterator[Settled]:
        """Yield the outcomes that are known so far, each once."""
        while self._in_flight and self._in_flight[0].done():
            self._settle()
        yield from self._settled
        self._settled.clear()

    def finish(self) -> Iterator[Settled]:
        """Send the waiting messages and yield all outcomes; the outbox is not used afterwards."""
        self._submit()
        self._pool.shutdown(wait=False)
        while self._in_flight:
            self._settle()
            yield from self.settled()
        yield from self.settled()

    def _submit(self) -> None:
        if not self._waiting:
            return
        if len(self._in_flight) >= _MAX_IN_FLIGHT:
            self._settle()
        self._in_flight.append(self._pool.submit(self._deliver, self._waiting))
        self._waiting, self._bytes_waiting = [], 0

    def _settle(self) -> None:
        self._settled.append(self._in_flight.popleft().result())

    def _deliver(self, request: Sequence[OutboxMessage]) -> Settled:
        error = self._attempt(request)
        if error is None:
            return Settled(len(request), [])
        if isinstance(error, exceptions.InvalidArgument) and len(request) > 1:
            half = len(request) // 2
            first, second = self._deliver(request[:half]), self._deliver(request[half:])
            return Settled(first.taken + second.taken, first.refused + second.refused)
        return Settled(0, [(message, _one_line(error)) for message in request])

    def _attempt(self, request: Sequence[OutboxMessage]) -> exceptions.GoogleAPICallError | None:
        """Send a request until it is taken, refused or given up; returns why it was not taken."""
        retries = Retries(self._retries, self._clock, self._sleep, self._given_up)
        while True:
            try:
                self._send(self._topic, request)
            except exceptions.GoogleAPICallError as error:
                if error.grpc_status_code not in _PASSING or not retries.wait():
                    return error
            else:
                retries.succeed()
                return None


def _one_line(error: exceptions.GoogleAPICallError) -> str:
    code = f"{error.grpc_status_code.name}: " if error.grpc_status_code is not None else ""
    return " ".join(f"{code}{error.message or type(error).__name__}".split())
