"""Read the values of metrics in the canonical form, many at once, and those of strict feeds."""

import math
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from telemetry.arrays import FloatArray
from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, ProblemCodes, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.model.dead_letters import Reason, RejectionError

CODE_OF_PROBLEM: Final = {problem: code for code, problem in enumerate(PROBLEM_OF_CODE)}
_NUMBERS: Final = NumberSpec()
_BOOLEANS: Final = NumberSpec(booleans=True)
_PLAIN: Final = frozenset({float, int, type(None)})
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


def read_values(values: Sequence[object], spec: NumberSpec) -> tuple[FloatArray, ProblemCodes | None]:
    """Return the numbers of N JSON values, as `read_number` gives them for each.

    Returns:
        (N,) numbers, NaN where there is none, and (N,) positions in `PROBLEM_OF_CODE`; None if all are 0 or missing.
    """
    try:
        numbers = np.array([value if type(value) in _PLAIN else None for value in values], np.float64)
    except OverflowError:  # an integer beyond a double
        return _read_each(values, spec)
    if _PLAIN.issuperset(map(type, values)):
        return numbers, None
    codes: ProblemCodes = np.zeros(len(values), np.int8)
    is_text = np.fromiter((type(value) is str for value in values), np.bool_, len(values))
    texts = pa.array([value for value in values if type(value) is str], pa.string())
    numbers[is_text], codes[is_text] = read_column(texts, spec)
    others = np.flatnonzero([type(value) not in _PLAIN and type(value) is not str for value in values])
    numbers[others], codes[others] = _read_each([values[place] for place in others.tolist()], spec)
    return numbers, codes


def _read_each(values: Sequence[object], spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    found = [read_number(value, spec) for value in values]
    numbers = [math.nan if isinstance(one, NumberProblem) else one for one in found]
    codes = [CODE_OF_PROBLEM[one] if isinstance(one, NumberProblem) else 0 for one in found]
    return np.array(numbers, np.float64), np.array(codes, np.int8)


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
