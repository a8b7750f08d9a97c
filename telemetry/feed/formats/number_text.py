"""Read the number in a text that may have a unit, thousands separators and a decimal comma."""

import math
import re
from collections.abc import Collection
from typing import Final

MISSING_TEXTS: Final = frozenset(
    ("", "na", "n/a", "n.a.", "nan", "null", "(null)", "<null>", "\\n", "nil", "none", "-", "--", "---", "----")
).union(
    ("unavailable", "not available", "unknown", "undefined", "missing", "no data", "nodata"),
    ("#n/a", "#null!", "#value!", "#div/0!", "#ref!", "#num!", "#name?"),  # of spreadsheets
)
"""Texts for a missing value, in lower case."""
DECIMAL_SIGNS: Final = (".", ",")
_INFINITE: Final = re.compile(r"[-+−]?inf(?:inity)?", re.IGNORECASE)
_SPACES: Final = " \u00a0\u2007\u2009\u202f"  # plain, no-break, figure, thin and narrow
_NUMBER: Final = (
    r"(?P<sign>[-+−]?)"
    r"(?:(?P<whole>[1-9][0-9]{{0,2}}(?P<by>[{separator}{spaces}'’])[0-9]{{3}}(?:(?P=by)[0-9]{{3}})*+(?![0-9])|[0-9]++)?"
    r"(?:{point}(?P<part>[0-9]*+))?)(?P<power>[eE][-+−]?[0-9]++)?"
)
_LETTER: Final = r"(?:[kcdmµμ]?m|ft|in|s|h)\^?[-−]?[1-4](?![0-9])|[²³⁻¹]|[^\W\d_]|[°%‰$€£Ω′″]"
_UNIT: Final = rf"\s*(?P<unit>(?![eE]?\Z)(?:{_LETTER})(?:{_LETTER}|[/·*.^]){{0,19}}(?: [^\W\d_]{{1,2}})?)?"
_TEXT: Final = {
    point: re.compile(
        _NUMBER.format(separator="," if point == "." else r"\.", spaces=_SPACES, point=re.escape(point)) + _UNIT
    )
    for point in DECIMAL_SIGNS
}
_DIGITS: Final = re.compile(r"[0-9]+")


def read_text(text: str, decimal: str, units: Collection[str] | None) -> float | None:
    """Return the number in a text without blanks around it; None if it holds none, or more than a number.

    A thousands separator is a comma (a point, if the decimal sign is a comma), an apostrophe or a space; all groups
    behind it have three digits, so that ``21,5`` is not 215. Infinity, of either sign, is infinite.

    Args:
        text: such as ``1,013.2``, ``-4 °C`` or ``1e3``; a hexadecimal number is none.
        decimal: one of `DECIMAL_SIGNS`.
        units: those that may follow; None for any. A unit has letters or signs, and no digits but an exponent.
    """
    if _INFINITE.fullmatch(text):
        return math.inf
    found = _TEXT[decimal].fullmatch(text)
    if found is None:
        return None
    whole, part, unit = found["whole"] or "", found["part"] or "", found["unit"]
    if not whole and not part:
        return None
    hexadecimal = whole == "0" and unit is not None and unit[0] in "xX"
    if hexadecimal or (unit is not None and units is not None and unit not in units):
        return None
    sign = "-" if found["sign"] in ("-", "−") else ""
    power = (found["power"] or "").replace("−", "-")
    return float(f"{sign}{''.join(_DIGITS.findall(whole)) or '0'}.{part or '0'}{power}")
