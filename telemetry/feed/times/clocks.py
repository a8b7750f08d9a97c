"""Tell the two passes of the hour apart that comes twice at the end of summer time, by the order of arrival."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, IntArray
from telemetry.feed.times.zones import ZoneTable
from telemetry.text.timestamps import MICROS

_NEAR_US: Final = 6 * 3600 * MICROS  # enough to see at which steps a series goes before it enters a double hour


@dataclass(slots=True)
class SeriesClock:
    """Last time of a series near a double hour, and its steps; microseconds UTC.

    Attributes:
        last_us: its last time.
        step_us: the step to that time; None before there is one.
        earlier_step_us: the step before; None before there is one.
    """

    last_us: int
    step_us: int | None = None
    earlier_step_us: int | None = None

    def advance(self, time_us: int) -> None:
        """Note the next time."""
        self.earlier_step_us, self.step_us = self.step_us, time_us - self.last_us
        self.last_us = time_us

    def expected_us(self, longest_us: int) -> int:
        """Return the time that would come next if the series kept its step, the shorter one of the last two.

        A step longer than `longest_us` is a pause, which says nothing of the next step.
        """
        steps = [step for step in (self.step_us, self.earlier_step_us) if step is not None and abs(step) <= longest_us]
        return self.last_us + min(steps, key=abs, default=0)


@dataclass(slots=True)
class Clocks:
    """Clocks of the series of a feed, by the code of the series.

    They depend on the order of arrival: a feed whose double hour arrives in another order gets other times in it. Pass
    the same object to each call; the calls change it. Only times within six hours of a double hour are noted.
    """

    series: dict[int, SeriesClock] = field(default_factory=dict)

    def resolve(self, zone: ZoneTable, naive_us: IntArray, order: IntArray | None) -> IntArray:
        """Return the times in UTC of naive times in order of arrival.

        In a double hour the pass is chosen that is nearer to the time that the series would show next, so that times
        which go back by more than the usual disorder are the second pass, and newest-first files are read as well. The
        first time of a series is in the first pass.

        Args:
            zone: of the naive times.
            naive_us: (N,) microseconds.
            order: (N,) code of the series of each time; None: all are of one.
        """
        time_us = zone.to_utc(naive_us)
        begins, ends = zone.doubles
        near = np.flatnonzero(_inside(begins - _NEAR_US, ends + _NEAR_US, naive_us))
        if not len(near):
            return time_us
        shift = double_shifts(zone, naive_us[near])
        codes = np.zeros(len(near), np.int64) if order is None else order[near]
        rows = zip(time_us[near].tolist(), shift.tolist(), codes.tolist(), strict=True)
        time_us[near] = [self._next(code, first, later) for first, later, code in rows]
        return time_us

    def _next(self, code: int, first_us: int, shift_us: int) -> int:
        clock = self.series.get(code)
        if clock is None:
            self.series[code] = SeriesClock(first_us)
            return first_us
        time_us = first_us
        if shift_us:
            ahead_us = 2 * (clock.expected_us(shift_us) - first_us)
            if ahead_us > shift_us or (ahead_us == shift_us and first_us < clock.last_us):
                time_us += shift_us
        clock.advance(time_us)
        return time_us


def double_shifts(zone: ZoneTable, naive_us: IntArray) -> IntArray:
    """Return by how much the second pass of naive times is later than the first; 0 outside of double hours."""
    begins, ends = zone.doubles
    shifts = np.zeros(len(naive_us), np.int64)
    inside = np.flatnonzero(_inside(begins, ends, naive_us))
    if len(inside):
        double = np.searchsorted(ends, naive_us[inside], side="right")
        shifts[inside] = ends[double] - begins[double]
    return shifts


def _inside(begins: IntArray, ends: IntArray, times: IntArray) -> BoolArray:
    """Return which times lie in one of some intervals, which are apart and ascending, each without its end."""
    if len(ends) == 0:
        return np.zeros(len(times), np.bool_)
    index = np.searchsorted(ends, times, side="right")
    return (index < len(ends)) & (begins[np.minimum(index, len(begins) - 1)] <= times)
