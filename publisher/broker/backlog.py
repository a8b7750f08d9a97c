"""Hold the unacknowledged messages of one subscription: fresh, leased, waiting for their key, or returned.

Fresh messages are delivered in order of publishing. Returned messages (negative acknowledgement or expired lease)
alternate with them, so that neither a long backlog delays redelivery nor redelivery the backlog.
Only `replace` and `messages` scan the backlog.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable

from publisher.broker.backlog_entry import BacklogEntry, Consumer
from publisher.broker.key_queues import KeyQueues
from publisher.broker.messages import BrokerMessage


class Backlog:
    """Unacknowledged messages of one subscription; not thread safe."""

    def __init__(self, clock: Callable[[], float], ordered: bool) -> None:
        """Start empty.

        Args:
            clock: returns monotonic seconds; leases end by it.
            ordered: whether messages of one ordering key are delivered in order.
        """
        self._clock = clock
        self._ordered = ordered
        self._deliveries = 0
        self._fresh_next = True
        self._entries: dict[int, BacklogEntry] = {}  # delivered and not acknowledged, by message number
        self.replace(())

    def __len__(self) -> int:
        """Return the number of unacknowledged messages."""
        return len(self._fresh) + len(self._entries) + self._queues.waiting

    @property
    def held_back(self) -> bool:
        """Whether the latest `take` left messages because they are too far ahead of withheld ones."""
        return self._queues.held_back

    def add(self, messages: Iterable[BrokerMessage]) -> None:
        """Append newly published messages."""
        self._fresh.extend(messages)

    def messages(self) -> list[BrokerMessage]:
        """Return the unacknowledged messages, leased ones too, in order of publishing."""
        entered = (entry.message for entry in self._entries.values())
        return sorted([*entered, *self._queues.waiting_messages(), *self._fresh], key=lambda message: message.number)

    def replace(self, messages: Iterable[BrokerMessage]) -> None:
        """End all leases and hold exactly `messages`, in order of publishing, as if they had just been published."""
        for entry in self._entries.values():
            entry.release()
        self._entries.clear()
        self._fresh = deque(messages)
        self._queues = KeyQueues(self._ordered)
        self._expiries: list[tuple[float, int]] = []  # heap of (deadline, message number), some outdated

    def take(
        self,
        max_messages: int,
        max_bytes: int,
        lease_s: float,
        consumer: Consumer | None = None,
        published_from: int = 0,
        run_ahead: int | None = None,
    ) -> list[BacklogEntry]:
        """Lease messages.

        Args:
            max_messages: most messages to lease.
            max_bytes: largest sum of their sizes, unless the first message alone is larger.
            lease_s: length of the lease, seconds.
            consumer: the stream that receives the messages; None for a Pull.
            published_from: drop messages published earlier, nanoseconds since the epoch.
            run_ahead: take no fresh message more than so many numbers beyond the first that is withheld because of
                its ordering key; None for no limit. `held_back` says afterwards whether the limit had an effect.
        """
        self.expire()
        self._queues.held_back = False
        deadline = self._clock() + lease_s
        consumer = consumer or Consumer()
        taken: list[BacklogEntry] = []
        bytes_left = max_bytes
        limited = consumer.max_messages > 0 or consumer.max_bytes > 0
        while len(taken) < max_messages and (not limited or consumer.has_room()):
            entry = self._next(consumer, run_ahead)
            if entry is None:
                break
            message = entry.message
            if message.publish_ns < published_from:
                self._drop(entry)
                continue
            if message.size > bytes_left and taken:
                self._queues.put_back(entry)
                self._fresh_next = True  # the next call alternates and takes the entry that was put back
                break
            bytes_left -= message.size
            self._lease(entry, deadline, consumer)
            taken.append(entry)
        return taken

    def acknowledge(self, number: int, delivery: int) -> BrokerMessage | None:
        """Drop a message and return it.

        An acknowledgement counts after its lease expired, until the message is delivered again. It is ignored, and
        None returned, after a negative acknowledgement, a later delivery or an earlier acknowledgement.
        """
        entry = self._entries.get(number)
        if entry is None or entry.delivery != delivery:
            return None
        self._drop(entry)
        self._prune_expiries()
        return entry.message

    def extend(self, number: int, delivery: int, lease_s: float) -> None:
        """End the lease of a delivery `lease_s` seconds from now; 0 returns the message.

        An expired lease is not extended: another consumer may hold the message.
        """
        entry = self._entries.get(number)
        if entry is None or entry.delivery != delivery:
            return
        if lease_s <= 0:
            entry.delivery = 0  # an acknowledgement after this one is ignored
            if entry.deadline is not None:
                self._queues.return_entry(entry)
        elif entry.deadline is not None:
            entry.deadline = self._clock() + lease_s
            heapq.heappush(self._expiries, (entry.deadline, number))
            self._prune_expiries()

    def expire(self) -> None:
        """Return every message whose lease has expired to the queues."""
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            deadline, number = heapq.heappop(self._expiries)
            entry = self._entries.get(number)
            if entry is not None and entry.deadline == deadline:
                self._queues.return_entry(entry)

    def next_expiry(self) -> float | None:
        """Return the earliest time at which a lease may expire, seconds of the clock; None without leases.

        The time may be too early, because outdated expiries stay in the heap.
        """
        return self._expiries[0][0] if self._expiries else None

    def _next(self, consumer: Consumer, run_ahead: int | None) -> BacklogEntry | None:
        self._fresh_next = not self._fresh_next
        if self._fresh_next:
            return self._next_fresh(consumer, run_ahead) or self._queues.take_returned(consumer)
        return self._queues.take_returned(consumer) or self._next_fresh(consumer, run_ahead)

    def _next_fresh(self, consumer: Consumer, run_ahead: int | None) -> BacklogEntry | None:
        # Messages that waited for their key were published before all that are still in `_fresh`.
        message = self._queues.take_waiting(consumer, run_ahead) if self._queues.waiting else None
        while message is None and self._fresh:
            if self._ordered and self._queues.is_too_far(self._fresh[0].number, run_ahead):
                return None
            message = self._fresh.popleft()
            if self._ordered and self._queues.queue_if_blocked(message, consumer):
                message = None
        if message is None:
            return None
        entry = self._entries[message.number] = BacklogEntry(message)
        return entry

    def _lease(self, entry: BacklogEntry, deadline: float, consumer: Consumer) -> None:
        self._deliveries += 1
        entry.lease(self._deliveries, deadline, consumer)
        heapq.heappush(self._expiries, (deadline, entry.message.number))
        if self._ordered:
            self._queues.lease(entry, consumer)

    def _drop(self, entry: BacklogEntry) -> None:
        del self._entries[entry.message.number]
        entry.acknowledged = True  # a queue may still hold it
        if entry.deadline is not None:
            entry.release()
            if self._ordered:
                self._queues.acknowledge(entry)

    def _prune_expiries(self) -> None:
        """Drop outdated expiries once they are the majority, so that they do not accumulate until due."""
        if len(self._expiries) > 2 * len(self._entries) + 64:
            self._expiries = [(e.deadline, n) for n, e in self._entries.items() if e.deadline is not None]
            heapq.heapify(self._expiries)
