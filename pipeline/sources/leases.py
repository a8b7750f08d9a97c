"""Remember which messages of a subscription are held, and whose leases have to be extended."""

import threading
import time
from collections.abc import Iterable


class Leases:
    """Messages that were received and not acknowledged. Safe to use from several threads."""

    def __init__(self) -> None:
        """Hold none."""
        self._lock = threading.Lock()
        self._since_s: dict[str, float] = {}  # by ack id: when its lease began or was extended, monotonic seconds
        self._extended: set[str] = set()

    def add(self, ack_ids: Iterable[str]) -> None:
        """Note that messages were received."""
        now = time.monotonic()
        with self._lock:
            self._since_s.update(dict.fromkeys(ack_ids, now))

    def remove(self, ack_ids: Iterable[str]) -> None:
        """Note that messages are acknowledged."""
        with self._lock:
            for ack_id in ack_ids:
                self._since_s.pop(ack_id, None)
                self._extended.discard(ack_id)

    def due(self, first_s: float, further_s: float) -> list[str]:
        """Return the messages whose leases are to be extended now, and note that they are.

        Args:
            first_s: age of a lease at which it is extended for the first time, seconds.
            further_s: age since then at which it is extended again, seconds.
        """
        now = time.monotonic()
        with self._lock:
            found = [
                ack_id
                for ack_id, since in self._since_s.items()
                if now - since >= (further_s if ack_id in self._extended else first_s)
            ]
            self._since_s.update(dict.fromkeys(found, now))
            self._extended.update(found)
        return found
