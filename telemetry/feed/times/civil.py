"""Convert years, months, days and clock times to microseconds, whole arrays at a time."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, IntArray
from telemetry.text.timestamps import MICROS

DAY_US: Final = 86_400 * MICROS
_MONTHS = np.arange(np.datetime64("0000-01", "M"), np.datetime64("10000-03", "M"))
MONTH_STARTS: Final = _MONTHS.astype("datetime64[D]").astype(np.int64)
"""Days since 1970 at the start of the months of the years 0 to 9999, and of two more."""
_CENTURY_PIVOT = 69  # as strptime's %y: 69 to 99 are 1969 to 1999


def full_years(years: IntArray) -> IntArray:
    """Return four-digit years of two-digit years."""
    return years + np.where(years >= _CENTURY_PIVOT, 1900, 2000)


def days_of(year: IntArray, month: IntArray, day: IntArray) -> tuple[IntArray, BoolArray]:
    """Return days since 1970, and whether the calendar has that day."""
    index = year * 12 + month - 1
    wrong = (month < 1) | (month > 12) | (year < 1) | (year > 9999)
    if wrong.any():
        index = np.where(wrong, 0, index)
    start = MONTH_STARTS[index]
    valid = (day >= 1) & (start + day <= MONTH_STARTS[index + 1]) & ~wrong
    return start + day - 1, valid


def days_of_year(year: IntArray, number: IntArray) -> tuple[IntArray, BoolArray]:
    """Return days since 1970 of the numbered days of a year, and whether the year has them."""
    index = np.clip(year, 1, 9999) * 12
    start = MONTH_STARTS[index]
    return start + number - 1, (number >= 1) & (start + number <= MONTH_STARTS[index + 12]) & (year >= 1)


def time_of_day(fields: Mapping[str, IntArray], half: str) -> tuple[IntArray | int, BoolArray | bool]:
    """Return microseconds since midnight, and whether a clock shows that time.

    24:00:00 is the end of the day, and second 60 (a leap second) the first one of the next minute.

    Args:
        fields: hour ``H``, minute ``M`` and second ``S``; those that are missing are 0.
        half: ``a`` or ``p`` of a twelve-hour clock, else "".
    """
    if "H" not in fields:
        return 0, True
    hour = fields["H"]
    valid: BoolArray = hour <= 24
    if half:
        valid = (hour >= 1) & (hour <= 12)
        hour = hour % 12 + (12 if half == "p" else 0)
    seconds = hour * 3600
    if "M" in fields:
        seconds = seconds + fields["M"] * 60
        valid &= fields["M"] < 60
    if "S" in fields:
        seconds = seconds + fields["S"]
        valid &= fields["S"] <= 60
    if not half:
        valid &= seconds <= 86_400
    return seconds * MICROS, valid
