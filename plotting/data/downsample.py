"""Reduce points and windows to those that are distinguishable at the picture's resolution; extremes are kept."""

import math
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

TimesUs = np.ndarray[tuple[int], np.dtype[np.int64]]
MetricValues = np.ndarray[tuple[int], np.dtype[np.float64]]
PointIndices = np.ndarray[tuple[int], np.dtype[np.intp]]
PixelIndices = np.ndarray[tuple[int], np.dtype[np.int32]]

_EDGES: Final = 4  # of a column: first, last, smallest, largest


def thin_points(
    times: TimesUs, values: MetricValues, span: tuple[int, int], columns: int, rows: int = 0
) -> PointIndices:
    """Return the sorted indices of the points to draw.

    The time span is divided into `columns` pixel columns of equal width. Of each column, the first, the last, a
    smallest and a largest point are kept. With `rows`, the value range is divided likewise and one point of each pixel
    is kept, so that a cloud of points keeps its interior and not only its outline.

    Args:
        times: Microseconds since the epoch, in any order, within the span.
        values: One finite value per time.
        span: First and last time of the picture, microseconds.
        columns: Width in pixels, at least 1.
        rows: Height in pixels; 0 keeps only the outline.
    """
    if len(times) <= _EDGES:
        return np.arange(len(times))
    column = _parts(times, float(span[0]), float(span[1] - span[0]), columns)
    kept = [*_ends(times, column, columns), *_ends(values, column, columns)]
    if rows:
        low = float(values.min())
        cell = _parts(values, low, float(values.max()) - low, rows)
        cell += column * np.int32(rows)
        kept.append(_first(np.arange(len(cell)), cell, columns * rows))
    return np.unique(np.concatenate(kept))


def _ends(keys: TimesUs | MetricValues, column: PixelIndices, columns: int) -> tuple[PointIndices, PointIndices]:
    """Return, for each column with points, the index of the first smallest key and of the last largest key.

    The first pass finds the extremes of each column, the second their indices; nothing is sorted.
    """
    low, high = np.full(columns, keys.max()), np.full(columns, keys.min())
    np.minimum.at(low, column, keys)
    np.maximum.at(high, column, keys)
    smallest, largest = np.flatnonzero(keys == low[column]), np.flatnonzero(keys == high[column])
    return _first(smallest, column[smallest], columns), _last(largest, column[largest], columns)


def _first(indices: PointIndices, part: PixelIndices, parts: int) -> PointIndices:
    return _last(indices[::-1], part[::-1], parts)


def _last(indices: PointIndices, part: PixelIndices, parts: int) -> PointIndices:
    """Return the last index of each pixel that has points."""
    last = np.full(parts, -1, dtype=np.intp)
    last[part] = indices  # NumPy guarantees that the last value assigned to a repeated index is kept
    return last[last >= 0]


def _parts(numbers: TimesUs | MetricValues, low: float, extent: float, parts: int) -> PixelIndices:
    """Return the pixel, from 0, of each number; `parts` pixels of equal size cover [low, low + extent]."""
    scale = parts / extent if extent > 0 else 0.0
    if not 0 < scale < math.inf:  # the extent is zero, or too small or too large for a double
        return np.zeros(len(numbers), dtype=np.int32)
    offsets = numbers.astype(np.float64)
    offsets -= low  # in place to save memory: there may be ten million numbers
    offsets *= scale
    part = offsets.astype(np.int32)
    return np.clip(part, 0, parts - 1, out=part)


@dataclass(frozen=True)
class Windows:
    """Windows of one metric of one device, ordered by start; arrays of equal length."""

    start: TimesUs
    end: TimesUs
    count: TimesUs
    mean: MetricValues
    min: MetricValues
    max: MetricValues
    stddev: MetricValues

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.start)


def merge_windows(windows: Windows, span: tuple[int, int], columns: int) -> Windows:
    """Merge the windows that start in the same pixel column, with exact minimum, maximum, mean and deviation.

    Windows are returned unchanged while there are at most two per column.
    """
    if len(windows) <= 2 * columns:
        return windows
    column = _parts(windows.start, float(span[0]), float(span[1] - span[0]), columns)
    order = np.lexsort((windows.start, column))
    ordered = Windows(**{part.name: getattr(windows, part.name)[order] for part in fields(Windows)})
    return join_windows(ordered, np.flatnonzero(np.diff(column[order], prepend=-1)))


def join_windows(windows: Windows, at: PointIndices) -> Windows:
    """Join groups of neighbouring windows: exact minimum, maximum, mean and standard deviation of their readings.

    The variance of a group is the mean variance within its windows plus the variance of their means.

    Args:
        windows: in any order, at least one.
        at: the index of the first window of each group, ascending from 0.
    """
    count = np.add.reduceat(windows.count, at)
    mean = np.add.reduceat(windows.mean * windows.count, at) / count
    off = windows.mean - np.repeat(mean, np.diff(at, append=len(windows)))
    squares = (windows.stddev**2 + off**2) * windows.count
    return Windows(
        start=windows.start[at],
        end=np.maximum.reduceat(windows.end, at),
        count=count,
        mean=mean,
        min=np.minimum.reduceat(windows.min, at),
        max=np.maximum.reduceat(windows.max, at),
        stddev=np.sqrt(np.add.reduceat(squares, at) / count),
    )


def gap_limit(start: TimesUs, end: TimesUs) -> int:
    """Return the longest pause, microseconds, that is not a gap: two window lengths or five median steps.

    Args:
        start: Starts of the windows of one device, ascending, at least one; microseconds.
        end: Their ends, microseconds.
    """
    length = int(np.median(end - start))
    usual = int(np.median(np.diff(start))) if len(start) > 1 else length
    return max(2 * length, 5 * usual)


def break_at_gaps(windows: Windows) -> Windows:
    """Insert a NaN window into every gap, so that the line is interrupted there.

    A gap is a pause longer than `gap_limit`.
    """
    if len(windows) < 2:
        return windows
    gap = np.flatnonzero(windows.start[1:] - windows.end[:-1] > gap_limit(windows.start, windows.end)) + 1
    blank = np.full(len(gap), np.nan)
    return replace(
        windows,
        start=np.insert(windows.start, gap, windows.end[gap - 1]),
        end=np.insert(windows.end, gap, windows.start[gap]),
        count=np.insert(windows.count, gap, 0),
        mean=np.insert(windows.mean, gap, blank),
        min=np.insert(windows.min, gap, blank),
        max=np.insert(windows.max, gap, blank),
        stddev=np.insert(windows.stddev, gap, blank),
    )
