"""The model shared by threads: one lock, and waiting without polling."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from publisher.broker.lease import Holder
from publisher.broker.model import Model
from publisher.broker.records import BrokerDelivery, Draft


class SharedModel:
    """A `Model` behind a lock; who waits for messages of a subscription sleeps on its condition."""

    def __init__(self) -> None:
        """Start with an empty model on the real clocks."""
        self._model = Model(clock=time.monotonic, wall_clock=time.time_ns)
        self._lock = threading.RLock()
        self._news: dict[str, threading.Condition] = {}  # by subscription: something may have become available
        self._closed = False

    @contextmanager
    def locked(self) -> Iterator[Model]:
        """Give the model to the calling thread alone."""
        with self._lock:
            yield self._model

    def publish(self, topic: str, drafts: Sequence[Draft]) -> list[str]:
        """Publish, and wake whoever waits; as `Model.publish`."""
        with self._lock:
            ids = self._model.publish(topic, drafts)
            for name in self._model.topic(topic).subscriptions:
                self._wake(name)
            return ids

    def acknowledge(self, name: str, ack_ids: Sequence[str]) -> None:
        """Acknowledge, and wake streams that waited for room; as `Model.acknowledge`."""
        with self._lock:
            self._model.acknowledge(name, ack_ids)
            self._wake(name)

    def modify_ack_deadline(self, name: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Move the ends of leases, and wake who waits for what was given back; as `Model.modify_ack_deadline`."""
        with self._lock:
            self._model.modify_ack_deadline(name, ack_ids, seconds)
            if seconds == 0:
                self._wake(name)

    def delete_subscription(self, name: str) -> None:
        """Delete, and wake who waits so that they learn of it; as `Model.delete_subscription`."""
        with self._lock:
            self._model.delete_subscription(name)
            self._wake(name)
            self._news.pop(name, None)

    def wake(self, name: str) -> None:
        """Let those who wait on a subscription look again whether they still should."""
        with self._lock:
            self._wake(name)

    def close(self) -> None:
        """End all waiting, now and later: the broker stops."""
        with self._lock:
            self._closed = True
            for name in self._news:
                self._wake(name)

    def wait_for_messages(
        self,
        name: str,
        max_messages: int,
        wanted: Callable[[], bool],
        lease_s: Callable[[], int | None] = lambda: None,
        holder: Holder | None = None,
        until: float | None = None,
    ) -> list[BrokerDelivery]:
        """Lease messages as soon as there are some.

        Args:
            name: the subscription.
            max_messages: most to lease.
            wanted: asked on every waking; once false, the wait ends without messages.
            lease_s: how long to lease, asked when there is something; None for the subscription's deadline.
            holder: counts and limits what is outstanding.
            until: when to give up, monotonic seconds; None for never.

        Returns:
            What was leased; empty if the wait ended first.

        Raises:
            RefusedError: as `Model.pull`, also when the subscription is deleted meanwhile.
        """
        with self._lock:
            while not self._closed and wanted():
                deliveries = self._model.pull(name, max_messages, lease_s(), holder)
                now = time.monotonic()
                if deliveries or (until is not None and now >= until):
                    return deliveries
                expiry = self._model.subscription(name).backlog.next_expiry()
                ends = [end for end in (until, expiry) if end is not None]
                news = self._news.setdefault(name, threading.Condition(self._lock))
                news.wait(max(0.0, min(ends) - now) if ends else None)
        return []

    def _wake(self, name: str) -> None:
        news = self._news.get(name)
        if news is not None:
            news.notify_all()
