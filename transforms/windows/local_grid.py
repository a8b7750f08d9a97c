"""Lay windows out by the clock of a zone: local days, groups of them and parts of them.

Windows begin when the clock shows a multiple of the slide, counted from a Monday at 00:00, and end when it shows the
time one size later. A clock that is put forward and back is no time axis, so it is made one first:

- A change by a multiple of the size (of one hour, for windows of 1 h or 30 min) is left out, as if the clock went on.
  The windows go on, too: all have their length, and they begin at the same minutes of the hour before and after it.
- Any other change makes the windows in which it happens shorter or longer. A clock that is put back stands still until
  it shows a new time; a clock that is put forward comes to all the times between at once.

The second can leave no time at all between two multiples of the slide. No window begins at the first of them: it would
begin together with the next one.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, IntArray
from telemetry.feed.times.zones import zone_table

DAY_US: Final = 86_400_000_000
_MONDAY_US: Final = 4 * DAY_US  # 5 January 1970, so that groups of seven days are weeks
_NEVER_US: Final = -(2**62)


def fits_days(length_us: int) -> bool:
    """Return whether a length is a whole number of days or divides a day, so that a clock can count it."""
    return length_us % DAY_US == 0 or DAY_US % length_us == 0


@dataclass(frozen=True, eq=False, slots=True)
class LocalGrid:
    """Windows by the clock of a zone, which has C changes that count.

    Attributes:
        size_us: length of a window by the clock, microseconds.
        slide_us: distance of the starts of two windows by the clock, microseconds; divides the size.
        change_us: (C,) when the clock is changed, microseconds UTC, ascending.
        offset_us: (C + 1,) what the clock is ahead of UTC before, between and after the changes, microseconds.
        shown_us: (C,) until where the clock had come before each change, exclusive, microseconds.
    """

    size_us: int
    slide_us: int
    change_us: IntArray
    offset_us: IntArray
    shown_us: IntArray

    def latest(self, time_us: IntArray) -> IntArray:
        """Return the start of the latest window that holds each time, microseconds UTC."""
        return self._first_shown(self._mark(time_us))

    def earliest(self, time_us: IntArray) -> IntArray:
        """Return the start of the earliest window that holds each time, microseconds UTC."""
        return self._first_shown(self._mark(time_us) - self.size_us + self.slide_us)

    def first_ends(self, time_us: IntArray) -> IntArray:
        """Return the end of the earliest window that holds each time, microseconds UTC."""
        return self.ends(self.earliest(time_us))

    def ends(self, start_us: IntArray) -> IntArray:
        """Return the end of the latest window that holds each time, which may be its start, microseconds UTC."""
        return self._first_shown(self._mark(start_us) + self.size_us)

    def holding(self, latest_us: IntArray) -> Iterator[tuple[BoolArray | None, IntArray]]:
        """Yield the starts of the windows that hold some times, the latest of each time first, then the one before.

        Args:
            latest_us: (N,) start of the latest window of each time.

        Yields:
            (N,) which of the times have such a window, None for all; and its starts, microseconds UTC.
        """
        latest = self._mark(latest_us)
        for number in range(self.size_us // self.slide_us):
            mark = latest - number * self.slide_us
            start_us = self._first_shown(mark)
            begins = self._mark(start_us) == mark
            yield (None, start_us) if begins.all() else (begins, start_us[begins])

    def last_before(self, time_us: int, end_us: int) -> int:
        """Return the end of the latest window that holds a time and ends at or before another, microseconds UTC."""
        latest, ended = self._mark(np.array([time_us, end_us])).tolist()
        mark = np.array([min(latest, ended - self.size_us)])
        within_us = self._first_shown(mark + self.slide_us) - 1  # if none begins at the mark, in the one before
        return int(self.ends(within_us)[0])

    def _mark(self, time_us: IntArray) -> IntArray:
        """Return the last multiple of the slide that the clock has come to at each time."""
        segment = _reached(self.change_us, time_us)
        clock_us = time_us + self.offset_us[segment]
        if len(self.change_us):
            np.maximum(clock_us, np.append(_NEVER_US, self.shown_us - 1)[segment], out=clock_us)
        mark: IntArray = clock_us - (clock_us - _MONDAY_US) % self.slide_us
        return mark

    def _first_shown(self, clock_us: IntArray) -> IntArray:
        """Return when the clock first comes to each of some times or beyond, microseconds UTC."""
        segment = _reached(self.shown_us, clock_us)
        time_us: IntArray = clock_us - self.offset_us[segment]
        if len(self.change_us):
            np.maximum(time_us, np.append(_NEVER_US, self.change_us)[segment], out=time_us)
        return time_us


@functools.lru_cache(maxsize=64)
def local_grid(zone: str, size_us: int, slide_us: int) -> LocalGrid:
    """Return the windows of a zone; size and slide are such that `fits_days`.

    Raises:
        ValueError: if there is no such zone.
    """
    table = zone_table(zone, 0)
    step_us = np.diff(table.offset_us)
    counts = step_us % size_us != 0
    change_us = table.change_us[counts]
    offset_us = table.offset_us[0] + np.append(0, np.cumsum(step_us[counts]))
    shown_us: IntArray = np.maximum.accumulate(change_us + offset_us[:-1])
    return LocalGrid(size_us, slide_us, change_us, offset_us, shown_us)


def _reached(edges: IntArray, values: IntArray) -> NDArray[np.intp] | Any:
    """Return how many edges each value has reached; one number if it is the same for all."""
    if not len(values) or not len(edges):
        return 0
    low, high = np.searchsorted(edges, [values.min(), values.max()], side="right")
    return low if low == high else np.searchsorted(edges, values, side="right")
