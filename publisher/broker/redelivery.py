"""Queue messages for redelivery: one queue per ordering key, each in order of publishing.

When a message with an ordering key is returned, every later leased message of that key is returned with it, and fresh
messages of the key are queued behind them. Queues alternate, one message each, so that a message
that subscribers keep returning delays no other key.
"""

from collections import deque
from dataclasses import dataclass, field

from publisher.broker.backlog_entry import BacklogEntry


@dataclass(slots=True, eq=False)
class _KeyQueue:
    """Leased and returned messages of one ordering key, both in order of publishing.

    Each returned message without a key has its own queue.
    """

    key: str = ""
    leased: dict[int, BacklogEntry] = field(default_factory=dict)
    returned: deque[BacklogEntry] = field(default_factory=deque)


class RedeliveryQueues:
    """The queues of one subscription; a queue is dropped when none of its messages is leased or returned."""

    def __init__(self, ordered: bool) -> None:
        """Start empty; unless `ordered`, ignore ordering keys."""
        self._ordered = ordered
        self._by_key: dict[str, _KeyQueue] = {}
        self._pending: deque[_KeyQueue] = deque()  # queues with returned messages, the next one first

    def __len__(self) -> int:
        """Return the number of queues in memory."""
        return max(len(self._by_key), len(self._pending))

    def queue_if_blocked(self, entry: BacklogEntry) -> bool:
        """Queue a fresh entry behind the returned ones of its key; return False if there are none."""
        queue = self._by_key.get(entry.message.content.ordering_key)
        if queue is None or not queue.returned:
            return False
        queue.returned.append(entry)
        return True

    def lease(self, entry: BacklogEntry) -> None:
        """Record that an entry is leased."""
        if self._is_keyed(entry):
            self._queue_of(entry).leased[entry.message.number] = entry

    def acknowledge(self, entry: BacklogEntry) -> None:
        """Record that a leased entry is acknowledged."""
        if self._is_keyed(entry):
            queue = self._queue_of(entry)
            del queue.leased[entry.message.number]
            self._drop_if_empty(queue)

    def return_entry(self, entry: BacklogEntry) -> None:
        """Queue a leased entry for redelivery, and with it the later leased ones of its key."""
        queue = self._queue_of(entry)
        if not queue.returned:
            self._pending.append(queue)
        if not self._is_keyed(entry):
            entry.release()
            queue.returned.append(entry)
            return
        while queue.leased and next(reversed(queue.leased)) >= entry.message.number:
            _, last = queue.leased.popitem()
            last.release()
            queue.returned.appendleft(last)

    def take(self) -> BacklogEntry | None:
        """Remove and return the next returned entry; the caller leases it or puts it back."""
        while self._pending:
            queue = self._pending.popleft()
            while queue.returned:
                entry = queue.returned.popleft()
                if not entry.acknowledged:
                    if queue.returned:
                        self._pending.append(queue)
                    return entry
            self._drop_if_empty(queue)
        return None

    def put_back(self, entry: BacklogEntry) -> None:
        """Make an entry the next one again, because the response has no room for it."""
        queue = self._queue_of(entry)
        if queue.returned:
            self._pending.pop()  # `take` has just appended the queue
        queue.returned.appendleft(entry)
        self._pending.appendleft(queue)

    def _drop_if_empty(self, queue: _KeyQueue) -> None:
        if not queue.leased and not queue.returned:
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
