"""Merged panes: the last pane of each job, and the statistics of all jobs as those of all their readings."""

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.merge_panes import last_panes, merge_windows
from telemetry.model.record_batches import from_records
from telemetry.model.records import WindowAggregate

MINUTE = 60_000_000
readings = st.lists(
    st.tuples(st.integers(0, MINUTE - 1), st.floats(-1e6, 1e6), st.sampled_from(["", "j1", "j2"]), st.booleans()),
    min_size=1,
    max_size=30,
)


def pane(rows, job="j1", index=0, device="a", start=0, timing="on_time") -> WindowAggregate:
    """Return the aggregate of (time, value) rows, as plain formulas compute it."""
    times, values = np.array([time for time, _ in rows]), np.array([value for _, value in rows])
    first, last = times.min(), times.max()
    return WindowAggregate(
        device, "temp", start, start + MINUTE, len(rows), float(values.mean()), float(values.std()),
        float(values.min()), float(values.max()), float(values[times == first].min()),
        float(values[times == last].max()), int((values > 30).sum()), timing, index, job, int(first), int(last),
    )  # fmt: skip


def table(*panes: WindowAggregate) -> pa.Table:
    return pa.Table.from_batches([from_records(WindowAggregate, panes)])


def merged(*panes: WindowAggregate) -> list[dict[str, Any]]:
    found = merge_windows(table(*panes))
    assert found.schema == table().drop_columns(["job_id"]).schema
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


@given(readings, st.randoms(use_true_random=False))
def test_the_parts_of_several_jobs_are_the_whole(rows, order: random.Random):
    """Also with earlier panes of each job, repeated, in any order."""
    panes = []
    for job in ("", "j1", "j2"):
        own = [(time, value) for time, value, of, _ in rows if of == job]
        early = [(time, value) for time, value, of, is_early in rows if of == job and is_early]
        panes += [pane(early, job, 0)] if early else []
        panes += [pane(own, job, 1)] * 2 if own else []
    order.shuffle(panes)
    (found,) = merge_windows(table(*panes)).drop_columns(["timing", "pane_index"]).to_pylist()
    (expected,) = table(pane([(time, value) for time, value, _, _ in rows])).to_pylist()
    for name in ("count", "min", "max", "first", "last", "first_time", "last_time", "anomaly_count", "device"):
        assert found[name] == expected[name], name
    assert found["mean"] == pytest.approx(expected["mean"], rel=1e-9, abs=1e-9)
    assert found["stddev"] == pytest.approx(expected["stddev"], rel=1e-6, abs=1e-4)


def test_a_window_of_one_job_stays_as_it_is_to_the_last_digit():
    one = pane([(1, 0.1), (2, 0.7), (3, 1e100)], index=3, timing="late")
    (found,) = merged(pane([(1, 0.1)]), one)
    assert found == {name: value for name, value in table(one).to_pylist()[0].items() if name != "job_id"}


def test_windows_devices_and_jobs_are_told_apart():
    found = merged(
        pane([(5, 1.0)], "j2", 4, timing="late"), pane([(1, 3.0)], "j1"), pane([(1, 9.0)], device="b"),
        pane([(MINUTE, 7.0)], start=MINUTE),
    )  # fmt: skip
    rows = [(row["device"], row["count"], row["mean"], row["first"], row["last"], row["timing"]) for row in found]
    assert rows == [
        ("a", 2, 2.0, 3.0, 1.0, "late"), ("a", 1, 7.0, 7.0, 7.0, "on_time"), ("b", 1, 9.0, 9.0, 9.0, "on_time")
    ]  # fmt: skip
    assert [row["pane_index"] for row in found] == [4, 0, 0]


def test_times_that_are_not_known_stay_unknown_and_the_extremes_take_their_place():
    old = table(pane([(1, 5.0), (9, 2.0)], ""), pane([(2, 3.0), (8, 4.0)], "j1"))
    for name in ("first_time", "last_time"):
        index = old.schema.get_field_index(name)
        old = old.set_column(index, old.schema.field(index), pa.nulls(2, old.schema.field(index).type))
    (found,) = merge_windows(old).to_pylist()
    assert (found["first"], found["last"], found["first_time"], found["last_time"]) == (3.0, 4.0, None, None)


def test_some_columns_are_enough():
    both = table(pane([(1, 5.0)]), pane([(1, 5.0), (2, 6.0)], "j2"))
    columns = ["device", "metric", "window_start", "window_end", "job_id", "pane_index", "count"]
    assert merge_windows(both.select(columns)).column("count").to_pylist() == [3]
    with pytest.raises(KeyError, match="first_time is needed"):
        merge_windows(both.select([*columns, "first"]))


def test_nothing_is_nothing():
    assert len(merge_windows(table())) == len(last_panes(table())) == 0


def test_values_whose_sum_no_double_holds():
    largest = 1.7e308
    (found,) = merged(pane([(1, largest)]), pane([(2, largest)], "j2"))
    assert (found["mean"], found["stddev"], found["count"]) == (largest, 0.0, 2)
