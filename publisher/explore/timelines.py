"""Measure the steps between readings of many devices at once: usual interval, gaps and steps back.

A step is the time from a reading to the next one of the same timeline in the order of the input. So one wrong time
counts as one gap and one step back, and later readings are not affected.
"""

from collections import Counter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import IntArray

_BINS_PER_OCTAVE: Final = 16  # 4.4 % wide
_BINS: Final = 1024  # up to 2**64 µs
_READINGS, _FIRST, _LAST, _PREVIOUS, _LONGEST, _STEPS_BACK = range(6)
_LATER, _EARLIER = np.iinfo(np.int64).max, np.iinfo(np.int64).min


class Gap(NamedTuple):
    """A step forward in time.

    Attributes:
        length_us: length of the step, microseconds.
        start_us: time of the reading before the gap, microseconds UTC.
        timeline: index of its timeline.
    """

    length_us: int
    start_us: int
    timeline: int


class Timelines:
    """Statistics of reading times by timeline; a timeline is one device, or all devices together.

    Attributes:
        gaps: the longest steps of all timelines, longest first; equal steps in the order of the input.
        furthest_back_us: the largest step back of all timelines, microseconds.
    """

    def __init__(self, most_gaps: int) -> None:
        """Start without timelines; keep at most `most_gaps` gaps."""
        self.gaps: list[Gap] = []
        self.furthest_back_us = 0
        self._most_gaps = most_gaps
        self._table: IntArray = np.empty((6, 0), np.int64)
        self._step_counts: Counter[int] = Counter()  # number of steps by timeline and bin of length
        self._step_sums: Counter[int] = Counter()  # sum of the lengths of these steps

    def __len__(self) -> int:
        """Return the number of timelines."""
        return len(self.readings)

    @property
    def readings(self) -> IntArray:
        """Number of readings of each timeline."""
        return self._row(_READINGS)

    @property
    def first_us(self) -> IntArray:
        """Earliest time of each timeline, microseconds UTC."""
        return self._row(_FIRST)

    @property
    def last_us(self) -> IntArray:
        """Latest time of each timeline, microseconds UTC."""
        return self._row(_LAST)

    @property
    def longest_us(self) -> IntArray:
        """Longest gap of each timeline, microseconds; 0 if there is none."""
        return self._row(_LONGEST)

    @property
    def steps_back(self) -> IntArray:
        """Number of readings of each timeline with an earlier time than the one before them."""
        return self._row(_STEPS_BACK)

    def add(self, timelines: NDArray[np.intp], times: IntArray) -> None:
        """Add N readings in the order of the input.

        Args:
            timelines: (N,) index of each reading's timeline; indices are consecutive from 0.
            times: (N,) microseconds UTC.
        """
        if not len(times):
            return
        self._grow(int(timelines.max()) + 1)
        order = np.argsort(timelines, kind="stable")
        timeline, time = timelines[order], times[order]
        starts = np.flatnonzero(np.diff(timeline, prepend=-1))
        ends = np.append(starts[1:], len(time)) - 1
        touched = timeline[starts]
        before = np.roll(time, 1)
        before[starts] = self._table[_PREVIOUS, touched]
        is_step = np.ones(len(time), np.bool_)
        is_step[starts] = self._table[_READINGS, touched] > 0
        steps = np.where(is_step, time - before, 0)
        table = self._table
        table[_READINGS, touched] += ends - starts + 1
        table[_FIRST, touched] = np.minimum(table[_FIRST, touched], np.minimum.reduceat(time, starts))
        table[_LAST, touched] = np.maximum(table[_LAST, touched], np.maximum.reduceat(time, starts))
        table[_PREVIOUS, touched] = time[ends]
        table[_LONGEST, touched] = np.maximum(table[_LONGEST, touched], np.maximum.reduceat(steps, starts))
        table[_STEPS_BACK, touched] += np.add.reduceat(steps < 0, starts, dtype=np.int64)
        self.furthest_back_us = max(self.furthest_back_us, -int(steps.min()))
        forward = np.flatnonzero(steps > 0)
        if len(forward):
            self._keep_gaps(forward[np.argsort(order[forward])], steps, before, timeline)
            self._count_lengths(timeline[forward], steps[forward])

    def usual_us(self, timeline: int) -> float | None:
        """Return the median step forward of a timeline, microseconds, accurate to 5 %; None if there is none."""
        bins = range(timeline * _BINS, (timeline + 1) * _BINS)
        left = sum(self._step_counts[key] for key in bins) / 2
        for key in bins:
            left -= self._step_counts[key]
            if left <= 0 < self._step_counts[key]:
                return self._step_sums[key] / self._step_counts[key]
        return None

    def _row(self, index: int) -> IntArray:
        row: IntArray = self._table[index]
        return row

    def _grow(self, size: int) -> None:
        if size > len(self):
            table = np.zeros((6, size), np.int64)
            table[_FIRST], table[_LAST] = _LATER, _EARLIER
            table[:, : len(self)] = self._table
            self._table = table

    def _keep_gaps(
        self, where: NDArray[np.intp], steps: IntArray, before: IntArray, timeline: NDArray[np.intp]
    ) -> None:
        least = self.gaps[-1].length_us if len(self.gaps) == self._most_gaps else 0
        where = where[steps[where] > least]
        where = where[np.argsort(-steps[where], kind="stable")[: self._most_gaps]]
        found = zip(steps[where].tolist(), before[where].tolist(), timeline[where].tolist(), strict=True)
        gaps = [*self.gaps, *(Gap(*gap) for gap in found)]
        self.gaps = sorted(gaps, key=lambda gap: -gap.length_us)[: self._most_gaps]

    def _count_lengths(self, timeline: NDArray[np.intp], steps: IntArray) -> None:
        keys = timeline * _BINS + (np.log2(steps) * _BINS_PER_OCTAVE).astype(np.intp)
        found, inverse = np.unique(keys, return_inverse=True)
        lengths = np.zeros(len(found), np.int64)
        np.add.at(lengths, inverse, steps)
        names = found.tolist()
        self._step_counts.update(dict(zip(names, np.bincount(inverse).tolist(), strict=True)))
        self._step_sums.update(dict(zip(names, lengths.tolist(), strict=True)))
