"""State and timers of one key, as Beam hands them to a step; without a runner."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from apache_beam.utils.timestamp import Timestamp


@dataclass
class Value:
    """A value that is read and written as a whole."""

    content: bytes | None = None

    def read(self) -> bytes | None:
        return self.content

    def write(self, content: bytes) -> None:
        self.content = content

    def clear(self) -> None:
        self.content = None


@dataclass
class Bag:
    """A bag, and how often it was read."""

    contents: list[bytes] = field(default_factory=list)
    reads: int = 0

    def read(self) -> Iterator[bytes]:
        self.reads += 1
        return iter(list(self.contents))

    def add(self, value: bytes) -> None:
        self.contents.append(value)

    def clear(self) -> None:
        self.contents.clear()


@dataclass
class Timer:
    """Timers that were set, in microseconds by tag."""

    set_us: dict[str, int] = field(default_factory=dict)

    def set(self, timestamp: Timestamp, dynamic_timer_tag: str = "") -> None:
        self.set_us[dynamic_timer_tag] = timestamp.micros
