"""Pull a subscription in the background, and acknowledge its messages."""

import contextlib
import logging
import queue
import threading
from typing import Any, Final, NamedTuple

import grpc
import numpy as np
from google.api_core import exceptions
from google.cloud import pubsub_v1

from telemetry.model.message_batch import MessageBatch, ends_of
from telemetry.retries import Retries, RetryPolicy

_LOG: Final = logging.getLogger(__name__)
_PULL_MESSAGES: Final = 1000
_PULL_SECONDS: Final = 30.0
_LEASE_SECONDS: Final = 600
_CLOSE_SECONDS: Final = 10.0
_RETRIES: Final = RetryPolicy(patience_s=60.0, first_pause_s=0.2, longest_pause_s=5.0)
_RETRIED: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.ABORTED})
_READY: Final = 2  # pulls held in memory: one is processed while the next is fetched


class Received(NamedTuple):
    """Messages of one pull, and the ids that acknowledge them."""

    messages: MessageBatch
    ack_ids: list[str]


class Puller:
    """Thread that pulls a subscription, in order and a little ahead of the consumer.

    A second thread sends acknowledgements: an ordered subscription delivers the next messages of an ordering key only
    when the earlier ones are acknowledged, while the pull for them is already waiting.

    Attributes:
        failed: the error after which the subscription cannot be read any more (it was deleted, say), or None.
    """

    def __init__(self, client: pubsub_v1.SubscriberClient, subscription: str) -> None:
        """Prepare to pull this subscription (full name); `start` begins."""
        self._client = client
        self._subscription = subscription
        self._ready: queue.Queue[Received] = queue.Queue(_READY)
        self._to_acknowledge: queue.SimpleQueue[list[str]] = queue.SimpleQueue()  # an empty list ends the thread
        self._to_give_back: list[str] = []
        self._stopped = threading.Event()
        self._abandoned = threading.Event()
        self._call: grpc.Future | None = None
        self._pulling = threading.Thread(target=self._pull_all, name="pubsub-pull", daemon=True)
        self._acknowledging = threading.Thread(target=self._acknowledge_all, name="pubsub-acknowledge", daemon=True)
        self.failed: exceptions.GoogleAPICallError | None = None

    def start(self) -> None:
        """Begin to pull."""
        self._pulling.start()
        self._acknowledging.start()

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

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Acknowledge messages soon, without waiting."""
        if ack_ids:
            self._to_acknowledge.put(ack_ids)

    def give_back(self, ack_ids: list[str]) -> None:
        """Return messages to the subscription when the puller is closed, to be delivered again at once."""
        self._to_give_back.extend(ack_ids)

    def close(self) -> None:
        """Send the acknowledgements, stop pulling, and give back pulled messages that `next` did not return."""
        self._abandoned.set()
        self.stop()
        self.cancel()
        if self._pulling.is_alive():
            self._pulling.join(_CLOSE_SECONDS)
        self._to_acknowledge.put([])
        if self._acknowledging.is_alive():
            self._acknowledging.join(_CLOSE_SECONDS)
        for received in _drain(self._ready):
            self.give_back(received.ack_ids)
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
        self._set_deadline(ack_ids, _LEASE_SECONDS)  # not to be delivered again while they are processed
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
            ended = [] in waiting
            for some in _slices([ack_id for ack_ids in waiting for ack_id in ack_ids]):
                try:
                    self._client.acknowledge(subscription=self._subscription, ack_ids=some)
                except exceptions.GoogleAPICallError as error:
                    _LOG.warning("not acknowledged, will be delivered again: %s", error)

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        for some in _slices(ack_ids):
            try:
                self._client.modify_ack_deadline(
                    subscription=self._subscription, ack_ids=some, ack_deadline_seconds=seconds
                )
            except exceptions.GoogleAPICallError as error:
                _LOG.warning("deadline of %d messages not changed: %s", len(some), error)


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
