"""Topics of Pub/Sub to which results are published: messages leave in full requests and each of them is settled."""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import grpc
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError
from google.pubsub_v1 import PublisherClient, PublishRequest
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from telemetry.errors import ConfigError
from telemetry.model.messages import MAX_MESSAGE_BYTES

MAX_MESSAGES: Final = 1_000
"""Most messages in a request (https://cloud.google.com/pubsub/quotas#resource_limits)."""
MAX_REQUEST_BYTES: Final = 9_000_000
"""Most bytes of a request of several messages: the service takes 10,000,000, frames and the topic's name included."""
MAX_ATTRIBUTES: Final = 100
MAX_VALUE_BYTES: Final = 1_024
PATIENCE_S: Final = 30.0
"""How long a request that fails for a passing reason is tried again, seconds."""
_FRAME_BYTES: Final = 24  # tags and lengths of a message in a request, at most
_ATTRIBUTE_FRAME_BYTES: Final = 10
_MAX_IN_FLIGHT: Final = 4  # requests of an outbox: what waits for an answer, and the memory it takes, is bounded
_ANSWER_SECONDS: Final = 10.0
_ATTEMPT_SECONDS: Final = 30.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_RECONNECT: Final = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 1_000)]
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


class OutboxMessage(NamedTuple):
    """A message to publish.

    Attributes:
        data: its payload.
        attributes: its attributes.
        message_id: of the message it is about; not sent.
        event_us: event time of what it is about, microseconds UTC; None if unknown; not sent.
    """

    data: bytes
    attributes: Mapping[str, str]
    message_id: str = ""
    event_us: int | None = None

    @property
    def size(self) -> int:
        """Its bytes in a request, rounded up."""
        texts = (len(key.encode()) + len(value.encode()) for key, value in self.attributes.items())
        return len(self.data) + sum(texts) + _ATTRIBUTE_FRAME_BYTES * len(self.attributes) + _FRAME_BYTES


class Settled(NamedTuple):
    """What became of some messages.

    Attributes:
        taken: how many the topic took.
        refused: the others, each with the cause as one line for a person.
    """

    taken: int
    refused: list[tuple[OutboxMessage, str]]


Send = Callable[[str, Sequence[OutboxMessage]], None]
"""Publishes messages to a topic in one request, with one attempt; raises GoogleAPICallError."""


def cut_text(text: str, most: int = MAX_VALUE_BYTES) -> str:
    """Return as much of the beginning of a text as fits into so many bytes of UTF-8."""
    return text if 4 * len(text) <= most else text.encode()[:most].decode(errors="ignore")


def check_topic(flag: str, name: str) -> None:
    """Ask for a topic that will be published to.

    Raises:
        ConfigError: if it does not exist, Pub/Sub does not answer or there are no credentials.
    """
    # A service account that may publish to a topic need not be allowed to look at it (role pubsub.publisher).
    with _explained(flag, name), contextlib.suppress(exceptions.PermissionDenied):
        _client().get_topic(topic=name, retry=None, timeout=_ANSWER_SECONDS)


def send_request(topic: str, messages: Sequence[OutboxMessage]) -> None:
    """Publish messages to a topic in one request, with one attempt, through this process's client.

    Raises:
        GoogleAPICallError: if they are not taken.
    """
    request = PublishRequest.pb()(topic=topic)
    for message in messages:
        request.messages.add(data=message.data, attributes=message.attributes)
    _client().publish(request=PublishRequest.wrap(request), retry=None, timeout=_ATTEMPT_SECONDS)


class Outbox:
    """Messages on their way to a topic, in requests of bounded size, some at a time, until each is taken or refused.

    A request that fails for a passing reason (the service is away, overloaded, restarting) is sent again
    after growing pauses; when that has lasted for `patience_s`, the request is given up and the others of the
    outbox get one attempt each, until one succeeds. Of a request refused for its content only what is wrong in it
    is refused: its halves are sent on their own. Any other failure is final for its request. A message may be
    published twice, when an answer was lost.

    Used by one thread. Holds no more than a few requests.
    """

    def __init__(
        self,
        topic: str,
        flush_us: int,
        patience_s: float = PATIENCE_S,
        send: Send = send_request,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare.

        Args:
            topic: ``projects/P/topics/T``.
            flush_us: how long messages wait for their request to fill, microseconds, looked at when messages come.
            patience_s: how long a failing request is tried again, seconds.
            send: what makes one attempt; called from several threads.
            clock: seconds, monotonic.
            sleep: waits for so many seconds.
        """
        self._topic = topic
        self._flush_us = flush_us
        self._patience_s = patience_s
        self._send = send
        self._clock = clock
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(_MAX_IN_FLIGHT, thread_name_prefix="publish")
        self._waiting: list[OutboxMessage] = []
        self._bytes_waiting = 0
        self._since = 0.0  # when the first of those came
        self._in_flight: deque[Future[Settled]] = deque()
        self._settled: list[Settled] = []
        self._given_up = False

    def add(self, messages: Iterable[OutboxMessage]) -> None:
        """Take messages over; sends those that fill a request, or have waited long enough."""
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
        """Yield, once, what has become of messages so far."""
        while self._in_flight and self._in_flight[0].done():
            self._settle()
        yield from self._settled
        self._settled.clear()

    def finish(self) -> Iterator[Settled]:
        """Send what waits, and yield what becomes of all messages; the outbox is not used afterwards."""
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
        """Send a request until it is taken, or refused, or patience is over; returns why it was not taken."""
        over: float | None = None
        pause = _FIRST_PAUSE_S
        while True:
            try:
                self._send(self._topic, request)
            except exceptions.GoogleAPICallError as error:
                if error.grpc_status_code not in _PASSING:
                    return error
                now = self._clock()
                over = now + self._patience_s if over is None else over
                if self._given_up or now >= over:
                    self._given_up = True
                    return error
            else:
                self._given_up = False
                return None
            self._sleep(min(pause, over - now))  # the last attempt is when patience ends
            pause = min(2 * pause, _LONGEST_PAUSE_S)


_CLIENTS: Final[dict[str, PublisherClient]] = {}
_LOCK: Final = threading.Lock()


def _client() -> PublisherClient:
    """Return this process's client of Pub/Sub, or of the emulator of that address."""
    address = os.environ.get("PUBSUB_EMULATOR_HOST", "")
    with _LOCK:
        if address not in _CLIENTS:
            _CLIENTS[address] = _connect(address)
        return _CLIENTS[address]


def _connect(address: str) -> PublisherClient:
    if not address:
        return PublisherClient()
    channel = grpc.insecure_channel(address, _RECONNECT)  # not the default 120 s: a restarted broker is found at once
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def _one_line(error: exceptions.GoogleAPICallError) -> str:
    code = f"{error.grpc_status_code.name}: " if error.grpc_status_code is not None else ""
    return " ".join(f"{code}{error.message or type(error).__name__}".split())


@contextlib.contextmanager
def _explained(flag: str, name: str) -> Iterator[None]:
    try:
        yield
    except DefaultCredentialsError as error:
        problem = "no credentials; set PUBSUB_EMULATOR_HOST, or run gcloud auth application-default login"
        raise ConfigError(flag, name, problem) from error
    except exceptions.NotFound as error:
        raise ConfigError(flag, name, "does not exist") from error
    except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded) as error:
        raise ConfigError(flag, name, "Pub/Sub does not answer (PUBSUB_EMULATOR_HOST, or the network)") from error
    except exceptions.GoogleAPICallError as error:
        raise ConfigError(flag, name, error.message or str(error)) from error
