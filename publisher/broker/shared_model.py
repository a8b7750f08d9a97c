"""Share the model between threads: one lock, and waiting without polling."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from publisher.broker.backlog_entry import Consumer
from publisher.broker.broker_model import BrokerModel
from publisher.broker.messages import BrokerDelivery, MessageContent

RUN_AHEAD: Final = 1000
"""How far a Pull may take messages beyond the first one that is withheld because of its ordering key, in messages.

A replay of many devices so keeps about its order of time across devices, as a subscriber with several Pulls expects.
"""
PATIENCE_S: Final = 0.5
"""How long a Pull waits for withheld messages before it takes later ones of other keys, seconds."""


class SharedModel:
    """A `BrokerModel` behind a lock, with a condition for each subscription on which threads wait for messages."""

    def __init__(self) -> None:
        """Start with an empty model that uses the system clocks."""
        self._model = BrokerModel(clock=time.monotonic, wall_clock=time.time_ns)
        self._lock = threading.RLock()
        self._conditions: dict[
            str, threading.Condition
        ] = {}  # by subscription: notified when messages may be available
        self._closed = False

    @contextmanager
    def locked(self) -> Iterator[BrokerModel]:
        """Yield the model to the calling thread under the lock."""
        with self._lock:
            yield self._model

    def publish(self, topic: str, contents: Sequence[MessageContent]) -> list[str]:
        """Publish like `BrokerModel.publish`, and wake the waiting threads."""
        with self._lock:
            ids = self._model.publish(topic, contents)
            for name in self._model.topic(topic).subscriptions:
                self._wake(name)
            return ids

    def acknowledge(self, name: str, ack_ids: Sequence[str]) -> None:
        """Acknowledge like `BrokerModel.acknowledge`, and wake streams that wait for flow control."""
        with self._lock:
            self._model.acknowledge(name, ack_ids)
            self._wake(name)

    def modify_ack_deadline(self, name: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Change ack deadlines like `BrokerModel.modify_ack_deadline`; wake the waiting threads at deadline 0."""
        with self._lock:
            self._model.modify_ack_deadline(name, ack_ids, seconds)
            if seconds == 0:
                self._wake(name)

    def seek(self, name: str, target: int | str) -> None:
        """Seek to a time, nanoseconds since the epoch, or to a snapshot; wake the waiting threads."""
        with self._lock:
            if isinstance(target, int):
                self._model.seek_to_time(name, target)
            else:
                self._model.seek_to_snapshot(name, target)
            self._wake(name)

    def delete_subscription(self, name: str) -> None:
        """Delete like `BrokerModel.delete_subscription`, and wake the waiting threads, which then fail."""
        with self._lock:
            self._model.delete_subscription(name)
            self._wake(name)
            self._conditions.pop(name, None)

    def wake(self, name: str) -> None:
        """Wake the threads that wait on a subscription, so that they check again whether to wait."""
        with self._lock:
            self._wake(name)

    def close(self) -> None:
        """End all waits, current and later, because the broker stops."""
        with self._lock:
            self._closed = True
            for name in self._conditions:
                self._wake(name)

    def wait_for_messages(
        self,
        name: str,
        max_messages: int,
        is_wanted: Callable[[], bool],
        lease_s: Callable[[], int | None] = lambda: None,
        consumer: Consumer | None = None,
        until: float | None = None,
    ) -> list[BrokerDelivery]:
        """Wait until messages are available, and lease them.

        Args:
            name: name of the subscription.
            max_messages: most messages to lease.
            is_wanted: called at every wake-up; the wait ends without messages once it returns False.
            lease_s: returns the length of the lease, seconds; None for the subscription's ack deadline.
            consumer: the stream that receives the messages; None for a Pull.
            until: end of the wait, monotonic seconds; None to wait without limit.

        Returns:
            The leased messages; empty if the wait ended first.

        Raises:
            RequestError: like `BrokerModel.pull`, also when the subscription is deleted meanwhile.
        """
        patient_until = None
        with self._lock:
            while not self._closed and is_wanted():
                now = time.monotonic()
                is_last = until is not None and now >= until
                is_patient = not is_last and (patient_until is None or now < patient_until)
                run_ahead = RUN_AHEAD if is_patient else None
                deliveries = self._model.pull(name, max_messages, lease_s(), consumer, run_ahead)
                if deliveries or is_last:
                    return deliveries
                backlog = self._model.subscription(name).backlog
                if not is_patient:
                    patient_until = None
                elif backlog.held_back and patient_until is None:
                    patient_until = now + PATIENCE_S
                ends = [end for end in (until, backlog.next_expiry(), patient_until) if end is not None]
                condition = self._conditions.setdefault(name, threading.Condition(self._lock))
                condition.wait(max(0.0, min(ends) - now) if ends else None)
        return []

    def _wake(self, name: str) -> None:
        condition = self._conditions.get(name)
        if condition is not None:
            condition.notify_all()
