"""Hold the unacknowledged messages of one subscription: fresh, leased, or returned.

Fresh messages are delivered in order of publishing. Returned messages (negative acknowledgement or expired lease)
alternate with them, so that neither a long backlog delays redelivery nor redelivery the backlog.
No operation scans the backlog.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable

from publisher.broker.backlog_entry import BacklogEntry, FlowControl
from publisher.broker.messages import BrokerMessage
from publisher.broker.redelivery import RedeliveryQueues


class Backlog:
    """Unacknowledged messages of one subscription; not thread safe."""

    def __init__(self, clock: Callable[[], float], ordered: bool) -> None:
        """Start empty.

        Args:
            clock: returns monotonic seconds; leases end by it.
            ordered: whether messages of one ordering key are delivered in order.
        """
        self._clock = clock
        self._fresh: deque[BrokerMessage] = deque()
        self._entries: dict[int, BacklogEntry] = {}  # taken from `_fresh` and not acknowledged, by message number
        self._redelivery = RedeliveryQueues(ordered)
        self._expiries: list[tuple[float, int]] = []  # heap of (deadline, message number), some outdated
        self._fresh_next = True

    def __len__(self) -> int:
        """Return the number of unacknowledged messages."""
        return len(self._fresh) + len(self._entries)

    def add(self, messages: Iterable[BrokerMessage]) -> None:
        """Append newly published messages."""
        self._fresh.extend(messages)

    def take(
        self, max_messages: int, max_bytes: int, lease_s: float, flow_control: FlowControl | None = None
    ) -> list[BacklogEntry]:
        """Lease messages.

        Args:
            max_messages: most messages to lease.
            max_bytes: largest sum of their sizes, unless the first message alone is larger.
            lease_s: length of the lease, seconds.
            flow_control: limits and counts the outstanding messages of the subscriber.
        """
        self.expire()
        deadline = self._clock() + lease_s
        taken: list[BacklogEntry] = []
        bytes_left = max_bytes
        while len(taken) < max_messages and (flow_control is None or flow_control.has_room()):
            entry = self._next()
            if entry is None:
                break
            if taken and entry.message.size > bytes_left:
                self._redelivery.put_back(entry)
                self._fresh_next = True  # the next call alternates and takes the entry that was put back
                break
            bytes_left -= entry.message.size
            self._lease(entry, deadline, flow_control)
            taken.append(entry)
        return taken

    def acknowledge(self, number: int) -> None:
        """Drop a message, also after its lease ended; ignore numbers of messages acknowledged before."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return
        entry.acknowledged = True  # a redelivery queue may still hold it
        if entry.deadline is not None:
            entry.release()
            self._redelivery.acknowledge(entry)
        self._prune_expiries()

    def extend(self, number: int, attempt: int, lease_s: float) -> None:
        """End the lease of a delivery `lease_s` seconds from now; 0 returns the message.

        An expired lease is ignored: another subscriber may hold the message.
        """
        entry = self._entries.get(number)
        if entry is None or entry.deadline is None or entry.attempt != attempt:
            return
        if lease_s <= 0:
            self._redelivery.return_entry(entry)
        else:
            entry.deadline = self._clock() + lease_s
            heapq.heappush(self._expiries, (entry.deadline, number))
            self._prune_expiries()

    def expire(self) -> None:
        """Return every message whose lease has expired to the redelivery queues."""
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            deadline, number = heapq.heappop(self._expiries)
            entry = self._entries.get(number)
            if entry is not None and entry.deadline == deadline:
                self._redelivery.return_entry(entry)

    def next_expiry(self) -> float | None:
        """Return the earliest time at which a lease may expire, seconds of the clock; None without leases.

        The time may be too early, because outdated expiries stay in the heap.
        """
        return self._expiries[0][0] if self._expiries else None

    def _next(self) -> BacklogEntry | None:
        self._fresh_next = not self._fresh_next
        if self._fresh_next:
            return self._next_fresh() or self._redelivery.take()
        return self._redelivery.take() or self._next_fresh()

    def _next_fresh(self) -> BacklogEntry | None:
        while self._fresh:
            message = self._fresh.popleft()
            entry = self._entries[message.number] = BacklogEntry(message)
            if not self._redelivery.queue_if_blocked(entry):
                return entry
        return None

    def _lease(self, entry: BacklogEntry, deadline: float, flow_control: FlowControl | None) -> None:
        entry.lease(deadline, flow_control)
        heapq.heappush(self._expiries, (deadline, entry.message.number))
        self._redelivery.lease(entry)

    def _prune_expiries(self) -> None:
        """Drop outdated expiries once they are the majority, so that they do not accumulate until they are due."""
        if len(self._expiries) > 2 * len(self._entries) + 64:
            self._expiries = [(e.deadline, n) for n, e in self._entries.items() if e.deadline is not None]
            heapq.heapify(self._expiries)
