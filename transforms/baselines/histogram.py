"""Count the values of many series in bins over the range of each, in few bytes a bin.

A bin that is full stays so: these histograms tell rare values from others, not how frequent the others are. When
a range grows, what a bin holds moves to the bin of its centre.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, FloatArray, IntArray
from transforms.series.track import RowArray, starts_of

Counts = NDArray[Any]
_PER_WORD: Final = 8


def bin_of(values: FloatArray, low: FloatArray, width: FloatArray, bins: int) -> IntArray:
    """Return the bin of each value, all (R,) and within the range; 0 where the range is one value."""
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.where(width > 0, (values - low) / width, 0.0)
    return np.clip(place, 0, bins - 1).astype(np.int64)


def widen(
    counts: Counts, series: RowArray, old: tuple[FloatArray, FloatArray], new: tuple[FloatArray, FloatArray]
) -> None:
    """Move the counts of some series (K,) from a range to a wider one, in place.

    Args:
        counts: (S, B) of all series.
        series: which ones.
        old: low ends and widths of a bin (K,) so far.
        new: the same afterwards.
    """
    bins, most = counts.shape[1], np.iinfo(counts.dtype).max
    mine = counts[series].ravel()
    held = np.flatnonzero(mine != 0)  # of truth values they are found several times faster
    rows = held // bins
    centres = old[0][rows] + (held - rows * bins + 0.5) * old[1][rows]
    target = rows * bins + bin_of(centres, new[0][rows], new[1][rows], bins)
    starts = starts_of(target)  # centres ascend, and so do the bins that they move to
    total = np.add.reduceat(mine[held].astype(np.int64), starts)
    mine[:] = 0
    mine[target[starts]] = np.minimum(total, most)
    counts[series] = mine.reshape(len(series), bins)


def near(counts: Counts, series: RowArray, place: IntArray) -> IntArray:
    """Return how many values lie in a bin of a series or in one beside it, (R,)."""
    bins = counts.shape[1]
    flat, at = counts.ravel(), series * bins + place
    found: IntArray = flat[at].astype(np.int64)
    found += np.where(place > 0, flat[at - 1], 0)
    found += np.where(place < bins - 1, flat[np.minimum(at + 1, len(flat) - 1)], 0)
    return found


def add(counts: Counts, series: RowArray, place: IntArray, unit: int = 1) -> None:
    """Count values (R,), each as `unit`, in place; those of a series follow one another."""
    if not len(series):
        return
    bins, most = counts.shape[1], np.iinfo(counts.dtype).max
    starts = starts_of(series)
    if len(starts) == len(series):  # one value of each
        counts[series, place] = np.minimum(counts[series, place].astype(np.int64) + unit, most)
        return
    some = series[starts]
    number = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(series)))
    added = np.bincount(number * bins + place, minlength=len(some) * bins).reshape(len(some), bins)
    counts[some] = np.minimum(counts[some] + unit * added, most)


def move(source: Counts, target: Counts, closing: BoolArray, unit: int) -> None:
    """Add what the first series (n,) that are closing hold to another histogram, each value as `unit`, in place."""
    bins, most = source.shape[1], np.iinfo(target.dtype).max
    flat = source[: len(closing)].ravel()
    words = np.flatnonzero(flat.view(np.uint64))  # most of them are zero; bins of a series fill whole words
    at = (words[:, None] * _PER_WORD + np.arange(_PER_WORD)).ravel()
    at = at[(flat[at] > 0) & closing[at // bins]]
    target.ravel()[at] = np.minimum(target.ravel()[at].astype(np.int64) + unit * flat[at].astype(np.int64), most)
    flat[at] = 0
