"""Merge the panes of windows: take the last pane of each job, then join the jobs of a window.

Panes of one job accumulate, so its highest `pane_index` holds all of its readings. A window that was cut by the end of
a job, and went on in another, is stored by both; the readings of several jobs are different ones, and their statistics
are merged after Chan, Golub and LeVeque (1979): for parts i with n_i, mean_i and M2_i,
``M2 = sum(M2_i) + sum(n_i (mean_i - mean)^2)``. The view `latest_aggregates` in BigQuery computes the same.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WINDOW: Final = ("device", "metric", "window_start", "window_end")
"""Columns that identify a window of one metric of one device."""
PANE: Final = (*WINDOW, "job_id", "pane_index")
"""Columns that identify a pane."""
_JOB: Final = (*WINDOW, "job_id")
_SUMS: Final = ("count", "anomaly_count")
_LEAST: Final = ("min", "first_time")
_GREATEST: Final = ("max", "last_time", "pane_index")
_NEVER: Final = np.iinfo(np.int64)


def last_panes(table: pa.Table) -> pa.Table:
    """Return the last pane of each window of each job, ordered by `WINDOW` and job; one of those that are repeated.

    Args:
        table: any columns of aggregates, including those of `PANE`.
    """
    order, starts = _groups(table, _JOB, "pane_index")
    ends = np.append(starts[1:], len(order)) - 1 if len(starts) else starts
    return table.take(pa.array(order[ends]))


def merge_windows(table: pa.Table) -> pa.Table:
    """Return one row for each window, ordered by `WINDOW`: the last panes of all jobs, merged.

    `first` and `last` are those at the earliest and latest time, which need `first_time` and `last_time`; of rows
    without them, from before version 0.3, the smallest and the largest. `timing` is that of the highest pane.

    Args:
        table: any columns of aggregates, including those of `PANE`; `mean` needs `count`, and `stddev` both.

    Returns:
        The same columns without `job_id`.
    """
    panes = last_panes(table)
    merged = panes.drop_columns(["job_id"])
    _, starts = _groups(panes, WINDOW)
    if len(starts) == len(panes):
        return merged
    sizes = np.diff(starts, append=len(panes))
    several = np.repeat(sizes > 1, sizes)
    joined = _join(panes.filter(pa.array(several))).select(merged.schema.names).cast(merged.schema)
    whole = pa.concat_tables([merged.filter(pa.array(~several)), joined])
    order, _ = _groups(whole, WINDOW)
    return whole.take(pa.array(order))


def _join(panes: pa.Table) -> pa.Table:
    """Return the windows of panes that are ordered by window, one pane for each job."""
    _, starts = _groups(panes, WINDOW)
    sizes = np.diff(starts, append=len(panes))
    names = set(panes.schema.names)
    columns: dict[str, Any] = {name: panes.column(name).take(pa.array(starts)) for name in WINDOW}
    for name in names.intersection(_SUMS):
        columns[name] = np.add.reduceat(panes.column(name).to_numpy(), starts)
    for name in names.intersection(_LEAST):
        columns[name] = _restored(np.minimum.reduceat(_numbers(panes, name, _NEVER.max), starts), panes, name)
    for name in names.intersection(_GREATEST):
        columns[name] = _restored(np.maximum.reduceat(_numbers(panes, name, _NEVER.min), starts), panes, name)
    if "mean" in names:
        columns |= _moments(panes, starts, sizes)
    if "first" in names:
        at = _chosen(panes, "first_time", _NEVER.max, starts, sizes)
        columns["first"] = np.minimum.reduceat(np.where(at, panes.column("first").to_numpy(), np.inf), starts)
    if "last" in names:
        at = _chosen(panes, "last_time", _NEVER.min, starts, sizes)
        columns["last"] = np.maximum.reduceat(np.where(at, panes.column("last").to_numpy(), -np.inf), starts)
    if "timing" in names:
        index = panes.column("pane_index").to_numpy()
        highest = [
            start + int(np.argmax(index[start : start + size])) for start, size in zip(starts, sizes, strict=True)
        ]
        columns["timing"] = panes.column("timing").take(pa.array(highest))
    return pa.table(columns)


def _moments(panes: pa.Table, starts: NDArray[np.intp], sizes: NDArray[np.intp]) -> dict[str, Any]:
    count, mean = panes.column("count").to_numpy(), panes.column("mean").to_numpy()
    share = count / np.repeat(np.add.reduceat(count, starts), sizes)  # not mean * count, which may overflow
    whole = np.add.reduceat(mean * share, starts)
    if "stddev" not in panes.schema.names:
        return {"mean": whole}
    stddev, off = panes.column("stddev").to_numpy(), mean - np.repeat(whole, sizes)
    with np.errstate(over="ignore"):
        variance = np.add.reduceat(share * (stddev * stddev + off * off), starts)
    return {"mean": whole, "stddev": np.sqrt(variance)}


def _chosen(
    panes: pa.Table, time: str, never: int, starts: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return which panes hold the earliest or latest reading of their window; all where no time is known."""
    if time not in panes.schema.names:
        raise KeyError(f"{time} is needed to merge the column that it dates")
    moments = _numbers(panes, time, never)
    reduce = np.minimum if never == _NEVER.max else np.maximum
    chosen: NDArray[np.bool_] = moments == np.repeat(reduce.reduceat(moments, starts), sizes)
    return chosen


def _numbers(table: pa.Table, name: str, null: int) -> NDArray[Any]:
    """Return a column as numbers, times as microseconds."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64()).fill_null(null)
    numbers: NDArray[Any] = column.to_numpy()
    return numbers


def _restored(numbers: NDArray[Any], table: pa.Table, name: str) -> pa.Array:
    """Return numbers in the type of a column; those that stood for null are null."""
    kind = table.schema.field(name).type
    absent = (numbers == _NEVER.max) | (numbers == _NEVER.min) if pa.types.is_timestamp(kind) else None
    return pa.array(numbers, mask=absent).cast(kind)


def _groups(table: pa.Table, columns: Sequence[str], version: str = "") -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the order of the rows by some columns, then `version`, and where groups of equal columns begin in it."""
    keys = [_ranks(table, name) for name in columns]
    inner = [table.column(version).to_numpy()] if version else []
    order = np.lexsort((*inner, *keys[::-1]))
    changed = np.ones(len(order), np.bool_)
    changed[1:] = False
    for key in keys:
        ordered = key[order]
        changed[1:] |= ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(changed)


def _ranks(table: pa.Table, name: str) -> NDArray[np.int64]:
    """Return integers that order the rows as a column does."""
    column = table.column(name)
    if pa.types.is_string(column.type):
        encoded = column.combine_chunks().dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        rank = np.empty(len(texts), np.int64)
        rank[sorted(range(len(texts)), key=lambda index: texts[index])] = np.arange(len(texts))
        codes: NDArray[np.int64] = rank[encoded.indices.to_numpy()]
        return codes
    return column.cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]
