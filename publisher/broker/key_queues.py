"""Order the messages of ordering keys, and queue returned messages for redelivery.

A consumer may take messages of an ordering key while no other consumer has an outstanding message of that key. So one
Pull leases a run of a key's messages, the next Pull gets the rest of the key only after the whole run is acknowledged,
returned or expired, and a stream keeps a key as long as it has outstanding messages of it; Google's emulator (0.8.20)
does the same. When a message is returned, every later leased message of its key is returned with it.

While keys are withheld, other keys could run far ahead of them: a replay of many devices would be delivered out of
order, across devices, by as much. So messages may be limited to a number beyond the first withheld one (`run_ahead`).

Returned messages are in one queue per ordering key. Queues alternate, one message each, so that a message
that consumers keep returning delays no other key.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from publisher.broker.backlog_entry import BacklogEntry, Consumer
from publisher.broker.messages import BrokerMessage


@dataclass(slots=True, eq=False)
class _KeyQueue:
    """Leased, returned and waiting messages of one ordering key, in this order of publishing.

    Each returned message without a key has its own queue.

    Attributes:
        key: the ordering key.
        leased: outstanding messages by number, all held by `holder`.
        returned: messages to deliver again.
        waiting: messages never delivered, because earlier ones of the key were outstanding or returned.
        holder: consumer of the latest lease.
        pending: whether the queue is among those with returned messages to deliver.
    """

    key: str = ""
    leased: dict[int, BacklogEntry] = field(default_factory=dict)
    returned: deque[BacklogEntry] = field(default_factory=deque)
    waiting: deque[BrokerMessage] = field(default_factory=deque)
    holder: Consumer | None = None
    pending: bool = False

    def is_free_for(self, consumer: Consumer) -> bool:
        """Return whether `consumer` may take the next message of the key."""
        return not self.leased or self.holder is consumer


class KeyQueues:
    """Queues of one subscription; a queue is dropped when it is empty."""

    def __init__(self, ordered: bool) -> None:
        """Start empty; unless `ordered`, ignore ordering keys."""
        self._ordered = ordered
        self._by_key: dict[str, _KeyQueue] = {}
        self._pending: deque[_KeyQueue] = deque()  # queues with returned messages, the next one first
        self._ready: list[tuple[int, str]] = []  # heap of (number of the first waiting message, key), some outdated
        self._withheld: list[tuple[int, str]] = []  # like `_ready`, of keys with outstanding messages
        self.waiting = 0
        """Number of messages that wait for earlier ones of their key."""
        self.held_back = False
        """Whether a message has been too far ahead since this was last reset."""

    def __len__(self) -> int:
        """Return the number of queues in memory."""
        return max(len(self._by_key), len(self._pending))

    def waiting_messages(self) -> Iterator[BrokerMessage]:
        """Yield the messages that wait for earlier ones of their key."""
        for queue in self._by_key.values():
            yield from queue.waiting

    def queue_if_blocked(self, message: BrokerMessage, consumer: Consumer) -> bool:
        """Queue a message behind earlier ones of its key; return False if `consumer` may take it now."""
        queue = self._by_key.get(message.content.ordering_key)
        if queue is None or (not queue.returned and not queue.waiting and queue.is_free_for(consumer)):
            return False
        queue.waiting.append(message)
        self.waiting += 1
        if len(queue.waiting) == 1:
            self._schedule(queue)
        return True

    def is_too_far(self, number: int, run_ahead: int | None) -> bool:
        """Return whether a message is over `run_ahead` numbers beyond the first withheld one; None for no limit."""
        while self._withheld and run_ahead is not None:
            first, key = self._withheld[0]
            queue = self._by_key.get(key)
            if queue is not None and queue.leased and queue.waiting and queue.waiting[0].number == first:
                self.held_back |= number > first + run_ahead
                return number > first + run_ahead
            heapq.heappop(self._withheld)  # outdated
        return False

    def take_waiting(self, consumer: Consumer, run_ahead: int | None = None) -> BrokerMessage | None:
        """Remove and return the next message that waited and that `consumer` may take; the caller leases it."""
        for heap in (consumer.waiting_keys, self._ready):
            while heap:
                number, key = heapq.heappop(heap)
                queue = self._by_key.get(key)
                if queue is None or queue.returned or not queue.waiting or queue.waiting[0].number != number:
                    continue  # outdated
                if not queue.is_free_for(consumer):
                    self._schedule(queue)
                    continue
                if self.is_too_far(number, run_ahead):
                    heapq.heappush(heap, (number, key))
                    return None
                message = queue.waiting.popleft()
                self.waiting -= 1
                if queue.waiting:
                    heapq.heappush(self._ready, (queue.waiting[0].number, key))
                return message
        return None

    def take_returned(self, consumer: Consumer) -> BacklogEntry | None:
        """Remove and return the next returned entry; the caller leases it or puts it back."""
        while self._pending:
            queue = self._pending.popleft()
            queue.pending = False
            if not queue.is_free_for(consumer):
                continue  # scheduled again when the last lease ends
            while queue.returned:
                entry = queue.returned.popleft()
                if not entry.acknowledged:
                    self._schedule(queue)
                    return entry
            self._schedule(queue)
        return None

    def put_back(self, entry: BacklogEntry) -> None:
        """Make an entry the next one again, because the response has no room for it."""
        queue = self._queue_of(entry)
        if queue.pending:
            self._pending.pop()  # `take_returned` has just appended the queue
        queue.returned.appendleft(entry)
        queue.pending = True
        self._pending.appendleft(queue)

    def lease(self, entry: BacklogEntry, consumer: Consumer) -> None:
        """Record that `consumer` leases an entry."""
        if self._is_keyed(entry):
            queue = self._queue_of(entry)
            queue.leased[entry.message.number] = entry
            queue.holder = consumer

    def acknowledge(self, entry: BacklogEntry) -> None:
        """Record that a leased entry is acknowledged."""
        if self._is_keyed(entry):
            queue = self._queue_of(entry)
            del queue.leased[entry.message.number]
            if not queue.leased:
                self._schedule(queue)

    def return_entry(self, entry: BacklogEntry) -> None:
        """Queue a leased entry for redelivery, and with it the later leased ones of its key."""
        queue = self._queue_of(entry)
        if not self._is_keyed(entry):
            entry.release()
            queue.returned.append(entry)
        while queue.leased and next(reversed(queue.leased)) >= entry.message.number:
            _, last = queue.leased.popitem()
            last.release()
            queue.returned.appendleft(last)
        if not queue.leased:
            self._schedule(queue)

    def _schedule(self, queue: _KeyQueue) -> None:
        """Enter the queue where the consumer that may take its next message finds it; drop it if it is empty."""
        if queue.returned:
            if not queue.pending:
                queue.pending = True
                self._pending.append(queue)
        elif queue.waiting:
            first = queue.waiting[0].number, queue.key
            if queue.leased and queue.holder is not None:
                heapq.heappush(queue.holder.waiting_keys, first)
                heapq.heappush(self._withheld, first)
            else:
                heapq.heappush(self._ready, first)
        elif not queue.leased:
            self._by_key.pop(queue.key, None)

    def _is_keyed(self, entry: BacklogEntry) -> bool:
        return self._ordered and entry.message.content.ordering_key != ""

    def _queue_of(self, entry: BacklogEntry) -> _KeyQueue:
        if not self._is_keyed(entry):
            return _KeyQueue()
        key = entry.message.content.ordering_key
        queue = self._by_key.get(key)
        if queue is None:
            queue = self._by_key[key] = _KeyQueue(key)
        return queue
