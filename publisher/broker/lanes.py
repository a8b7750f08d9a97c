"""What was given back, in the order in which it must go out again: one lane per ordering key.

Giving a message of a key back takes along every later message of the key that is out, and blocks
the key: what is fresh of it queues behind. Lanes take turns, one message each, so that a message
nobody can digest holds up no other key.
"""

from collections import deque
from dataclasses import dataclass, field

from publisher.broker.lease import Entry


@dataclass(slots=True, eq=False)
class _Lane:
    """Messages of one ordering key: out on lease, and given back; both in order of publishing.

    A message without key that is given back gets a lane of its own.
    """

    key: str = ""
    leased: dict[int, Entry] = field(default_factory=dict)
    returned: deque[Entry] = field(default_factory=deque)


class Lanes:
    """The lanes of one subscription; a lane is dropped when nothing of it is out or given back."""

    def __init__(self, ordered: bool) -> None:
        """Start empty; unless `ordered`, messages are treated as without key."""
        self._ordered = ordered
        self._by_key: dict[str, _Lane] = {}
        self._turns: deque[_Lane] = deque()  # those with something given back, the next one first

    def __len__(self) -> int:
        """Count the lanes held in memory."""
        return max(len(self._by_key), len(self._turns))

    def queue_if_blocked(self, entry: Entry) -> bool:
        """Queue a fresh entry behind those of its key that were given back; False if there are none."""
        lane = self._by_key.get(entry.message.draft.ordering_key)
        if lane is None or not lane.returned:
            return False
        lane.returned.append(entry)
        return True

    def lease(self, entry: Entry) -> None:
        """Note that an entry goes out."""
        if self._is_keyed(entry):
            self._lane_of(entry).leased[entry.message.number] = entry

    def settle(self, entry: Entry) -> None:
        """Note that an entry that was out is acknowledged."""
        if self._is_keyed(entry):
            lane = self._lane_of(entry)
            del lane.leased[entry.message.number]
            self._drop_if_idle(lane)

    def give_back(self, entry: Entry) -> None:
        """Take back an entry that is out, and with it the later ones of its key."""
        lane = self._lane_of(entry)
        if not lane.returned:
            self._turns.append(lane)
        if not self._is_keyed(entry):
            entry.release()
            lane.returned.append(entry)
            return
        while lane.leased and next(reversed(lane.leased)) >= entry.message.number:
            _, last = lane.leased.popitem()
            last.release()
            lane.returned.appendleft(last)

    def take(self) -> Entry | None:
        """Remove and return the next entry that was given back; the caller leases it or puts it back."""
        while self._turns:
            lane = self._turns.popleft()
            while lane.returned:
                entry = lane.returned.popleft()
                if not entry.acknowledged:
                    if lane.returned:
                        self._turns.append(lane)
                    return entry
            self._drop_if_idle(lane)
        return None

    def put_back(self, entry: Entry) -> None:
        """Make an entry the next one: it was to go out, but there was no room."""
        lane = self._lane_of(entry)
        if lane.returned:
            self._turns.pop()  # `take` has just put the lane at the end
        lane.returned.appendleft(entry)
        self._turns.appendleft(lane)

    def _drop_if_idle(self, lane: _Lane) -> None:
        if not lane.leased and not lane.returned:
            self._by_key.pop(lane.key, None)

    def _is_keyed(self, entry: Entry) -> bool:
        return self._ordered and entry.message.draft.ordering_key != ""

    def _lane_of(self, entry: Entry) -> _Lane:
        if not self._is_keyed(entry):
            return _Lane()
        key = entry.message.draft.ordering_key
        lane = self._by_key.get(key)
        if lane is None:
            lane = self._by_key[key] = _Lane(key)
        return lane
