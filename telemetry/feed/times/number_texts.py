"""Read texts that are numbers: Unix times, numbers of a declared unit, and dates without separators."""

import re
from typing import Final

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.times.layouts import ByteColumns, Layout, digits
from telemetry.feed.times.problems import FINE, MAGNITUDE, ClockTimes
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.units import read_numbers

_MINUTE: Final = rb"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?P<H>\d\d)(?P<M>\d\d)"
_COMPACT: Final = {
    12: re.compile(_MINUTE),
    14: re.compile(_MINUTE + rb"(?P<S>\d\d)"),
    17: re.compile(_MINUTE + rb"(?P<S>\d\d)(?P<f>\d{3})"),
}
"""202007131200 and longer, by the number of digits: none of them is a Unix time after 2000 in any unit."""
_SAFE_DIGITS: Final = 18  # fit 64 bits


def read_number_texts(columns: ByteColumns, spec: TimeSpec) -> ClockTimes:
    """Return the moments of texts of one shape that are numbers.

    Args:
        columns: (L, N) bytes of the texts.
        spec: with the unit and the earliest time.
    """
    first = columns[:, 0].tobytes()
    if not first.isdigit() or len(first) > _SAFE_DIGITS:
        return read_numbers(_parse(columns), spec)
    moments = read_numbers(digits(columns, 0, len(first)), spec)
    compact = _COMPACT.get(len(first))
    rows = np.flatnonzero(moments.problem == MAGNITUDE)  # none if the unit is declared
    if compact is None or not len(rows):
        return moments
    found = compact.fullmatch(first)
    assert found is not None, first
    written = Layout.of(found, None).read(columns[:, rows])
    dates = written.problem == FINE
    moments.put(rows[dates], ClockTimes(written.clock_us[dates], written.naive[dates], written.problem[dates]))
    return moments


def _parse(columns: ByteColumns) -> FloatArray | IntArray:
    """Return the numbers: whole ones, such as nanoseconds, where 64 bits hold all of them."""
    rows = np.ascontiguousarray(columns.T)
    numbers = [row.tobytes().decode("utf-8").strip() for row in rows]
    if all(number.lstrip("+-").isdigit() for number in numbers):
        whole = [int(number) for number in numbers]
        if max(map(abs, whole)) < 2**63:
            return np.array(whole, np.int64)
    return np.array([float(number) for number in numbers])
