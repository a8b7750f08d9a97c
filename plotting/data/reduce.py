"""Fewer points for the same picture: what a pixel would hide is dropped, what the eye looks for is kept."""

import math
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

Times = np.ndarray[tuple[int], np.dtype[np.int64]]
Values = np.ndarray[tuple[int], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
Parts = np.ndarray[tuple[int], np.dtype[np.int32]]

_EDGES: Final = 4  # of a column: first, last, smallest, largest


def thin_points(times: Times, values: Values, span: tuple[int, int], columns: int, rows: int = 0) -> Indices:
    """Return the sorted indices of the points worth drawing.

    Of each of the `columns` equal parts of the time span the first, the last, a smallest and a largest
    point are kept. With `rows`, so is one point of each cell of that many equal parts of the value range:
    a cloud then keeps its filling and not only its outline.

    Args:
        times: Microseconds since the epoch, in any order, within the span.
        values: One finite value a time.
        span: First and last time of the picture, microseconds.
        columns: Pixels across, at least 1.
        rows: Pixels upwards; 0 keeps the outline alone.
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


def _ends(keys: Times | Values, column: Parts, columns: int) -> tuple[Indices, Indices]:
    """Return, of each column that is not empty, the first of its smallest keys and the last of its largest ones.

    No sorting: the smallest key of each column is gathered in one pass, and found again in a second.
    """
    low, high = np.full(columns, keys.max()), np.full(columns, keys.min())
    np.minimum.at(low, column, keys)
    np.maximum.at(high, column, keys)
    smallest, largest = np.flatnonzero(keys == low[column]), np.flatnonzero(keys == high[column])
    return _first(smallest, column[smallest], columns), _last(largest, column[largest], columns)


def _first(indices: Indices, part: Parts, parts: int) -> Indices:
    return _last(indices[::-1], part[::-1], parts)


def _last(indices: Indices, part: Parts, parts: int) -> Indices:
    """Return the last of the indices of each part that has any."""
    last = np.full(parts, -1, dtype=np.intp)
    last[part] = indices  # NumPy promises that the last of several values for one place stays
    return last[last >= 0]


def _parts(numbers: Times | Values, low: float, extent: float, parts: int) -> Parts:
    """Return in which of the equal parts of [low, low + extent] each number lies, from 0."""
    scale = parts / extent if extent > 0 else 0.0
    if not 0 < scale < math.inf:  # all alike, or as near to it, or as far from it, as a double can tell
        return np.zeros(len(numbers), dtype=np.int32)
    offsets = numbers.astype(np.float64)
    offsets -= low  # in place, as are the next ones: there may be ten million
    offsets *= scale
    part = offsets.astype(np.int32)
    return np.clip(part, 0, parts - 1, out=part)


@dataclass(frozen=True)
class Windows:
    """Windows of one metric of one device, by start: arrays of one length."""

    start: Times
    end: Times
    count: Times
    mean: Values
    min: Values
    max: Values
    stddev: Values

    def __len__(self) -> int:
        """Return how many windows these are."""
        return len(self.start)


def merge_windows(windows: Windows, span: tuple[int, int], columns: int) -> Windows:
    """Join the windows that share a pixel column: exact minimum, maximum, mean and deviation of all of them.

    Nothing is joined while there are at most two windows a column.
    """
    if len(windows) <= 2 * columns:
        return windows
    column = _parts(windows.start, float(span[0]), float(span[1] - span[0]), columns)
    order = np.lexsort((windows.start, column))
    ordered = Windows(**{part.name: getattr(windows, part.name)[order] for part in fields(Windows)})
    return join_windows(ordered, np.flatnonzero(np.diff(column[order], prepend=-1)))


def join_windows(windows: Windows, at: Indices) -> Windows:
    """Join neighbours: exact minimum, maximum, mean and (to rounding) standard deviation of all their readings.

    Args:
        windows: in any order, at least one.
        at: the index of the first window of each group, ascending from 0.
    """
    count = np.add.reduceat(windows.count, at)
    mean = np.add.reduceat(windows.mean * windows.count, at) / count
    off = windows.mean - np.repeat(mean, np.diff(at, append=len(windows)))
    squares = (windows.stddev**2 + off**2) * windows.count  # within a window, and between them
    return Windows(
        start=windows.start[at],
        end=np.maximum.reduceat(windows.end, at),
        count=count,
        mean=mean,
        min=np.minimum.reduceat(windows.min, at),
        max=np.maximum.reduceat(windows.max, at),
        stddev=np.sqrt(np.add.reduceat(squares, at) / count),
    )


def gap_limit(start: Times, end: Times) -> int:
    """Return the longest silence, microseconds, that is none yet: two window lengths, or five usual (median) steps.

    Args:
        start: Starts of the windows of one device, in order, at least one; microseconds.
        end: Their ends.
    """
    length = int(np.median(end - start))
    usual = int(np.median(np.diff(start))) if len(start) > 1 else length
    return max(2 * length, 5 * usual)


def break_at_gaps(windows: Windows) -> Windows:
    """Put a NaN window into every gap, so that no line is drawn through silence.

    A gap is where nothing follows for longer than `gap_limit`.
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
