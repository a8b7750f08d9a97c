"""Keep what is remembered of many series as columns: one array for each field, one entry for each series."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.series.track import RowArray

SeriesColumns = dict[str, NDArray[Any]]
"""Arrays of A entries; an entry is a number, or a row of several."""


def fresh(fields: Mapping[str, Any], series: int) -> SeriesColumns:
    """Return columns of some series without a reading; `fields` holds the entry that each begins with."""
    return {name: np.repeat(np.asarray(value)[np.newaxis], series, axis=0) for name, value in fields.items()}


def take(columns: Mapping[str, NDArray[Any]], slots: RowArray) -> SeriesColumns:
    """Return a copy of the entries of some series, in their order."""
    return {name: column[slots] for name, column in columns.items()}


def put(columns: Mapping[str, NDArray[Any]], slots: RowArray, entries: SeriesColumns) -> SeriesColumns:
    """Return columns in which the entries of some series are replaced; the given ones stay as they are."""
    changed = {}
    for name, column in columns.items():
        # Each series has one slot: where all of them are replaced, nothing of the old ones is left to copy.
        changed[name] = np.empty_like(column) if len(slots) == len(column) else column.copy()
        changed[name][slots] = entries[name]
    return changed


def add_in_order(column: NDArray[Any], series: RowArray, values: NDArray[Any] | int, *, single: bool) -> None:
    """Add values (R,) to the entries of their series (R,), one after the other, in place.

    Sums of floating point depend on their order, which readings decide and not the calls that they come in.

    Args:
        column: entries of all series.
        series: which one each value belongs to.
        values: to be added.
        single: whether no series comes twice, which is faster.
    """
    if single:
        column[series] += values
    else:
        np.add.at(column, series, values)
