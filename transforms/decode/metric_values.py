"""Say how the values of metrics in the canonical form are read, check those of strict feeds, and show the others."""

import math
from collections.abc import Collection
from typing import Final, NamedTuple

from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.formats.values import NumberProblem, NumberSpec
from telemetry.model.dead_letters import Reason, RejectionError

_NUMBERS: Final = NumberSpec()
_BOOLEANS: Final = NumberSpec(booleans=True)
_KINDS: Final = {dict: "object", list: "array", str: "string", bool: "boolean", float: "number", type(None): "null"}
_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})
_LONGEST_TEXT: Final = 80  # characters


class UnreadValue(NamedTuple):
    """A value of a row that could not be read.

    Attributes:
        metric: its position in the list of metrics.
        problem: why.
        text: the value, for a person.
    """

    metric: int
    problem: NumberProblem
    text: str


def spec_of(metric: str, booleans: Collection[str] = BOOLEAN_METRICS) -> NumberSpec:
    """Return how the values of a metric are read; true and false, on and off are numbers of some metrics."""
    return _BOOLEANS if metric in booleans else _NUMBERS


def check_value(metric: str, value: object, *, boolean: bool) -> float:
    """Return the number that a JSON value is, NaN for null, where a value of another type costs its row.

    Args:
        metric: its name.
        value: the value.
        boolean: whether true and false are numbers of the metric.

    Raises:
        RejectionError: wrong_type or not_finite, naming the metric.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) and boolean:
        return float(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RejectionError(Reason.NOT_FINITE, f"{metric} is {value}")
        return value
    if isinstance(value, str) and value.strip().lstrip("+-").lower() in _NOT_FINITE:
        raise RejectionError(Reason.NOT_FINITE, f"{metric} is {value.strip()!r}")
    shown = f" {value[:80]!r}" if isinstance(value, str) else ""
    raise RejectionError(Reason.WRONG_TYPE, f"{metric} is a {kind_of(value)}{shown}, expected a number")


def kind_of(value: object) -> str:
    """Return the name that JSON has for the type of a value."""
    return _KINDS[type(value)]


def value_text(value: object) -> str:
    """Return a JSON value that cannot be read for a person, on one line and not long."""
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):  # one that cannot be read is not finite
        return "-inf" if value < 0 else "inf"
    return f"an {kind_of(value)}"


def shorten(text: str) -> str:
    """Return a text for a person: its beginning, without line breaks and what cannot be printed."""
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return shown if shown.isprintable() else ascii(shown)[1:-1]
