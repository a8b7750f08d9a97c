"""Read lists of values of records as numbers, many at a time; the result is that of `read_number` for each."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry.arrays import FloatArray
from telemetry.feed.formats.value_columns import CODE_OF_PROBLEM, ProblemCodes, finish_numbers, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number

_PLAIN: Final = frozenset({float, int, type(None)})


def read_values(values: Sequence[object], spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return the numbers of N values of any type.

    Returns:
        (N,) numbers, NaN where there is none, and (N,) positions in `PROBLEM_OF_CODE`, 0 where there is a number.
    """
    try:
        raw = np.array([value if type(value) in _PLAIN else None for value in values], np.float64)
        texts = pa.array([value for value in values if type(value) is str], pa.string())
    except (OverflowError, UnicodeEncodeError):  # an integer beyond a double, half of a surrogate pair
        return _read_each(values, spec)
    numbers, codes = finish_numbers(raw, spec)
    if _PLAIN.issuperset(map(type, values)):
        return numbers, codes
    if len(texts):
        is_text = np.fromiter((type(value) is str for value in values), np.bool_, len(values))
        numbers[is_text], codes[is_text] = read_column(texts, spec)
    others = np.flatnonzero([type(value) not in _PLAIN and type(value) is not str for value in values])
    numbers[others], codes[others] = _read_each([values[place] for place in others.tolist()], spec)
    return numbers, codes


def _read_each(values: Sequence[object], spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    found = [read_number(value, spec) for value in values]
    numbers = [np.nan if isinstance(one, NumberProblem) else one for one in found]
    codes = [CODE_OF_PROBLEM[one] if isinstance(one, NumberProblem) else 0 for one in found]
    return np.array(numbers, np.float64), np.array(codes, np.int8)
