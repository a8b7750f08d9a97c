"""The windows of one metric of one device as they come in, in bounded memory: what is old becomes coarser."""

import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from plotting.data.panels import TimeRange
from plotting.data.reduce import Windows, join_windows

SeriesRows = np.ndarray[tuple[int], np.dtype[np.void]]
ROW: Final = np.dtype(
    [
        *((name, np.int64) for name in ("start", "end", "count")),
        *((name, np.float64) for name in ("mean", "min", "max", "stddev")),
        ("pane", np.int64),
    ]
)
"""A window: its times in microseconds, UTC, its values in the metric's unit, and the index of its pane."""
_MEASURES: Final = tuple(name for name in ROW.names or () if name != "pane")
_JOINED: Final = -1
"""Pane of what is no window of the job, but several of them."""
_RECENT: Final = 0.25
"""The newest part that always keeps its windows as they are."""


class WindowSeries:
    """Windows by start, each once: of several panes the highest, as panes accumulate.

    Above `limit` windows those older than the newest quarter are joined to longer ones: their mean, minimum, maximum
    and standard deviation are exactly those of all their readings. What begins within joined windows is passed over
    from then on, as nobody can tell whether it is one of them: a store may repeat its latest records for ever.
    """

    def __init__(self) -> None:
        """Begin without windows."""
        self.rows: SeriesRows = np.empty(0, dtype=ROW)
        self.taken = 0
        """How many windows came, each counted once, those that are joined by now, too."""
        self._untouched_us = np.iinfo(np.int64).min

    def __len__(self) -> int:
        """Return how many windows these are, joined ones counting as one."""
        return len(self.rows)

    def add(self, rows: SeriesRows, limit: int) -> bool:
        """Take windows in, in any order; returns whether any is new. They may have been taken before.

        Args:
            rows: at least one, of the type `ROW`.
            limit: how many to hold, at least 8.
        """
        known, rows = self.rows, self._outside(rows)
        if not len(rows):
            return False
        merged: SeriesRows = np.concatenate([known, rows])
        if len(rows) > 1 or (len(known) and rows["start"][0] <= known["start"][-1]):
            merged = _last_panes(merged)
        if np.array_equal(merged, known):
            return False
        self.taken += len(merged) - len(known)
        self.rows = merged
        if len(merged) > limit:
            old, recent = np.split(merged, [len(merged) - int(limit * _RECENT)])
            self.rows = np.concatenate([_join(old, _step(old, recent, limit // 2)), recent])
            self._untouched_us = int(recent["start"][0])
        return True

    def _outside(self, rows: SeriesRows) -> SeriesRows:
        """Return the windows that do not begin within joined ones."""
        if rows["start"].min() >= self._untouched_us:
            return rows
        joined = self.rows[self.rows["pane"] == _JOINED]
        if not len(joined):
            return rows
        at = np.searchsorted(joined["start"], rows["start"], side="right") - 1
        found: SeriesRows = rows[(at < 0) | (rows["start"] >= np.minimum(joined["end"][at], self._untouched_us))]
        return found

    def count(self, span: TimeRange) -> int:
        """Return how many windows meet a time range."""
        return int(span.of(self.rows["start"], self.rows["end"]).sum())

    def within(self, span: TimeRange) -> Windows:
        """Return the windows that meet a time range."""
        return _windows(self.rows[span.of(self.rows["start"], self.rows["end"])])


def split(table: Any) -> Iterator[tuple[tuple[str, str], SeriesRows]]:
    """Yield (metric, device) and their rows of a table of aggregates, by start.

    Args:
        table: Arrow, with the columns `device`, `metric`, `window_start`, `window_end`, `count`, `mean`, `min`, `max`,
            `stddev` and `pane_index`.
    """
    rows = np.empty(len(table), dtype=ROW)
    names = {"start": "window_start", "end": "window_end", "pane": "pane_index"}
    for name in ROW.names or ():
        column = table.column(names.get(name, name)).to_numpy()
        rows[name] = column.astype("M8[us]").view(np.int64) if column.dtype.kind == "M" else column
    keys = [table.column(name).combine_chunks().dictionary_encode() for name in ("metric", "device")]
    codes = [np.asarray(key.indices) for key in keys]
    order = np.lexsort((rows["start"], codes[1], codes[0]))
    rows, codes = rows[order], [code[order] for code in codes]
    changes = (np.diff(codes[0]) != 0) | (np.diff(codes[1]) != 0)
    starts = [0, *(np.flatnonzero(changes) + 1).tolist(), len(rows)]
    texts = [key.dictionary.to_pylist() for key in keys]
    for start, end in itertools.pairwise(starts):
        if end > start:
            yield (texts[0][codes[0][start]], texts[1][codes[1][start]]), rows[start:end]


def _last_panes(rows: SeriesRows) -> SeriesRows:
    rows = rows[np.lexsort((rows["pane"], rows["end"], rows["start"]))]
    again = (np.diff(rows["start"]) == 0) & (np.diff(rows["end"]) == 0)
    kept: SeriesRows = rows[np.append(~again, True)]
    return kept


def _step(old: SeriesRows, recent: SeriesRows, most: int) -> int:
    """Return how long a step of time is, so that old windows begin in at most so many; microseconds.

    It is the usual length times a power of two, counted from the epoch: the next time the old steps fit into it.
    """
    step = max(1, int(np.median(recent["end"] - recent["start"])))
    while len(np.unique(old["start"] // step)) > most:
        step *= 2
    return step


def _join(old: SeriesRows, step: int) -> SeriesRows:
    """Join windows, which are in order, that begin in the same step."""
    part = old["start"] // step
    at = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    joined = np.empty(len(at), dtype=ROW)
    whole = join_windows(_windows(old), at)
    for name in _MEASURES:
        joined[name] = getattr(whole, name)
    joined["pane"] = np.where(np.diff(at, append=len(old)) > 1, _JOINED, old["pane"][at])
    return joined


def _windows(rows: SeriesRows) -> Windows:
    return Windows(**{name: rows[name].copy() for name in _MEASURES})
