"""Columns of what is remembered of many series."""

from typing import Any

import numpy as np

from transforms.series.memory import SeriesColumns, fresh, put, take

FIELDS: dict[str, Any] = {"mean": np.float64("nan"), "count": np.int32(0), "hours": np.array([0, 1], np.uint16)}


def test_fresh_columns_repeat_the_entry_of_each_field() -> None:
    columns = fresh(FIELDS, 3)
    assert {name: (column.dtype.name, column.shape) for name, column in columns.items()} == {
        "mean": ("float64", (3,)),
        "count": ("int32", (3,)),
        "hours": ("uint16", (3, 2)),
    }
    assert columns["hours"].tolist() == [[0, 1]] * 3
    columns["hours"][0, 0] = 9
    assert (columns["hours"][1, 0], FIELDS["hours"][0]) == (0, 0)


def test_no_series_have_columns_without_entries() -> None:
    assert {name: column.shape for name, column in fresh(FIELDS, 0).items()} == {
        "mean": (0,),
        "count": (0,),
        "hours": (0, 2),
    }


def test_entries_are_taken_in_the_order_of_slots_and_are_copies() -> None:
    columns: SeriesColumns = {
        "count": np.array([10, 11, 12], np.int32),
        "hours": np.array([[0, 1], [2, 3], [4, 5]], np.uint16),
    }
    taken = take(columns, np.array([2, 0]))
    assert (taken["count"].tolist(), taken["hours"].tolist()) == ([12, 10], [[4, 5], [0, 1]])
    taken["count"][0] = 99
    assert columns["count"].tolist() == [10, 11, 12]


def test_entries_that_are_put_change_a_copy_and_keep_the_type() -> None:
    columns: SeriesColumns = {"offset": np.zeros((3, 2), np.float32)}
    columns["offset"].flags.writeable = False  # as it is after it was decoded
    changed = put(columns, np.array([2, 0]), {"offset": np.array([[0.1, 0.2], [0.3, 0.4]])})
    assert columns["offset"].tolist() == [[0.0, 0.0]] * 3
    assert changed["offset"].dtype == np.float32
    np.testing.assert_array_equal(changed["offset"], np.array([[0.3, 0.4], [0.0, 0.0], [0.1, 0.2]], np.float32))
