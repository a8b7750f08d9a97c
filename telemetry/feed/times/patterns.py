"""Recognise the common ways to write a time, as patterns that look at no digit's value.

Two texts that differ only in their digits are therefore read alike, which lets `layouts` read whole arrays by the
match of one. The groups: ``y`` year, ``yy`` year of two digits, ``m`` month, ``mon`` its name, ``d`` day, ``a`` and
``b`` day and month in an unknown order, ``j`` day of the year, ``H`` ``M`` ``S`` clock, ``f`` fraction, ``p`` half of
the day, ``z`` UTC, ``sign`` ``oh`` ``om`` ``os`` offset.
"""

import re
from typing import Final

SPACE: Final = r"(?:[ \t]|\xc2\xa0|\xe2\x80\xaf)"  # browsers write a narrow space before AM and PM
MONTH: Final = (
    r"(?P<mon>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WEEKDAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
HALF: Final = r"(?P<p>[ap])\.?m\.?"
OFFSET: Final = r"(?P<sign>[+-])(?P<oh>\d\d?)(?::?(?P<om>\d\d)(?::?(?P<os>\d\d))?)?"
ZONE: Final = r"(?P<z>z|utc|gmt|ut)"

_SOME = f"{SPACE}+"
_ANY = f"{SPACE}*"
_NOTE = r"\([^)]*\)|\[[^\]]*\]"  # (Central European Time), [Europe/Berlin]: says again what the offset says
_SUFFIX = rf"(?:{_ANY}(?=[zug+-]){ZONE}?(?:{OFFSET})?(?:{_ANY}(?:{_NOTE}))?)?"
_SECONDS = r"(?P<S>\d\d)(?:[.,:](?P<f>\d+))?"
_CLOCK = rf"(?P<H>\d\d?)(?P<c>[:.])(?P<M>\d\d)(?:(?P=c){_SECONDS})?(?:{_ANY}{HALF})?"
_BETWEEN = rf"(?:t|,?{_SOME}(?:-{_SOME}|at{_SOME})?|[:_,])"
_THEN = rf"(?:{_BETWEEN}{_CLOCK}{_SUFFIX})?"
_YEAR = r"(?:(?P<y>\d{4})|(?P<yy>\d\d))"
_DAY_OF_WEEK = rf"(?:{WEEKDAY}[.,]?{_SOME})?"
_DAY = r"(?P<d>\d\d?)(?:st|nd|rd|th)?"
_YEAR_FIRST = r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)"
_YEAR_LAST = rf"(?P<a>\d\d?)(?P<s>[-/.])(?P<b>\d\d?)(?P=s){_YEAR}"
_SHORT_CLOCK = rf"(?P<H>\d\d)(?::?(?P<M>\d\d)(?::?{_SECONDS})?)?"
_FORMS = (
    rf"{_DAY_OF_WEEK}{_YEAR_FIRST}{_THEN}",
    rf"{_YEAR_FIRST}(?:t|{_SOME}){_SHORT_CLOCK}{_SUFFIX}",
    rf"{_DAY_OF_WEEK}{_YEAR_LAST}{_THEN}",
    rf"(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?:t|_|{_SOME})?{_SHORT_CLOCK}{_SUFFIX}",
    rf"{_DAY_OF_WEEK}{_DAY}(?P<s>[-/.]|,?{_SOME}){MONTH}(?:(?P=s)|[.,]?{_SOME}){_YEAR}{_THEN}",
    rf"{_DAY_OF_WEEK}{MONTH}\.?(?:{_SOME}|-){_DAY}(?:,?{_SOME}|-|,){_YEAR}{_THEN}",
    rf"{_DAY_OF_WEEK}{MONTH}{_SOME}{_DAY}{_SOME}{_CLOCK}{_SUFFIX}{_SOME}(?P<y>\d{{4}})",
    rf"(?P<y>\d{{4}})(?P<s>[-/. ]){MONTH}(?P=s){_DAY}{_THEN}",
    rf"{_CLOCK},?{_SOME}{_YEAR_LAST}",
    rf"{_CLOCK},?{_SOME}{_YEAR_FIRST}",
)


def compiled(form: str) -> re.Pattern[bytes]:
    """Return the pattern of a whole text, UTF-8 bytes with spaces around it, from its form in Latin-1."""
    return re.compile(f"{_ANY}{form}{_ANY}".encode("latin-1"), re.IGNORECASE | re.DOTALL)


RECOGNISED: Final = tuple(compiled(form) for form in _FORMS)
NUMBER: Final = compiled(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?")
NOTHING: Final = compiled(r"(?:nan|nat|n/?a|null|none|nil|-+|unavailable|unknown|)")
