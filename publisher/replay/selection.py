"""Which rows of the inputs are replayed, and what is added to their times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from publisher.lines import NO_TIME, Lines, Times, within

_LEAST_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows by their own time and their number; one without a time is not left out for what it lacks.

    Attributes:
        start_us: first time that is replayed, microseconds UTC; None for the earliest.
        end_us: first time that is not replayed any more; None for the latest.
        limit: most rows; None for all.
    """

    start_us: int | None = None
    end_us: int | None = None
    limit: int | None = None

    def choose(self, blocks: Iterator[Lines]) -> Iterator[Lines]:
        """Yield the rows that are replayed, in order."""
        left = self.limit
        inside = True  # whether the row before was
        for lines in blocks:
            keep = within(lines.times, self.start_us, self.end_us, inside)
            if len(keep):
                inside = bool(keep[-1])
            chosen = lines.select(keep)
            if left is not None:
                chosen = chosen.first(left)
                left -= len(chosen)
            yield chosen
            if left == 0:
                return


@dataclass(slots=True)
class Timeline:
    """What is added to the times of one pass after another, so that a loop goes on where it began anew.

    Attributes:
        shift_us: added in the present pass, microseconds.
    """

    shift_us: int
    _first_us: int | None = field(default=None)
    _last_us: int | None = field(default=None)
    _rows: int = 0

    def see(self, times: Times) -> None:
        """Learn the times of rows of the first pass."""
        known = times[times != NO_TIME]
        if len(known):
            low, high = int(known.min()), int(known.max())
            self._first_us = low if self._first_us is None else min(low, self._first_us)
            self._last_us = high if self._last_us is None else max(high, self._last_us)
            self._rows += len(known)

    def next_pass(self) -> None:
        """Move on by the length of the recording and one usual interval between its rows."""
        if self._first_us is not None and self._last_us is not None:
            span = self._last_us - self._first_us
            self.shift_us += span + max(_LEAST_US, span // max(1, self._rows - 1))
