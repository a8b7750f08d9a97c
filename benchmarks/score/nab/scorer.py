"""Score alarms, and find the best threshold of a detector's scores over all series."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.nab.profiles import CostProfile
from benchmarks.score.nab.row_worth import OUTSIDE, RowWorth


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """Counts that no profile weighs.

    Attributes:
        windows: how many there are.
        hit: windows with an alarm.
        false_alarms: rows with an alarm outside of all windows.
    """

    windows: int
    hit: int
    false_alarms: int


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """A threshold, and the total of the alarms at the rows whose score reaches it.

    Attributes:
        threshold: infinite if no alarm is better than any.
        total: not normalised.
    """

    threshold: float
    total: float


def count_alarms(rows: RowWorth, alarms: NDArray[np.bool_]) -> AlarmCounts:
    """Return how many windows were hit, and how many alarms were false; alarms in the probation count for nothing."""
    window = rows.window[alarms & rows.judged]
    inside = window[window != OUTSIDE]
    return AlarmCounts(rows.windows, len(np.unique(inside)), len(window) - len(inside))


def total_of_alarms(rows: RowWorth, alarms: NDArray[np.bool_], profile: CostProfile) -> float:
    """Return the total of a profile: the best alarm of each window, all alarms outside, and the missed windows."""
    told = alarms & rows.judged
    window, worth = rows.window[told], rows.worth[told]
    best = np.full(rows.windows, -math.inf)
    inside = window != OUTSIDE
    np.maximum.at(best, window[inside], worth[inside])
    of_windows = np.where(np.isinf(best), -profile.miss, profile.hit * best)
    return float(of_windows.sum() + profile.false_alarm * worth[~inside].sum())


def best_threshold(rows: RowWorth, scores: NDArray[np.float64], profile: CostProfile) -> BestThreshold:
    """Return the threshold with the greatest total, the highest one of several.

    Args:
        rows: of all series.
        scores: (N,) of a detector; an alarm is a score that is at least the threshold.
        profile: the costs.
    """
    window, worth, judged = rows.window[rows.judged], rows.worth[rows.judged], scores[rows.judged]
    order = np.argsort(-judged, kind="stable")
    window, worth, judged = window[order], worth[order], judged[order]
    gains = np.where(window == OUTSIDE, profile.false_alarm * worth, 0.0)
    by_window = np.argsort(window, kind="stable")  # within a window the highest score is first
    limits = np.searchsorted(window[by_window], np.arange(rows.windows + 1))
    for start, stop in pairwise(limits.tolist()):
        inside = by_window[start:stop]
        reached = profile.hit * np.maximum.accumulate(worth[inside])
        gains[inside] = np.diff(reached, prepend=-profile.miss)
    last_of_ties = np.flatnonzero(np.diff(judged, append=-math.inf))
    thresholds = np.concatenate([[math.inf], judged[last_of_ties]])
    none = profile.total_of_none(rows.windows)
    totals = np.concatenate([[none], none + np.cumsum(gains)[last_of_ties]])
    best = int(np.argmax(totals))
    return BestThreshold(float(thresholds[best]), float(totals[best]))
