"""Keep snapshots by name until they are deleted or expire."""

from collections.abc import Callable

from publisher.broker.errors import RequestError, Status
from publisher.broker.names import check_snapshot, project_prefix
from publisher.broker.resources import BrokerSnapshot, BrokerTopic


class Snapshots:
    """The snapshots of all projects; not thread safe."""

    def __init__(self, wall_clock: Callable[[], int]) -> None:
        """Start empty; `wall_clock` returns nanoseconds since the epoch (UTC)."""
        self._wall_clock = wall_clock
        self._by_name: dict[str, BrokerSnapshot] = {}

    def check_new(self, name: str) -> None:
        """Check the name of a new snapshot.

        Raises:
            RequestError: INVALID_ARGUMENT or ALREADY_EXISTS.
        """
        check_snapshot(name)
        self._expire()
        if name in self._by_name:
            raise RequestError(Status.ALREADY_EXISTS, "Snapshot already exists")

    def add(self, snapshot: BrokerSnapshot) -> BrokerSnapshot:
        """Keep a snapshot, which from now on receives the messages of its topic, and return it."""
        self._by_name[snapshot.name] = snapshot.source.snapshots[snapshot.name] = snapshot
        return snapshot

    def get(self, name: str) -> BrokerSnapshot:
        """Return a snapshot.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        check_snapshot(name)
        self._expire()
        snapshot = self._by_name.get(name)
        if snapshot is None:
            raise RequestError(Status.NOT_FOUND, "Snapshot does not exist")
        return snapshot

    def all(self, project: str) -> list[BrokerSnapshot]:
        """Return the snapshots of ``projects/P``, sorted by name."""
        prefix = project_prefix(project)
        self._expire()
        return [self._by_name[name] for name in sorted(self._by_name) if name.startswith(prefix)]

    def of(self, topic: BrokerTopic) -> list[BrokerSnapshot]:
        """Return the snapshots of a topic, sorted by name."""
        if not topic.snapshots:
            return []
        self._expire()
        return [topic.snapshots[name] for name in sorted(topic.snapshots)]

    def delete(self, name: str) -> None:
        """Delete a snapshot.

        Raises:
            RequestError: INVALID_ARGUMENT for its name, or NOT_FOUND.
        """
        self._remove(self.get(name))

    def _remove(self, snapshot: BrokerSnapshot) -> None:
        del self._by_name[snapshot.name]
        del snapshot.source.snapshots[snapshot.name]

    def _expire(self) -> None:
        now_ns = self._wall_clock()
        for snapshot in [one for one in self._by_name.values() if one.expire_ns <= now_ns]:
            self._remove(snapshot)
