"""Values of flags as people write them; a mistake names the flag, the value and what is wrong with it."""

import math

from transforms.clock import LATEST_US, parse_time
from transforms.durations import parse_duration
from transforms.errors import ConfigError


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
