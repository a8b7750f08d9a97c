"""The messages of one subscription that are not acknowledged yet: waiting, leased, or given back.

Fresh messages leave in the order of publishing. What is given back (negative acknowledgement or
expired lease) takes turns with them, so that neither a long backlog delays it nor it the backlog.
Nothing here scans the backlog.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable

from publisher.broker.lanes import Lanes
from publisher.broker.lease import Entry, Holder
from publisher.broker.records import BrokerMessage


class Backlog:
    """The unacknowledged messages of one subscription; not thread safe."""

    def __init__(self, clock: Callable[[], float], ordered: bool) -> None:
        """Lease by `clock` (monotonic seconds); keep ordering keys in order if `ordered`."""
        self._clock = clock
        self._fresh: deque[BrokerMessage] = deque()
        self._entries: dict[int, Entry] = {}  # what was taken from `_fresh` and is not acknowledged
        self._lanes = Lanes(ordered)
        self._expiries: list[tuple[float, int]] = []  # heap of (deadline, number), partly outdated
        self._fresh_next = True

    def __len__(self) -> int:
        """Count the messages that are not acknowledged."""
        return len(self._fresh) + len(self._entries)

    def add(self, messages: Iterable[BrokerMessage]) -> None:
        """Append messages just published."""
        self._fresh.extend(messages)

    def take(self, max_messages: int, max_bytes: int, lease_s: float, holder: Holder | None = None) -> list[Entry]:
        """Lease messages for `lease_s` seconds: at most `max_messages`, and `max_bytes` unless the first has more."""
        self.expire()
        deadline = self._clock() + lease_s
        taken: list[Entry] = []
        room = max_bytes
        while len(taken) < max_messages and (holder is None or holder.has_room()):
            entry = self._next()
            if entry is None:
                break
            if taken and entry.message.size > room:
                self._lanes.put_back(entry)
                self._fresh_next = True  # so that the turn is with the one put back
                break
            room -= entry.message.size
            self._lease(entry, deadline, holder)
            taken.append(entry)
        return taken

    def acknowledge(self, number: int) -> None:
        """Forget a message, on lease or (late) not any more; unknown numbers mean it is done already."""
        entry = self._entries.pop(number, None)
        if entry is None:
            return
        entry.acknowledged = True  # a lane may still hold it
        if entry.deadline is not None:
            entry.release()
            self._lanes.settle(entry)
        self._prune_expiries()

    def extend(self, number: int, attempt: int, lease_s: float) -> None:
        """Let the lease of a delivery end `lease_s` from now; 0 gives the message back.

        A lease that ended is left alone: the message may be with another subscriber.
        """
        entry = self._entries.get(number)
        if entry is None or entry.deadline is None or entry.attempt != attempt:
            return
        if lease_s <= 0:
            self._lanes.give_back(entry)
        else:
            entry.deadline = self._clock() + lease_s
            heapq.heappush(self._expiries, (entry.deadline, number))
            self._prune_expiries()

    def expire(self) -> None:
        """Take back every message whose lease has ended."""
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            deadline, number = heapq.heappop(self._expiries)
            entry = self._entries.get(number)
            if entry is not None and entry.deadline == deadline:
                self._lanes.give_back(entry)

    def next_expiry(self) -> float | None:
        """Return when a lease may end next, seconds of the clock (perhaps too early); None without leases."""
        return self._expiries[0][0] if self._expiries else None

    def _next(self) -> Entry | None:
        self._fresh_next = not self._fresh_next
        if self._fresh_next:
            return self._next_fresh() or self._lanes.take()
        return self._lanes.take() or self._next_fresh()

    def _next_fresh(self) -> Entry | None:
        while self._fresh:
            message = self._fresh.popleft()
            entry = self._entries[message.number] = Entry(message)
            if not self._lanes.queue_if_blocked(entry):
                return entry
        return None

    def _lease(self, entry: Entry, deadline: float, holder: Holder | None) -> None:
        entry.lease(deadline, holder)
        heapq.heappush(self._expiries, (deadline, entry.message.number))
        self._lanes.lease(entry)

    def _prune_expiries(self) -> None:
        """Drop outdated expiries once they are the majority, so that they do not pile up until they are due."""
        if len(self._expiries) > 2 * len(self._entries) + 64:
            self._expiries = [(e.deadline, n) for n, e in self._entries.items() if e.deadline is not None]
            heapq.heapify(self._expiries)
