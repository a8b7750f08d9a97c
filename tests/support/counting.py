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
    """Counters by name, the values of each distribution, and sets of texts."""

    counts: Counter[str] = field(default_factory=Counter)
    values: dict[str, list[int]] = field(default_factory=dict)
    texts: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, by: int = 1, kind: str = "") -> None:
        with self.lock:
            self.counts[f"{name}/{kind}" if kind else name] += by

    def observe(self, name: str, value: int) -> None:
        with self.lock:
            self.values.setdefault(name, []).append(value)

    def tell(self, name: str, kind: str, text: str) -> None:
        with self.lock:
            self.texts.setdefault(name, set()).add(f"{kind}\t{text}")


@contextlib.contextmanager
def recorded() -> Iterator[Tally]:
    tally = Tally()
    with contextlib.ExitStack() as stack:
        for name in ("count", "observe", "tell"):
            stack.enter_context(mock.patch.object(counters, name, getattr(tally, name)))
        stack.enter_context(mock.patch.object(counters, "count_named", tally.count))
        yield tally
