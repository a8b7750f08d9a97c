"""Read and write durations such as ``500ms``, ``60s``, ``10m``, ``2h`` and ``1d``."""

import re
from itertools import pairwise
from typing import Final

_UNIT_US = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST_US = 36_500 * _UNIT_US["d"]
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_SPOKEN: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def parse_duration(text: str) -> int:
    """Return the whole microseconds of a duration such as ``500ms``, ``1.5s`` or ``2h``.

    Raises:
        ValueError: if it is not one; its text says how a duration is written, or how long one may be.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a duration, write it like 500ms, 60s, 10m, 2h or 1d")
    microseconds = float(match[1]) * _UNIT_US[match[2]]
    if microseconds > _LONGEST_US:
        raise ValueError("longer than 36500d")
    return round(microseconds)


def format_duration(microseconds: int) -> str:
    """Return a duration in the largest unit that divides it; the inverse of `parse_duration`."""
    if microseconds == 0:
        return "0ms"
    for unit in ("d", "h", "m", "s", "ms"):
        if microseconds % _UNIT_US[unit] == 0:
            return f"{microseconds // _UNIT_US[unit]}{unit}"
    return f"{microseconds / 1_000}ms"


def spoken_duration(microseconds: float) -> str:
    """Return a length of time, rounded, in its two largest units, such as ``2h 5m``."""
    seconds = round(microseconds / 1e6)
    if seconds < 10:
        return f"{microseconds / 1e6:.3g}s"
    for (size, unit), (smaller, name) in pairwise(_SPOKEN):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size}{unit} {rest}{name}" if rest else f"{seconds // size}{unit}"
    return f"{seconds}s"
