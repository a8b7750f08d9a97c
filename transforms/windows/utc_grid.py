"""Lay windows out at equal distances from the epoch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class UtcGrid:
    """Windows of `size_us` that begin at each multiple of `slide_us` since the epoch, which divides the size."""

    size_us: int
    slide_us: int

    def latest(self, time_us: IntArray) -> IntArray:
        """Return the start of the latest window that holds each time, microseconds UTC."""
        start_us: IntArray = time_us - time_us % self.slide_us
        return start_us

    def earliest(self, time_us: IntArray) -> IntArray:
        """Return the start of the earliest window that holds each time, microseconds UTC."""
        return self.latest(time_us) - self.size_us + self.slide_us

    def first_ends(self, time_us: IntArray) -> IntArray:
        """Return the end of the earliest window that holds each time, microseconds UTC."""
        return self.latest(time_us) + self.slide_us

    def ends(self, start_us: IntArray) -> IntArray:
        """Return the end of the window with each start, microseconds UTC."""
        end_us: IntArray = start_us + self.size_us
        return end_us

    def holding(self, latest_us: IntArray) -> Iterator[tuple[BoolArray | None, IntArray]]:
        """Yield the starts of the windows that hold some times, the latest of each time first, then the one before.

        Args:
            latest_us: (N,) start of the latest window of each time.

        Yields:
            None, for each time has as many windows, and (N,) starts, microseconds UTC.
        """
        for number in range(self.size_us // self.slide_us):
            yield None, latest_us - number * self.slide_us

    def last_before(self, time_us: int, end_us: int) -> int:
        """Return the end of the latest window that holds a time and ends at or before another, microseconds UTC."""
        latest = int(self.latest(np.array([time_us]))[0])
        ended = end_us - self.size_us
        return min(latest, ended - ended % self.slide_us) + self.size_us
