"""Tell whether the canonical form reads times: it knows seconds since 1970, and texts of RFC 3339 and their like."""

from collections.abc import Sequence
from typing import Any, Final

from telemetry.feed.times.problems import FINE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import EARLIEST_US, LATEST_US, parse_time

_UNITS: Final = ("ms", "us", "ns")
_ANY: Final = "s"


def unit_to_say(values: Sequence[Any]) -> str:
    """Return the unit that a feed must say so that times called ``ts`` are read; "" if the canonical form reads them.

    A feed that says a unit is none of the canonical form, so that all forms of texts are read by it.
    """
    texts = [str(value) for value in values if value is not None and str(value).strip()]
    if 2 * sum(map(_is_canonical, texts)) >= len(texts):
        return ""
    for unit in _UNITS:
        found = TimeReader(TimeSpec(unit=unit)).read_texts(texts).problem == FINE
        numbers = [text.strip().lstrip("-+").replace(".", "", 1).isdigit() for text in texts]
        if all(numbers) and 2 * int(found.sum()) >= len(texts):
            return unit
    return _ANY


def _is_canonical(text: str) -> bool:
    try:
        return EARLIEST_US <= parse_time(text) < LATEST_US
    except (ValueError, OverflowError):
        return False
