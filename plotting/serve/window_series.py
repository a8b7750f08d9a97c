"""Buffer the windows of one metric of one device in bounded memory; old windows are joined to longer ones."""

import itertools
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from plotting.data.downsample import Windows, join_windows
from plotting.data.panels import TimeRange

WindowRows = np.ndarray[tuple[int], np.dtype[np.void]]
WINDOW_ROW: Final = np.dtype(
    [
        *((name, np.int64) for name in ("start", "end", "count")),
        *((name, np.float64) for name in ("mean", "min", "max", "stddev")),
        ("pane", np.int32),
        ("job", np.uint32),
    ]
)
"""One window of one job: times in microseconds, UTC, values in the metric's unit, the index of its pane, and a hash of
its job."""
_MEASURES: Final = tuple(name for name in WINDOW_ROW.names or () if name not in ("pane", "job"))
_JOINED: Final = -1
"""Pane index of a row that joins several windows of the job."""
_RECENT: Final = 0.25
"""Share of the limit that is reserved for the newest windows, which are never joined."""


class WindowSeries:
    """Windows ordered by start, each once for each job with its highest pane index, as panes accumulate.

    Above a limit, the windows older than the newest quarter are joined to longer ones, whose mean, minimum, maximum and
    standard deviation are those of all their readings. A window that starts within a joined one is ignored from then
    on, because it may be one of those joined: a store may deliver its latest records repeatedly.
    """

    def __init__(self) -> None:
        """Start without windows."""
        self.rows: WindowRows = np.empty(0, dtype=WINDOW_ROW)
        self.received = 0
        """Number of windows added, each counted once, including those joined since."""
        self._recent_start_us = np.iinfo(np.int64).min

    def __len__(self) -> int:
        """Return the number of windows, each joined window counted as one."""
        return len(_starts(self.rows))

    def add(self, rows: WindowRows, limit: int) -> bool:
        """Add windows in any order, possibly repeated; return whether any is new.

        Args:
            rows: at least one row, of the type `WINDOW_ROW`.
            limit: number of windows to keep, at least 8.
        """
        known, rows = self.rows, self._outside(rows)
        if not len(rows):
            return False
        merged: WindowRows = np.concatenate([known, rows])
        if len(rows) > 1 or (len(known) and rows["start"][0] <= known["start"][-1]):
            merged = _last_panes(merged)
        if np.array_equal(merged, known):
            return False
        self.received += len(_starts(merged)) - len(_starts(known))
        self.rows = merged
        if len(merged) > limit:
            starts = _starts(merged)
            whole = int(starts[np.searchsorted(starts, len(merged) - int(limit * _RECENT), side="right") - 1])
            old, recent = np.split(merged, [whole])  # not between the jobs of a window
            self.rows = np.concatenate([_join(old, _step(old, recent, limit // 2)), recent])
            self._recent_start_us = int(recent["start"][0])
        return True

    def _outside(self, rows: WindowRows) -> WindowRows:
        """Return the windows that do not start within joined ones."""
        if rows["start"].min() >= self._recent_start_us:
            return rows
        joined = self.rows[self.rows["pane"] == _JOINED]
        if not len(joined):
            return rows
        at = np.searchsorted(joined["start"], rows["start"], side="right") - 1
        found: WindowRows = rows[(at < 0) | (rows["start"] >= np.minimum(joined["end"][at], self._recent_start_us))]
        return found

    def count(self, span: TimeRange) -> int:
        """Return the number of windows that overlap a time range."""
        return len(_starts(self.rows[span.of(self.rows["start"], self.rows["end"])]))

    def within(self, span: TimeRange) -> Windows:
        """Return the windows that overlap a time range, the jobs of each merged."""
        rows = self.rows[span.of(self.rows["start"], self.rows["end"])]
        starts = _starts(rows)
        return _windows(rows) if len(starts) == len(rows) else join_windows(_windows(rows), starts)


def split_by_series(table: Any) -> Iterator[tuple[tuple[str, str], WindowRows]]:
    """Yield (metric, device) and its rows of a table of aggregates, ordered by start.

    Args:
        table: Arrow, with the columns `device`, `metric`, `window_start`, `window_end`, `count`, `mean`, `min`, `max`,
            `stddev`, `pane_index` and `job_id`.
    """
    rows = np.empty(len(table), dtype=WINDOW_ROW)
    names = {"start": "window_start", "end": "window_end", "pane": "pane_index"}
    jobs = table.column("job_id").combine_chunks().dictionary_encode()
    hashes = np.array([zlib.crc32(job.encode()) for job in jobs.dictionary.to_pylist()], np.uint32)
    rows["job"] = hashes[np.asarray(jobs.indices)]
    for name in (*_MEASURES, "pane"):
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


def _last_panes(rows: WindowRows) -> WindowRows:
    rows = rows[np.lexsort((rows["pane"], rows["job"], rows["end"], rows["start"]))]
    again = _same_window(rows) & (rows["job"][1:] == rows["job"][:-1])
    kept: WindowRows = rows[np.append(~again, True)]
    return kept


def _same_window(rows: WindowRows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each row but the first whether it is of the same window as its predecessor."""
    same: np.ndarray[tuple[int], np.dtype[np.bool_]] = (np.diff(rows["start"]) == 0) & (np.diff(rows["end"]) == 0)
    return same


def _starts(rows: WindowRows) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the indices at which a new window begins, in rows ordered by start and end."""
    return np.flatnonzero(np.append(np.ones(min(len(rows), 1), np.bool_), ~_same_window(rows)))


def _step(old: WindowRows, recent: WindowRows, most: int) -> int:
    """Return the time step, microseconds, in at most `most` of which the old windows start.

    The step is the median window length times a power of two, and steps are aligned to the epoch, so that the next
    longer step contains whole steps of this one.
    """
    step = max(1, int(np.median(recent["end"] - recent["start"])))
    while len(np.unique(old["start"] // step)) > most:
        step *= 2
    return step


def _join(old: WindowRows, step: int) -> WindowRows:
    """Join the windows (ordered by start) that start in the same step."""
    part = old["start"] // step
    at = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    joined = np.empty(len(at), dtype=WINDOW_ROW)
    whole = join_windows(_windows(old), at)
    for name in _MEASURES:
        joined[name] = getattr(whole, name)
    joined["job"] = old["job"][at]
    joined["pane"] = np.where(np.diff(at, append=len(old)) > 1, _JOINED, old["pane"][at])
    return joined


def _windows(rows: WindowRows) -> Windows:
    return Windows(**{name: rows[name].copy() for name in _MEASURES})
