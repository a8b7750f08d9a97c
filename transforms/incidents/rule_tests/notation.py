"""Read a series of readings from a compact notation, after that of promtool.

===========  ====================================================================
``20``       one reading
``_``        a missing one
``31x5``     five readings of 31
``_x3``      three missing ones
``29+0.5x4``  four readings, each 0.5 above the one before: 29, 29.5, 30, 30.5
``29-0.5x4``  four readings, each 0.5 below the one before: 29, 28.5, 28, 27.5
===========  ====================================================================

White space separates them. In promtool's notation ``31x5`` is six readings, the first and five repeats; here the number
counts all of them.
"""

import re
from decimal import Decimal
from typing import Final

import numpy as np

from telemetry.arrays import FloatArray

LONGEST: Final = 1_000_000
"""Readings of a series."""
_PART: Final = re.compile(
    r"""
    (?: (?P<missing> _ ) | (?P<value> [+-]? (?: \d+ (?: \.\d* )? | \.\d+ ) (?: [eE][+-]?\d+ )? ) )
    (?: (?P<step> [+-] (?: \d+ (?: \.\d* )? | \.\d+ ) (?: [eE][+-]?\d+ )? ) (?= x ) )?
    (?: x (?P<times> \d{1,9} ) )?
    """,
    re.ASCII | re.VERBOSE,
)


def read_notation(text: str) -> FloatArray:
    """Return the values (N,) of a series; NaN where missing.

    A ramp has the values that one would write: 29+0.1x3 is 29, 29.1 and 29.2.

    Raises:
        ValueError: for the first part that is none, for no part at all, and for more than `LONGEST` readings.
    """
    parts = []
    length = 0
    for word in text.split():
        found = _PART.fullmatch(word)
        times = 1 if found is None or found["times"] is None else int(found["times"])
        if found is None or times < 1 or (found["missing"] and found["step"]):
            raise ValueError(f"{word!r} is no reading, write 20, 20x5, 20+0.5x5, 20-0.5x5, _ or _x5")
        length += times
        if length > LONGEST:
            raise ValueError(f"{word!r} makes it longer than {LONGEST:,} readings")
        parts.append(_values(found, times))
        if np.isinf(parts[-1]).any():
            raise ValueError(f"{word!r} is beyond the largest number")
    if not parts:
        raise ValueError("it has no reading")
    return np.concatenate(parts)


def _values(found: re.Match[str], times: int) -> FloatArray:
    if found["missing"]:
        return np.full(times, np.nan)
    if found["step"] is None:
        return np.full(times, float(found["value"]))
    value, step = Decimal(found["value"]), Decimal(found["step"])
    return np.array([float(value + number * step) for number in range(times)], np.float64)
