"""Convert timestamps of the data, seconds since the epoch or RFC 3339, to whole microseconds UTC and back."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.text.zoned_times import parse_zoned

MICROS: Final = 1_000_000
LATEST_US: Final = 4_102_444_800 * MICROS
"""2100-01-01T00:00:00Z: an event time at or after it comes from a broken clock (or is in milliseconds)."""
CLOCK_AHEAD_US: Final = 365 * 86_400 * MICROS
"""Largest lead of an event time over the publish time; a rebased replay runs ahead."""
EARLIEST_US: Final = 946_684_800 * MICROS
"""2000-01-01T00:00:00Z: an event time before it comes from a clock that was never set (or is no Unix time)."""
_SERIAL_DAYS: Final = range(20_000, 80_000)  # 1954 to 2119
_SERIAL_EPOCH: Final = dt.datetime(1899, 12, 30, tzinfo=dt.UTC)
_UNITS: Final = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """Bounds of event times, microseconds.

    Attributes:
        earliest_us: first event time that is possible, UTC.
        skew_us: how far a reading may be ahead of its publish time before its clock counts as ahead.
    """

    earliest_us: int = 0
    skew_us: int = 60 * MICROS


def seconds_to_us(seconds: float) -> int:
    """Return whole microseconds, rounded half to even like NumPy's `rint` on the same product."""
    return round(seconds * 1e6)


def parse_time(text: str) -> int:
    """Return the microseconds since the epoch of ``1594512094.38``, ``1.59E9`` or a text that `parse_zoned` reads.

    Raises:
        ValueError: if it is none of these, or names no offset from UTC.
    """
    stripped = text.strip()
    try:
        seconds = float(stripped)
    except ValueError:
        return (parse_zoned(stripped) - _EPOCH) // dt.timedelta(microseconds=1)
    if not math.isfinite(seconds * MICROS) or "_" in stripped:
        raise ValueError("not a point in time")
    return seconds_to_us(seconds)


def format_time(microseconds: int) -> str:
    """Return a point in time as RFC 3339 UTC with six decimals."""
    moment = _EPOCH + dt.timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def latest_event_us(publish_us: int | None) -> int:
    """Return the earliest event time, in microseconds, that is too far in the future to be valid.

    It depends on the message's publish time, not on the clock, so that it is the same on every run. Without a publish
    time (files) it is the year 2100.
    """
    return LATEST_US if publish_us is None else min(LATEST_US, publish_us + CLOCK_AHEAD_US)


def explain_time(seconds: float, event_us: int, bounds: ClockBounds) -> str:
    """Return why an event time is impossible, with the likely cause where the number shows one.

    Args:
        seconds: the reading's own ``ts``.
        event_us: the event time, microseconds UTC.
        bounds: of event times.
    """
    early = seconds >= 0 and 0 <= event_us < bounds.earliest_us
    problem = f"before {format_time(bounds.earliest_us)[:19]}Z" if early else "negative or too far in the future"
    if early and int(seconds) in _SERIAL_DAYS:
        day = _SERIAL_EPOCH + dt.timedelta(days=int(seconds))
        return f"ts {seconds} is {problem}; it looks like the date {day:%Y-%m-%d} of a spreadsheet"
    for unit, factor in _UNITS.items():
        if not early and max(bounds.earliest_us, EARLIEST_US) <= seconds / factor * MICROS < LATEST_US:
            return f"ts {seconds} is {problem}; it looks like {unit}"
    return f"ts {seconds} is {problem}"


def latest_event_times_us(publish_us: NDArray[np.int64], published: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return `latest_event_us` of many messages.

    Args:
        publish_us: (N,) publish time of each message, microseconds UTC.
        published: (N,) whether it has one.
    """
    latest = np.minimum(publish_us, LATEST_US - CLOCK_AHEAD_US) + CLOCK_AHEAD_US
    return np.where(published, latest, LATEST_US)
