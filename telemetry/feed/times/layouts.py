"""Read many texts of one shape at once, by the places of their digits.

The shape of a text is the text with every digit replaced by 0.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import IntArray
from telemetry.feed.times.civil import DAY_US, days_of, days_of_year, full_years, time_of_day
from telemetry.feed.times.problems import AMBIGUOUS, CALENDAR, FINE, ClockTimes
from telemetry.text.timestamps import MICROS

ByteColumns: TypeAlias = NDArray[np.uint8]
"""(L, N) the bytes of N texts of length L, one row for each place."""
_DIGITS: Final = ("y", "yy", "m", "d", "a", "b", "j", "H", "M", "S", "oh", "om", "os")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FRACTION_DIGITS: Final = 6  # of microseconds; the others are cut off, as `datetime.fromisoformat` does


@dataclass(frozen=True, slots=True)
class Layout:
    """Places of the parts of a time in all texts of one shape.

    Attributes:
        spans: start and end of the parts that are digits, by the names of `patterns`.
        month: 1 to 12 if the text names it, else 0.
        half: ``a`` or ``p`` if the text says so, else "".
        sign: of the offset; 0 if the text has none.
        naive: whether the text says neither an offset nor UTC.
        day_first: whether ``a`` is the day; None if each date must show it.
    """

    spans: dict[str, tuple[int, int]]
    month: int
    half: str
    sign: int
    naive: bool
    day_first: bool | None

    @classmethod
    def of(cls, found: re.Match[bytes], day_first: bool | None) -> "Layout":
        """Return the layout of the shape of a text that one of the patterns matched."""
        parts = {name: part.decode().lower() for name, part in found.groupdict().items() if part is not None}
        # No country writes the month first and dots; but 18.05.20 may be a time of day.
        dotted = parts.get("s") == "." and ("y" in parts or "H" in parts)
        return cls(
            {name: found.span(name) for name in (*_DIGITS, "f") if name in parts},
            _MONTHS.index(parts["mon"][:3]) + 1 if "mon" in parts else 0,
            parts.get("p", ""),
            {"+": 1, "-": -1}.get(parts.get("sign", ""), 0),
            "sign" not in parts and "z" not in parts,
            True if dotted and day_first is None else day_first,
        )

    def read(self, columns: ByteColumns) -> ClockTimes:
        """Return the moments of texts of this shape."""
        fields: dict[str, IntArray] = {
            name: digits(columns, *self.spans[name]) for name in _DIGITS if name in self.spans
        }
        size = columns.shape[1]
        problem = np.zeros(size, np.uint8)
        if "yy" in fields:
            fields["y"] = full_years(fields["yy"])
        if "a" in fields:
            fields["d"], fields["m"], unclear = self._day_and_month(fields["a"], fields["b"])
            problem[unclear] = AMBIGUOUS
        elif self.month:
            fields["m"] = np.full(size, self.month)
        if "j" in fields:
            days, valid = days_of_year(fields["y"], fields["j"])
        else:
            days, valid = days_of(fields["y"], fields["m"], fields["d"])
        clock, shown = time_of_day(fields, self.half)
        valid &= shown
        clock_us = days * DAY_US + clock
        if "f" in self.spans:
            clock_us += self._fraction(columns)
        if self.sign:
            none = np.zeros(size, np.int64)
            minutes, seconds = fields.get("om", none), fields.get("os", none)
            offset = fields["oh"] * 3600 + minutes * 60 + seconds
            clock_us -= offset * (self.sign * MICROS)
            valid &= (offset < 86_400) & (minutes < 60) & (seconds < 60)
        problem[~valid & (problem == FINE)] = CALENDAR
        return ClockTimes(clock_us, np.full(size, self.naive), problem)

    def _fraction(self, columns: ByteColumns) -> IntArray:
        start, end = self.spans["f"]
        end = min(end, start + _FRACTION_DIGITS)
        scale: int = 10 ** (_FRACTION_DIGITS - end + start)
        return digits(columns, start, end) * scale

    def _day_and_month(self, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
        """Return days, months, and whether a date can be read in two ways.

        A year of two digits may also come first (20/07/13), so that only a second number above 12 settles the order.
        """
        if self.day_first is not None:
            day, month = (first, second) if self.day_first else (second, first)
            return day, month, np.zeros(len(first), np.bool_)
        day_first = first > 12
        unclear = (second <= 12) & (np.minimum(first, second) >= 1)
        if "yy" not in self.spans:
            unclear &= (first <= 12) & (first != second)
        return np.where(day_first, first, second), np.where(day_first, second, first), unclear


def digits(columns: ByteColumns, start: int, end: int) -> IntArray:
    """Return the numbers that the places from `start` to before `end` show, at most 18 of them."""
    value: IntArray = (columns[start] & 15).astype(np.int64)
    for place in range(start + 1, end):
        value *= 10
        value += columns[place] & 15
    return value
