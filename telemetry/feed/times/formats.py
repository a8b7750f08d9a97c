"""Turn patterns of `datetime.strptime` into patterns of texts."""

import re
from typing import Final

from telemetry.feed.times.patterns import HALF, MONTH, OFFSET, SPACE, WEEKDAY, ZONE, compiled

_DIRECTIVES: Final = {
    "Y": r"(?P<y>\d{4})",
    "y": r"(?P<yy>\d\d)",
    "m": r"(?P<m>\d\d?)",
    "b": MONTH,
    "B": MONTH,
    "h": MONTH,
    "d": r"(?P<d>\d\d?)",
    "e": r"(?P<d>\d\d?)",
    "j": r"(?P<j>\d{1,3})",
    "H": r"(?P<H>\d\d?)",
    "I": r"(?P<H>\d\d?)",
    "M": r"(?P<M>\d\d?)",
    "S": r"(?P<S>\d\d?)",
    "f": r"(?P<f>\d+)",
    "p": HALF,
    "z": rf"(?:(?P<z>z|utc|gmt|ut)|{OFFSET})",
    "Z": ZONE,
    "a": WEEKDAY,
    "A": WEEKDAY,
    "%": "%",
}
_SHORT: Final = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y"}
_PIECE: Final = re.compile(r"%(.?)|(\s+)|([^%\s]+)", re.DOTALL)


def format_pattern(pattern: str) -> re.Pattern[bytes]:
    """Return the pattern of the texts that a `strptime` pattern describes, with the groups of `patterns`.

    Raises:
        ValueError: if it has an unknown or repeated directive, or does not say the day.
    """
    wanted = re.sub("%([FTRD])", lambda found: _SHORT[found[1]], pattern)
    pieces = [_form(pattern, *found.groups()) for found in _PIECE.finditer(wanted)]
    try:
        built = compiled("".join(pieces))
    except re.error as error:
        raise ValueError(f"{pattern!r} says one part of a time twice") from error
    groups = set(built.groupindex)
    if not (groups & {"y", "yy"} and ("j" in groups or ("d" in groups and groups & {"m", "mon"}))):
        raise ValueError(f"{pattern!r} names no day: it needs %Y or %y, %m or %b, and %d, or %Y and %j")
    return built


def _form(pattern: str, directive: str | None, space: str | None, literal: str | None) -> str:
    if space:
        return f"{SPACE}+"
    if literal:
        return re.escape(literal.encode()).decode("latin-1")
    if directive not in _DIRECTIVES:
        raise ValueError(f"{pattern!r} has the unknown directive %{directive}")
    return _DIRECTIVES[directive]
