"""Compute the worth of an alarm at each row: how early it lies in a window, or how far behind one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.nab.series import LabelledSeries

OUTSIDE: Final = -1
_STEEPNESS: Final = 5.0
_FARTHEST: Final = 3.0
"""Lengths of a window behind it, beyond which an alarm is as bad as one anywhere."""
_PROBATION_SHARE: Final = 0.15
_LONGEST_PROBATION: Final = 750


@dataclass(frozen=True, slots=True)
class RowWorth:
    """Rows of some series, one series after the other.

    Attributes:
        window: (N,) number of the window in which the row lies; `OUTSIDE` for none.
        worth: (N,) of an alarm, before the weights of a profile: to 1 in a window, from -1 outside.
        judged: (N,) whether the row counts; the first rows of a series, its probation, do not.
        windows: how many windows there are, with those in which no row counts.
    """

    window: NDArray[np.int64]
    worth: NDArray[np.float64]
    judged: NDArray[np.bool_]
    windows: int


def probation(rows: int) -> int:
    """Return how many first rows of a series are not judged."""
    return min(int(_PROBATION_SHARE * rows), _LONGEST_PROBATION)


def row_worth(corpus: Sequence[LabelledSeries]) -> RowWorth:
    """Return the worth of all rows of some series."""
    window, worth, judged = [], [], []
    windows = 0
    for series in corpus:
        numbers, values = _positions(series)
        window.append(np.where(numbers == OUTSIDE, OUTSIDE, numbers + windows))
        worth.append(values)
        judged.append(np.arange(len(series)) >= probation(len(series)))
        windows += len(series.windows)
    if not window:
        return RowWorth(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_), 0)
    return RowWorth(np.concatenate(window), np.concatenate(worth), np.concatenate(judged), windows)


def _positions(series: LabelledSeries) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    numbers, worth = np.full(len(series), OUTSIDE, np.int64), np.full(len(series), -1.0)
    ends = [first for first, _ in series.windows[1:]] + [len(series)]
    for number, ((first, last), end) in enumerate(zip(series.windows, ends, strict=False)):
        inside, behind = np.arange(first, last + 1), np.arange(last + 1, end)
        numbers[inside] = number
        worth[inside] = _sigmoid(-(last - inside + 1) / (last - first + 1)) / _sigmoid(np.float64(-1.0))
        if last > first:  # a window of one row has no length that could be a unit
            distance = (behind - last) / (last - first)
            worth[behind] = np.where(distance > _FARTHEST, -1.0, _sigmoid(np.minimum(distance, _FARTHEST)))
    return numbers, worth


def _sigmoid(position: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Return 1 far before the end of a window, 0 at its end, -1 far behind it."""
    return np.asarray(2.0 / (1.0 + np.exp(_STEEPNESS * position)) - 1.0)
