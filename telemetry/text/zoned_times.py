"""Read times that name their offset from UTC, in the forms that programs write besides RFC 3339."""

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Final

_ZONE: Final = r"(?P<zone>Z|(?:UTC|GMT)?[+-]\d\d:?\d\d|(?:UTC|GMT)?[+-]\d\d|UTC|GMT)"
_CLOCK: Final = r"(?P<clock>\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
_DATE: Final = re.compile(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d\d)\2(?P<day>\d\d)[T ]{_CLOCK}\s*{_ZONE}", re.ASCII)
_SPOKEN: Final = re.compile(
    rf"(?:[A-Z][a-z]{{2}},? )?(?P<month>[A-Z][a-z]{{2}}) (?P<day>\d\d?),? (?P<year>\d{{4}}) {_CLOCK}\s*{_ZONE}"
    r"(?: \([^()]*\))?",
    re.ASCII,
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_zoned(text: str) -> dt.datetime:
    """Return a moment with its offset, as ISO 8601, JavaScript, e-mail and loggers write it.

    ``2020-07-12T00:01:34.385Z``, ``2020-07-12 00:01:34 +0000``, ``2020/07/12 00:01:34 UTC``, ``Sun Jul 12 2020 02:01:34
    GMT+0200 (CEST)``, ``Sun, 12 Jul 2020 00:01:34 +0000``. Digits after the microseconds are left out.

    Raises:
        ValueError: if it is none of these, or names no offset.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        moment = _parse_other(text, error)
    if moment.tzinfo is None:
        raise ValueError("the time names no offset from UTC")
    return moment


def _parse_other(text: str, error: ValueError) -> dt.datetime:
    found = _DATE.fullmatch(text) or _SPOKEN.fullmatch(text)
    if found is not None:
        month = found["month"]
        number = month if month.isdecimal() else f"{_MONTHS.index(month) + 1:02}" if month in _MONTHS else "00"
        clock, zone = found["clock"].replace(",", "."), found["zone"].removeprefix("UTC").removeprefix("GMT")
        return dt.datetime.fromisoformat(f"{found['year']}-{number}-{int(found['day']):02}T{clock}{zone or 'Z'}")
    if "," not in text[:5]:  # the name of a day begins a date of e-mail; the rest of its grammar is too generous
        raise error
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise error from None
