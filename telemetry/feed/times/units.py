"""Convert numbers that count time units since an epoch to microseconds since 1970."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.times.problems import EARLY, LATE, MAGNITUDE, MISSING, ClockTimes
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import EARLIEST_US, LATEST_US, MICROS


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """Unit of numbers that are times.

    Attributes:
        numerator: microseconds of `denominator` units.
        denominator: units of `numerator` microseconds.
        origin_us: time of the number 0, microseconds since 1970.
        naive: whether the numbers follow a clock on the wall instead of UTC.
        grain_us: microseconds to which times are rounded, where the numbers as doubles say no more than that.
    """

    numerator: int
    denominator: int = 1
    origin_us: int = 0
    naive: bool = False
    grain_us: int = 1

    def approximate_us(self, values: FloatArray) -> FloatArray:
        """Return microseconds since 1970, rounded to doubles."""
        scaled = values * float(self.numerator) if self.denominator == 1 else values / self.denominator
        return scaled + self.origin_us

    def exact_us(self, values: FloatArray | IntArray) -> IntArray:
        """Return whole microseconds since 1970 of values whose times lie between the years 1 and 9999.

        Parts of a microsecond are cut off if the unit is shorter, as those of texts are, else rounded.
        """
        if values.dtype == np.int64:
            us = values.astype(np.int64) * self.numerator // self.denominator
        elif self.denominator == 1:
            us = np.rint(values * float(self.numerator)).astype(np.int64)
        else:
            us = np.floor(values / self.denominator).astype(np.int64)
        if self.grain_us > 1:
            us = (us + self.grain_us // 2) // self.grain_us * self.grain_us
        return us + self.origin_us


_DAY: Final = 86_400 * MICROS
UNITS: Final = {
    "s": TimeUnit(MICROS),
    "ms": TimeUnit(1000),
    "us": TimeUnit(1),
    "ns": TimeUnit(1, 1000),
    "minutes": TimeUnit(60 * MICROS),
    "hours": TimeUnit(3600 * MICROS),
    "days": TimeUnit(_DAY),
    "excel": TimeUnit(_DAY, origin_us=-25_569 * _DAY, naive=True, grain_us=1000),
    "excel1904": TimeUnit(_DAY, origin_us=-24_107 * _DAY, naive=True, grain_us=1000),
    "matlab": TimeUnit(_DAY, origin_us=-719_529 * _DAY, naive=True, grain_us=1000),
    "labview": TimeUnit(MICROS, origin_us=-24_107 * _DAY),
}
"""Units that a feed can name.

Units of time count from 1970 in UTC. ``excel`` counts days from 1899-12-30, which is right from March 1900 on, and
``excel1904`` from 1904-01-01, ``matlab`` (datenum) from the year 0, all three on a clock on the wall. ``labview``
counts seconds from 1904-01-01 in UTC.
"""
BY_MAGNITUDE: Final = ("s", "ms", "us", "ns")
LATEST_BY_MAGNITUDE_US: Final = 3_155_760_000 * MICROS
"""2070-01-01T00:00:00Z: a number of no declared unit that would lie later is rather one of LabVIEW's from 2004 on."""
_REACH_US: Final = 6.4e16  # more than 2000 years from 1970, and every product fits 64 bits


def read_numbers(values: FloatArray | IntArray, spec: TimeSpec) -> ClockTimes:
    """Return the moments of numbers of the unit that is declared, or by magnitude."""
    whole = values.dtype.kind == "i"
    numbers = values.astype(np.int64, copy=False) if whole else values.astype(np.float64, copy=False)
    if spec.unit:
        return numbers_in(UNITS[spec.unit], numbers)
    return numbers_by_magnitude(numbers, spec.earliest_us)


def numbers_in(unit: TimeUnit, values: FloatArray | IntArray) -> ClockTimes:
    """Return the moments of numbers of a declared unit."""
    moments = ClockTimes.empty(len(values))
    with np.errstate(over="ignore", invalid="ignore"):
        about = unit.approximate_us(values.astype(np.float64))
        fits = np.abs(about) < _REACH_US  # false for NaN
    moments.naive[:] = unit.naive
    moments.problem[~fits] = np.where(about[~fits] < 0, EARLY, LATE)
    moments.problem[np.isnan(about)] = MISSING
    moments.clock_us[fits] = unit.exact_us(values[fits])
    return moments


def numbers_by_magnitude(values: FloatArray | IntArray, earliest_us: int) -> ClockTimes:
    """Return the moments of numbers that are seconds, ms, us or ns since 1970, whichever gives a time of our days.

    Those are the times from 2000 (or `earliest_us`, if it is later; for seconds also if it is earlier) to 2070.
    """
    moments = ClockTimes.refused(len(values), MAGNITUDE)
    about = values.astype(np.float64)
    moments.problem[np.isnan(about)] = MISSING
    for name in BY_MAGNITUDE:
        unit = UNITS[name]
        first_us = earliest_us if name == "s" else max(earliest_us, EARLIEST_US)
        per_us = unit.denominator / unit.numerator
        inside = (about >= first_us * per_us) & (about < LATEST_BY_MAGNITUDE_US * per_us)
        if inside.all():
            return ClockTimes(unit.exact_us(values), moments.naive, np.zeros(len(values), np.uint8))
        moments.clock_us[inside] = unit.exact_us(values[inside])
        moments.problem[inside] = 0
    moments.problem[(moments.problem == MAGNITUDE) & (about < min(earliest_us, LATEST_US) / MICROS)] = EARLY
    return moments
