"""Count the values of many series in bins over the range of each, in few bytes a bin.

A bin that is full stays so: these histograms tell rare values from others, not how frequent the others are. When
a range grows, what a bin holds moves to the bin of its centre.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import FloatArray, IntArray
from transforms.series.track import RowArray

Counts = NDArray[Any]


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
    bins = counts.shape[1]
    rows, columns = np.nonzero(counts[series])
    centres = old[0][rows] + (columns + 0.5) * old[1][rows]
    target = bin_of(centres, new[0][rows], new[1][rows], bins)
    moved = np.zeros((len(series), bins), np.int64)
    np.add.at(moved, (rows, target), counts[series][rows, columns])
    counts[series] = np.minimum(moved, np.iinfo(counts.dtype).max)


def near(counts: Counts, series: RowArray, place: IntArray) -> IntArray:
    """Return how many values lie in a bin of a series or in one beside it, (R,)."""
    padded = np.zeros((counts.shape[0], counts.shape[1] + 2), counts.dtype)
    padded[:, 1:-1] = counts
    found: IntArray = sum(padded[series, place + offset].astype(np.int64) for offset in range(3))  # type: ignore[assignment]
    return found


def add(counts: Counts, series: RowArray, place: IntArray, unit: int = 1) -> None:
    """Count values (R,), each as `unit`, in place."""
    bins = counts.shape[1]
    flat, number = np.unique(series * bins + place, return_counts=True)
    most = np.iinfo(counts.dtype).max
    row, column = np.divmod(flat, bins)
    counts[row, column] = np.minimum(counts[row, column] + number * unit, most)
