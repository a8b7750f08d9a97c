"""Read numbers as people and devices write them: with units, thousands separators, decimal commas and missing codes."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from telemetry.feed.formats.number_text import DECIMAL_SIGNS, MISSING_TEXTS, read_text
from telemetry.feed.formats.records import FeedFormatError

_LONGEST: Final = 100  # characters of a number with its unit
_PLAIN: Final = {
    point: re.compile(rf"[-+]?[0-9]++(?:[{point}][0-9]*+)?(?:[eE][-+]?[0-9]++)?") for point in DECIMAL_SIGNS
}
"""Numbers of any length, as a column of numbers may have them."""


class NumberProblem(StrEnum):
    """The reasons for which a value is no number."""

    MISSING = "missing"  # nothing was measured, and the source says so
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True)
class NumberSpec:
    """Says how the numbers of one metric are written, and which are possible.

    Attributes:
        missing: texts that stand for a missing value, besides the usual ones (`MISSING_TEXTS`).
        sentinels: numbers that stand for a missing value, such as -9999; compared before scale and offset.
        booleans: whether true and false, on and off are 1 and 0.
        texts: whether numbers in texts are read; else a text is not a number, unless it is a missing code.
        decimal: the decimal sign of texts, a point or a comma.
        units: units that may follow a number in a text; None for any unit.
        scale: factor.
        offset: what is added after it.
        lowest: smallest value that is possible, after scale and offset.
        highest: largest one.
    """

    missing: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()
    booleans: bool = False
    texts: bool = True
    decimal: str = "."
    units: tuple[str, ...] | None = None
    scale: float = 1.0
    offset: float = 0.0
    lowest: float = -math.inf
    highest: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a decimal sign that is none."""
        if self.decimal not in DECIMAL_SIGNS:
            raise FeedFormatError("decimal", f"{self.decimal!r} is neither a point nor a comma")

    @cached_property
    def missing_texts(self) -> frozenset[str]:
        """Return all texts for a missing value, in lower case."""
        return MISSING_TEXTS | {text.strip().lower() for text in self.missing}


_BOOLEANS: Final = {"true": 1.0, "false": 0.0, "on": 1.0, "off": 0.0}


def read_number(value: object, spec: NumberSpec) -> float | NumberProblem:
    """Return the number that a value of a record stands for, or why it is none."""
    if isinstance(value, bool):
        return _finish(float(value), spec) if spec.booleans else NumberProblem.NOT_A_NUMBER
    if isinstance(value, int | float):
        try:
            return _finish(float(value), spec)
        except OverflowError:
            return NumberProblem.NOT_FINITE
    if value is None:
        return NumberProblem.MISSING
    return _read_text(value, spec) if isinstance(value, str) else NumberProblem.NOT_A_NUMBER


def _read_text(value: str, spec: NumberSpec) -> float | NumberProblem:
    text = value.strip()
    if text.lower() in spec.missing_texts:
        return NumberProblem.MISSING
    if not spec.texts:
        return NumberProblem.NOT_A_NUMBER
    if len(text) > _LONGEST:
        plain = _PLAIN[spec.decimal].fullmatch(text)
        return NumberProblem.NOT_A_NUMBER if plain is None else _finish(float(text.replace(",", ".")), spec)
    if spec.booleans and text.lower() in _BOOLEANS:
        return _finish(_BOOLEANS[text.lower()], spec)
    number = read_text(text, spec.decimal, spec.units)
    return NumberProblem.NOT_A_NUMBER if number is None else _finish(number, spec)


def _finish(number: float, spec: NumberSpec) -> float | NumberProblem:
    """Return a number after scale and offset; NaN is a missing value, infinity is none that can be measured."""
    if math.isnan(number) or number in spec.sentinels:
        return NumberProblem.MISSING
    result = number * spec.scale + spec.offset
    if not math.isfinite(result):
        return NumberProblem.NOT_FINITE
    return result if spec.lowest <= result <= spec.highest else NumberProblem.OUT_OF_RANGE
