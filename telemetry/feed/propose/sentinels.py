"""Find numbers that stand for a missing value: known codes, far from all other values."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from telemetry.feed.propose.columns import SampleColumn

_NEGATIVE: Final = re.compile(
    r"-(?:9+9(?:\.9+)?|9\.9{2,}|200|127|2000|6999|7999|8888|7777|32768|2147483648|273\.15|273)"
)
_POSITIVE: Final = re.compile(
    r"9{3,}(?:\.9+)?|6999|7999|32767|65535|2147483647|4294967295|8{4,}|7{4,}|9\.9+[eE]\+?\d+|9{2}9\.0"
)
_TEXT_CODE: Final = re.compile(r"[^\d,;]{1,16}")
_MOST_TEXTS: Final = 10
_HUGE: Final = 1e30


def find_sentinels(columns: Sequence[SampleColumn]) -> dict[str, tuple[float, ...]]:
    """Return the codes of a missing value by the name of the column; columns without one are not in it.

    A code is an extreme value that is written as such codes are, such as -200 or -9999, and farther from all other
    values of its column than these are from each other.
    """
    found = {column.name: tuple(code for code in _extremes(column) if _is_far(column, code)) for column in columns}
    return {name: codes for name, codes in found.items() if codes}


def find_texts(columns: Sequence[SampleColumn]) -> tuple[str, ...]:
    """Return texts such as ``?`` or ``missing`` that stand in place of numbers again and again."""
    counts: Counter[str] = Counter()
    for column in columns:
        if not column.is_boolean and len(column.finite) < len(column.present):
            numbers = zip(column.texts, column.numbers, strict=True)
            counts.update(text for text, number in numbers if text is not None and math.isnan(number))
    return tuple(text for text, count in counts.items() if count >= 2 and _TEXT_CODE.fullmatch(text))[:_MOST_TEXTS]


def common_sentinels(found: dict[str, tuple[float, ...]], columns: int) -> tuple[float, ...]:
    """Return the codes that at least half of some columns share, and at least two."""
    counts = Counter(code for codes in found.values() for code in codes)
    return tuple(code for code, count in counts.items() if count >= 2 and 2 * count >= columns)


def written(number: float) -> str:
    """Return a number as people write it: -200 and not -200.0."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _extremes(column: SampleColumn) -> list[float]:
    """Return the smallest and the largest number, if they are written as a code; a second one may lie within."""
    numbers = sorted(set(column.finite))
    candidates = [*numbers[:2], *numbers[-2:]] if len(numbers) > 2 else numbers
    return [number for number in dict.fromkeys(candidates) if _is_code(number)]


def _is_code(number: float) -> bool:
    text = written(number)
    return bool((_NEGATIVE if number < 0 else _POSITIVE).fullmatch(text)) or abs(number) >= _HUGE


def _is_far(column: SampleColumn, code: float) -> bool:
    rest = [number for number in column.finite if not _is_code(number)]
    if len(rest) < 2:
        return False
    low, high = min(rest), max(rest)
    return min(abs(code - low), abs(code - high)) > max(high - low, 0.1 * abs(high), 0.1 * abs(low), 1.0)
