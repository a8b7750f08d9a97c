"""Values of flags as people write them; a mistake names the flag, the value and what is wrong with it."""

import math
import re

from telemetry.errors import ConfigError
from telemetry.text.durations import parse_duration
from telemetry.text.timestamps import LATEST_US, parse_time

_PUBSUB_NAME = r"projects/[^/\s]+/{kind}/[A-Za-z][A-Za-z0-9._~%+-]{{2,254}}"


def check_pubsub_name(flag: str, kind: str, text: str) -> None:
    """Check the full name of a topic or subscription; `kind` is ``topics`` or ``subscriptions``.

    Raises:
        ConfigError: if it is none.
    """
    if re.fullmatch(_PUBSUB_NAME.format(kind=kind), text) is None:
        name = "NAME of 3 to 255 letters, digits or -._~%+, first a letter"
        raise ConfigError(flag, text, f"must read projects/PROJECT/{kind}/NAME, {name}")


def read_whole(flag: str, text: str, most: int, least: int = 1) -> int:
    """Return a whole number between two bounds.

    Raises:
        ConfigError: if it is none.
    """
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ConfigError(flag, text, f"must be a number from {least} to {most}")
    return int(text)


def read_positive(flag: str, text: str, otherwise: str = "") -> float:
    """Return a finite number above 0.

    Args:
        flag: the flag.
        text: its value.
        otherwise: what else it could have been, for the message.

    Raises:
        ConfigError: if it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ConfigError(flag, text, "must be a number above 0" + (f" or {otherwise}" if otherwise else ""))
    return number


def read_duration(flag: str, text: str, least_us: int = 0) -> int:
    """Return the microseconds of a duration; `least_us` is 0 or a whole number of milliseconds.

    Raises:
        ConfigError: if it is none, or too short.
    """
    try:
        microseconds = parse_duration(text)
    except ValueError as error:
        raise ConfigError(flag, text, str(error)) from error
    if microseconds < least_us:
        raise ConfigError(flag, text, f"must be at least {least_us // 1_000}ms")
    return microseconds


def read_moment(flag: str, text: str) -> int:
    """Return the microseconds since the epoch, UTC, of a point in time between 1970 and 2100.

    Raises:
        ConfigError: if it is none.
    """
    try:
        moment = parse_time(text)
    except (ValueError, OverflowError) as error:
        raise ConfigError(flag, text, f"not a time, write seconds since the epoch or RFC 3339 ({error})") from error
    if not 0 <= moment <= LATEST_US:
        raise ConfigError(flag, text, "not between 1970 and 2100")
    return moment


def read_span(start: str, end: str) -> tuple[int | None, int | None]:
    """Return the microseconds of --start and --end; None where the flag is empty.

    Raises:
        ConfigError: if one is no point in time, or they hold nothing between them.
    """
    start_us = read_moment("--start", start) if start else None
    end_us = read_moment("--end", end) if end else None
    if start_us is not None and end_us is not None and start_us >= end_us:
        raise ConfigError("--start", start, f"is not before --end {end}")
    return start_us, end_us
