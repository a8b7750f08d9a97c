"""Pulling a subscription in the background, and acknowledging."""

import contextlib
import logging
import queue
import threading
from typing import Any, Final, NamedTuple

from google.api_core import exceptions
from google.cloud import pubsub_v1

from transforms.messages import Message

_LOG: Final = logging.getLogger(__name__)
_PULL_MESSAGES: Final = 1000
_PULL_SECONDS: Final = 30.0
_LEASE_SECONDS: Final = 600
_CLOSE_SECONDS: Final = 10.0
_PULL_CLOSE_SECONDS: Final = 1.0
_READY: Final = 2  # pulls held ready: one is processed while the next is fetched


class Received(NamedTuple):
    """The messages of one pull and what acknowledges them."""

    messages: list[Message]
    ack_ids: list[str]


class Puller:
    """Pulls a subscription in a thread of its own, a little ahead of the consumer, in order.

    Acknowledgements go out from a second thread: an ordered subscription hands out the next messages of
    an ordering key only when the earlier ones are acknowledged, while the pull for them is already waiting.

    Attributes:
        failed: what went wrong for good (the subscription is gone, say), or None.
    """

    def __init__(self, client: pubsub_v1.SubscriberClient, subscription: str) -> None:
        """Pull this subscription (full name) once `start` is called."""
        self._client = client
        self._subscription = subscription
        self._ready: queue.Queue[Received] = queue.Queue(_READY)
        self._to_acknowledge: queue.SimpleQueue[list[str]] = queue.SimpleQueue()  # an empty list ends the thread
        self._to_give_back: list[str] = []
        self._closed = threading.Event()
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

    def acknowledge(self, ack_ids: list[str]) -> None:
        """Acknowledge messages soon, without waiting."""
        if ack_ids:
            self._to_acknowledge.put(ack_ids)

    def give_back(self, ack_ids: list[str]) -> None:
        """Let messages be delivered again at once, when the puller is closed."""
        self._to_give_back.extend(ack_ids)

    def close(self) -> None:
        """Send what is to be acknowledged, stop pulling, give back what was pulled and not handed over."""
        self._closed.set()
        self._to_acknowledge.put([])
        if self._acknowledging.is_alive():
            self._acknowledging.join(_CLOSE_SECONDS)
        if self._pulling.is_alive():  # what a pull under way brings is given back; one that waits is left
            self._pulling.join(_PULL_CLOSE_SECONDS)
        for received in _drain(self._ready):
            self.give_back(received.ack_ids)
        self._set_deadline(self._to_give_back, 0)

    def _pull_all(self) -> None:
        while not self._closed.is_set():
            try:
                received = self._pull()
            except (exceptions.DeadlineExceeded, exceptions.RetryError):
                continue
            except exceptions.GoogleAPICallError as error:
                if not self._closed.is_set():
                    self.failed = error
                return
            if received.ack_ids:
                self._hand_over(received)

    def _hand_over(self, received: Received) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(received, timeout=0.1)
                return
        self._set_deadline(received.ack_ids, 0)

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

    def _pull(self) -> Received:
        response: Any = self._client.pull(
            subscription=self._subscription, max_messages=_PULL_MESSAGES, timeout=_PULL_SECONDS
        )
        found = pubsub_v1.types.PullResponse.pb(response).received_messages
        ack_ids = [entry.ack_id for entry in found]
        self._set_deadline(ack_ids, _LEASE_SECONDS)  # not to be delivered again while the local runner works
        return Received([_to_message(entry.message) for entry in found], ack_ids)

    def _set_deadline(self, ack_ids: list[str], seconds: int) -> None:
        for some in _slices(ack_ids):
            try:
                self._client.modify_ack_deadline(
                    subscription=self._subscription, ack_ids=some, ack_deadline_seconds=seconds
                )
            except exceptions.GoogleAPICallError as error:
                _LOG.warning("deadline of %d messages not changed: %s", len(some), error)


def _to_message(message: Any) -> Message:
    published = message.publish_time
    publish_us = published.seconds * 1_000_000 + published.nanos // 1_000
    return Message(message.data, dict(message.attributes), message.message_id, publish_us)


def _slices(ack_ids: list[str]) -> list[list[str]]:
    return [ack_ids[start : start + _PULL_MESSAGES] for start in range(0, len(ack_ids), _PULL_MESSAGES)]


def _drain(source: Any) -> list[Any]:
    items = []
    while True:
        try:
            items.append(source.get_nowait())
        except queue.Empty:
            return items
