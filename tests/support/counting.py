"""Record what steps count, inside of a pipeline of this process and outside of any."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest import mock

from transforms import counters


@dataclass
class Tally:
    """Counters by name, and the values of each distribution."""

    counts: Counter[str] = field(default_factory=Counter)
    values: dict[str, list[int]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, by: int = 1, kind: str = "") -> None:
        with self.lock:
            self.counts[f"{name}/{kind}" if kind else name] += by

    def observe(self, name: str, value: int) -> None:
        with self.lock:
            self.values.setdefault(name, []).append(value)


@contextlib.contextmanager
def recorded() -> Iterator[Tally]:
    tally = Tally()
    with mock.patch.object(counters, "count", tally.count), mock.patch.object(counters, "observe", tally.observe):
        yield tally
