"""Compute the scores of NAB's windowed Gaussian detector, whose published results prove the scorer.

The score of a value is one minus the tail probability of a normal distribution with the mean and the standard deviation
of a window of earlier values. The window grows with each value to `WINDOW` values, then moves on by `STEP` at a time.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 6_400
STEP: Final = 100
_LEAST_DEVIATION: Final = 1e-6
"""Standard deviation of a window of equal values."""
_DIGITS: Final = 12
"""Digits with which NAB stored the scores that it judged: one that differs from 1 by less than 5e-13 is 1."""


def windowed_gaussian(values: NDArray[np.float64], window: int = WINDOW, step: int = STEP) -> NDArray[np.float64]:
    """Return the score of each value, 0 to 1; that of the first value is 0."""
    mean, deviation = np.zeros(len(values)), np.zeros(len(values))
    mean[1:window], deviation[1:window] = _of_all_before(values[:window])
    for start in range(0, len(values) - window, step):
        held, rows = values[start : start + window], slice(start + window, start + window + step)
        mean[rows], deviation[rows] = held.mean(), held.std()
    deviation[deviation == 0] = _LEAST_DEVIATION
    distance = np.abs(values - mean) / (deviation * math.sqrt(2))
    scores = np.array([float(f"{1 - 0.5 * math.erfc(one):.{_DIGITS}g}") for one in distance.tolist()])
    scores[:1] = 0
    return scores


def _of_all_before(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of all values before each one but the first."""
    if len(values) < 2:
        return np.zeros(0), np.zeros(0)
    beyond = values[:-1] - values[0]  # exactly 0 while all are equal
    counts = np.arange(1, len(values))
    mean = np.cumsum(beyond) / counts
    variance = np.cumsum(beyond * beyond) / counts - mean * mean
    return values[0] + mean, np.sqrt(np.maximum(variance, 0))
