"""Read columns of texts as numbers, many at a time; the result is that of `read_number` for each."""

from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from telemetry.arrays import FloatArray
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number

PROBLEM_OF_CODE: Final = (None, *NumberProblem)
"""Meaning of the codes of a column."""
ProblemCodes: TypeAlias = NDArray[np.int8]
CODE_OF_PROBLEM: Final = {problem: code for code, problem in enumerate(PROBLEM_OF_CODE)}
_PLAIN: Final = {
    ".": r"^[-+]?[0-9]{1,20}(?:\.[0-9]{1,20})?$",
    ",": r"^[-+]?[0-9]{1,20}(?:,[0-9]{1,20})?$",
}


def read_column(texts: pa.Array, spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return the numbers of a column and why the others are none.

    Args:
        texts: (N,) texts; null is a missing value.
        spec: what is read as a number.

    Returns:
        (N,) numbers, NaN where there is none, and (N,) positions in `PROBLEM_OF_CODE`, 0 where there is a number.
    """
    count = len(texts)
    numbers = np.full(count, np.nan)
    codes: ProblemCodes = np.zeros(count, dtype=np.int8)
    plain = np.zeros(count, dtype=np.bool_)
    if spec.texts and not any(text[:1] in "+-0123456789" for text in spec.missing if text):
        matched = pc.fill_null(pc.match_substring_regex(texts, _PLAIN[spec.decimal]), False)
        plain = matched.to_numpy(zero_copy_only=False)
        numbers[plain], codes[plain] = _read_plain(texts.filter(matched), spec)
    rest = np.flatnonzero(~plain)
    if len(rest):
        numbers[rest], codes[rest] = _read_each(texts.take(pa.array(rest)), spec)
    return numbers, codes


def _read_plain(texts: pa.Array, spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return numbers of texts that hold digits and at most a sign and a decimal sign."""
    texts = pc.utf8_ltrim(texts, "+")
    if spec.decimal == ",":
        texts = pc.replace_substring(texts, ",", ".")
    return finish_numbers(texts.cast(pa.float64()).to_numpy(zero_copy_only=False), spec)


def finish_numbers(raw: FloatArray, spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return numbers after scale and offset, and the problems that they have, as `read_column` does.

    Args:
        raw: (N,) numbers as they were written; NaN is a missing value.
        spec: what is read as a number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        result = raw * spec.scale + spec.offset
    codes: ProblemCodes = np.zeros(len(raw), dtype=np.int8)
    if spec.lowest > -np.inf or spec.highest < np.inf:
        codes[~((spec.lowest <= result) & (result <= spec.highest))] = CODE_OF_PROBLEM[NumberProblem.OUT_OF_RANGE]
    finite = np.isfinite(result)
    if not finite.all():
        codes[~finite] = CODE_OF_PROBLEM[NumberProblem.NOT_FINITE]
        codes[np.isnan(raw)] = CODE_OF_PROBLEM[NumberProblem.MISSING]
    if spec.sentinels:
        codes[np.isin(raw, spec.sentinels)] = CODE_OF_PROBLEM[NumberProblem.MISSING]
    if codes.any():
        result[codes != 0] = np.nan
    return result, codes


def _read_each(texts: pa.Array, spec: NumberSpec) -> tuple[FloatArray, ProblemCodes]:
    """Return numbers of any texts; equal texts are read once."""
    encoded = texts.dictionary_encode()
    found = [read_number(text, spec) for text in encoded.dictionary.to_pylist()]
    found.append(NumberProblem.MISSING)  # of null, which has no index
    numbers = np.array([np.nan if isinstance(one, NumberProblem) else one for one in found])
    codes = np.array([CODE_OF_PROBLEM[one] if isinstance(one, NumberProblem) else 0 for one in found], dtype=np.int8)
    index = pc.fill_null(encoded.indices, len(found) - 1).to_numpy(zero_copy_only=False)
    return numbers[index], codes[index]
