"""Read and show times of a test: offsets from its start, or points in time."""

import datetime as dt
from typing import Final

from telemetry.rules.fields import Fields, shown
from telemetry.text.durations import format_duration, parse_duration
from telemetry.text.timestamps import LATEST_US, format_time, parse_time

_EXPECTED: Final = "an offset such as 90s, or a time such as 2020-01-01T00:01:30Z"


def read_start(fields: Fields, name: str) -> int:
    """Return a point in time, microseconds UTC: RFC 3339, or seconds since the epoch.

    Raises:
        RuleError: if it is none, or not between 1970 and 2100.
    """
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    time_us = _point(value)
    if time_us is None:
        expected = "RFC 3339 such as 2020-01-01T00:00:00Z, or seconds since the epoch"
        fields.refuse(f"{fields.label(name)} must be {expected}, not {_shown(value)}", name)
    return _possible(fields, name, time_us)


def read_moment(fields: Fields, name: str, start_us: int) -> tuple[int, bool]:
    """Return a time, microseconds UTC, and whether it is written as a time rather than an offset.

    Raises:
        RuleError: if it is neither, or not between 1970 and 2100.
    """
    value = fields.get(name)
    if isinstance(value, str):
        try:
            return _possible(fields, name, start_us + parse_duration(value)), False
        except ValueError:
            pass
    time_us = None if isinstance(value, str) and not value[:4].isdigit() else _point(value, numbers=False)
    if time_us is None:
        fields.refuse(f"{fields.label(name)} must be {_EXPECTED}, not {_shown(value)}", name)
    return _possible(fields, name, time_us), True


def show_moment(time_us: int, start_us: int, dated: bool) -> str:
    """Return a time as it is read: an offset from the start, or a time if `dated`."""
    if dated or time_us < start_us:
        text = format_time(time_us)
        return text.replace(".000000Z", "Z")
    seconds, rest_us = divmod(time_us - start_us, 1_000_000)
    if rest_us:
        return f"{seconds}.{rest_us:06d}".rstrip("0") + "s"
    return format_duration(time_us - start_us) if seconds else "0s"


def _point(value: object, *, numbers: bool = True) -> int | None:
    """Return a point in time, as YAML or text has it; None if it is none."""
    if isinstance(value, dt.datetime):
        value = value.isoformat()
    if not isinstance(value, str) or not (numbers or "T" in value):
        return None
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        return None


def _possible(fields: Fields, name: str, time_us: int) -> int:
    if not 0 <= time_us < LATEST_US:
        fields.refuse(f"{fields.label(name)} {_shown(fields.get(name))} is not between 1970 and 2100", name)
    return time_us


def _shown(value: object) -> str:
    return str(value) if isinstance(value, dt.date) else shown(value)
