"""Pull a subscription in the background, and acknowledge its messages."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

import grpc
import numpy as np
from google.api_core import exceptions
from google.cloud import pubsub_v1

from pipeline.sources.leases import Leases
from telemetry.model.message_batch import MessageBatch, ends_of
from telemetry.retries import Retries, RetryPolicy

_LOG: Final = logging.getLogger(__name__)
_PULL_MESSAGES: Final = 1000
_PULL_SECONDS: Final = 30.0
LEASE_SECONDS: Final = 60
"""How long the service keeps messages for this process after it was last heard of."""
_EXTEND_SECONDS: Final = 4.0  # well below the shortest ack deadline of a subscription, 10 seconds
_EXTENDED_SECONDS: Final = 20.0
_ANSWER_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 10.0
_RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.2, longest_pause_s=5.0)
_RETRIED: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.ABORTED})
_READY: Final = 2  # pulls held in memory: one is processed while the next is fetched


class Received(NamedTuple):
    """Messages of one pull, and the ids that acknowledge them."""

    messages: MessageBatch
    ack_ids: list[str]


class Puller:
    """Threads that pull a subscription, in order and a little ahead of the consumer.

    A second thread sends acknowledgements: an ordered subscription delivers the next messages of an ordering key only
    when the earlier ones are acknowledged, while the pull for them is already waiting. A third one extends the leases
    of messages that are not acknowledged yet; leases are short, so that those of a killed process return soon.

    Attributes:
        failed: the error after which the subscription cannot be read any more (it was deleted, say), or None.
    """

    def __init__(
        self,
        client: pubsub_v1.SubscriberClient,
        subscription: str,
        on_acknowledged: Callable[[Collection[str]], None] | None = None,
    ) -> None:
        """Prepare to pull a subscription; `start` begins.

        Args:
            client: of the service.
            subscription: its full name.
            on_acknowledged: called with the ids of messages whose acknowledgement the service has confirmed.
        """
        self._client = client
        self._subscription = subscription
        self._on_acknowledged = on_acknowledged
        self._ready: queue.Queue[Received] = queue.Queue(_READY)
        self._to_acknowledge: queue.SimpleQueue[Received | None] = queue.SimpleQueue()  # None ends the thread
        self._to_give_back: list[str] = []
        self._leases = Leases()
        self._stopped = threading.Event()
        self._abandoned = threading.Event()
        self._closed = threading.Event()
        self._call: grpc.Future | None = None
        self._pulling = _thread("pubsub-pull", self._pull_all)
        self._acknowledging = _thread("pubsub-acknowledge", self._acknowledge_all)
        self._extending = _thread("pubsub-extend", self._extend_all)
        self.failed: exceptions.GoogleAPICallError | None = None

    def start(self) -> None:
        """Begin to pull."""
        self._pulling.start()
        self._acknowledging.start()
        self._extending.start()

    def next(self, timeout_s: float) -> Received | None:
        """Return the next pull, or None if there is none within the time."""
        try:
            return self._ready.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Begin no further pull; pulled messages, and those of the current pull, are still returned by `next`."""
        self._stopped.set()

    def cancel(self) -> None:
        """Cancel a pull that waits for messages; an emulator may still lease some to it."""
        if self._call is not None:
            self._call.cancel()

    @property
    def is_drained(self) -> bool:
        """Return whether no more messages will come."""
        return not self._pulling.is_alive() and self._ready.empty()

    def acknowledge(self, received: Received) -> None:
        """Acknowledge messages soon, without waiting."""
        if received.ack_ids:
            self._to_acknowledge.put(received)

    def give_back(self, ack_ids: list[str]) -> None:
        """Return messages to the subscription when the puller is closed, to be delivered again at once."""
        self._to_give_back.extend(ack_ids)

    def silence(self) -> str:
        """Ask the service for the subscription, and return why it does not answer; "" if it does."""
        try:
            self._client.get_subscription(subscription=self._subscription, retry=None, timeout=_ANSWER_SECONDS)
        except exceptions.GoogleAPICallError as error:
            return f"Pub/Sub does not answer: {error.message or error}"
        return ""

    def close(self) -> None:
        """Send the acknowledgements, stop pulling, and give back pulled messages that `next` did not return."""
        self._abandoned.set()
        self.stop()
        self.cancel()
        if self._pulling.is_alive():
            self._pulling.join(_CLOSE_SECONDS)
        self._to_acknowledge.put(None)
        if self._acknowledging.is_alive():
            self._acknowledging.join(_CLOSE_SECONDS)
        for received in _drain(self._ready):
            self.give_back(received.ack_ids)
        self._closed.set()
        self._set_deadline(self._to_give_back, 0)

    def _pull_all(self) -> None:
        retries = Retries(_RETRIES, sleep=self._stopped.wait)
        while not self._stopped.is_set():
            try:
                received = self._pull()
            except grpc.FutureCancelledError:
                continue
            except grpc.RpcError as error:
                code = error.code()
                if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                    retries.succeed()  # nothing was published meanwhile
                elif code not in _RETRIED or not retries.wait():
                    self.failed = exceptions.from_grpc_error(error)
                    return
                continue
            retries.succeed()
            if received.ack_ids:
                self._hand_over(received)

    def _pull(self) -> Received:
        request = pubsub_v1.types.PullRequest(subscription=self._subscription, max_messages=_PULL_MESSAGES)
        route = [("x-goog-request-params", f"subscription={self._subscription}")]
        # The method `pull` of the client cannot be cancelled.
        self._call = self._client.transport.pull.future(request, timeout=_PULL_SECONDS, metadata=route)
        found = pubsub_v1.types.PullResponse.pb(self._call.result()).received_messages
        ack_ids = [entry.ack_id for entry in found]
        self._leases.add(ack_ids)
        return Received(_to_batch([entry.message for entry in found]), ack_ids)

    def _hand_over(self, received: Received) -> None:
        while not self._abandoned.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(received, timeout=0.1)
                return
        self.give_back(received.ack_ids)

    def _acknowledge_all(self) -> None:
        ended = False
        while not ended:
            waiting = [self._to_acknowledge.get(), *_drain(self._to_acknowledge)]
            ended = None in waiting
            received = [one for one in waiting if one is not None]
            ack_ids = [ack_id for one in received for ack_id in one.ack_ids]
            message_ids = [name for one in received for name in one.messages.ids]
            self._leases.remove(ack_ids)
            for start in range(0, len(ack_ids), _PULL_MESSAGES):
                some = slice(start, start + _PULL_MESSAGES)
                try:
                    self._client.acknowledge(subscription=self._subscription, ack_ids=ack_ids[some])
                except exceptions.GoogleAPIError as error:  # also that retries took too long
                    _LOG.warning("not acknowledged, will be delivered again: %s", error)
                else:
                    if self._on_acknowledged is not None:
                        self._on_acknowledged(message_ids[some])

    def _extend_all(self) -> None:
        while not self._closed.wait(_EXTEND_SECONDS):
            self._set_deadline(self._leases.due(_EXTEND_SECONDS, _EXTENDED_SECONDS), LEASE_SECONDS)

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        for some in _slices(ack_ids):
            try:
                self._client.modify_ack_deadline(
                    subscription=self._subscription, ack_ids=some, ack_deadline_seconds=seconds
                )
            except exceptions.GoogleAPIError as error:
                _LOG.warning("deadline of %d messages not changed: %s", len(some), error)


def _thread(name: str, target: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=target, name=name, daemon=True)


def _to_batch(messages: list[Any]) -> MessageBatch:
    """Return messages of the client library as a batch."""
    bodies = [message.data for message in messages]
    published = [message.publish_time for message in messages]
    return MessageBatch(
        b"\n".join(bodies),
        ends_of(list(map(len, bodies))),
        tuple([message.message_id for message in messages]),
        np.array([moment.seconds * 1_000_000 + moment.nanos // 1_000 for moment in published], np.int64),
        tuple([dict(message.attributes) for message in messages]),
    )


def _slices(ack_ids: list[str]) -> list[list[str]]:
    return [ack_ids[start : start + _PULL_MESSAGES] for start in range(0, len(ack_ids), _PULL_MESSAGES)]


def _drain(source: Any) -> list[Any]:
    items = []
    while True:
        try:
            items.append(source.get_nowait())
        except queue.Empty:
            return items
