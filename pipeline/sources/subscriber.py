"""Pulling a subscription in the background, and acknowledging."""

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
_READY: Final = 2  # pulls held ready: one is processed while the next is fetched


class Received(NamedTuple):
    """The messages of one pull and what acknowledges them."""

    messages: list[Message]
    ack_ids: list[str]


class Puller:
    """Pulls a subscription in a thread of its own, a little ahead of the consumer, in order.

    Attributes:
        failed: what went wrong for good (the subscription is gone, say), or None.
    """

    def __init__(self, client: pubsub_v1.SubscriberClient, subscription: str) -> None:
        """Pull this subscription (full name) once `start` is called."""
        self._client = client
        self._subscription = subscription
        self._ready: queue.Queue[Received] = queue.Queue(_READY)
        self._to_acknowledge: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._to_give_back: list[str] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pubsub-pull", daemon=True)
        self.failed: exceptions.GoogleAPICallError | None = None

    def start(self) -> None:
        """Begin to pull."""
        self._thread.start()

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
        """Stop pulling; messages that were pulled and not handed over are given back."""
        self._closed.set()
        try:
            self._send_acknowledgements()
            for received in _drain(self._ready):
                self.give_back(received.ack_ids)
            self._set_deadline(self._to_give_back, 0)
        except exceptions.GoogleAPICallError as error:
            _LOG.warning("not acknowledged, will be delivered again: %s", error)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._send_acknowledgements()
                received = self._pull()
            except (exceptions.DeadlineExceeded, exceptions.RetryError):
                continue
            except exceptions.GoogleAPICallError as error:
                if not self._closed.is_set():
                    self.failed = error
                return
            while received.ack_ids and not self._closed.is_set():
                try:
                    self._ready.put(received, timeout=0.1)
                    break
                except queue.Full:
                    self._send_acknowledgements()

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
            self._client.modify_ack_deadline(
                subscription=self._subscription, ack_ids=some, ack_deadline_seconds=seconds
            )

    def _send_acknowledgements(self) -> None:
        for some in _slices([ack_id for ack_ids in _drain(self._to_acknowledge) for ack_id in ack_ids]):
            self._client.acknowledge(subscription=self._subscription, ack_ids=some)


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
