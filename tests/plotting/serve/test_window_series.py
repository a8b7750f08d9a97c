"""Check that a window series keeps each window once, in bounded memory, and joins old ones exactly."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plotting.data.panels import TimeRange
from plotting.serve.window_series import WINDOW_ROW, WindowSeries, split_by_series
from tests.support.live_tables import rows_of, table, whole_of
from tests.support.runs import MINUTE, T0, window

WINDOWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(-50, 50).map(float), st.integers(0, 3)),
    min_size=1,
    max_size=40,
    unique_by=lambda one: (one[0], one[2]),  # what comes again is the same
)


def series_of(rows, limit=1000, *, parts=1) -> Any:
    series = WindowSeries()
    for part in np.array_split(rows, parts):
        if len(part):
            series.add(part, limit)
    return series


def minutes(count, first=0) -> Any:
    return rows_of(*((minute, float(minute % 7), 0) for minute in range(first, first + count)))


@settings(max_examples=40, deadline=None)
@given(windows=WINDOWS, data=st.data())
def test_any_split_and_any_order_with_repetitions_give_the_same(windows, data):
    shuffled = data.draw(st.permutations(windows))
    again = data.draw(st.lists(st.sampled_from(windows), max_size=10))
    parts = series_of(rows_of(*shuffled, *again), parts=data.draw(st.integers(1, 8)))
    np.testing.assert_array_equal(parts.rows, series_of(rows_of(*windows)).rows)
    assert parts.received == len({minute for minute, _, _ in windows})


@settings(max_examples=40, deadline=None)
@given(windows=WINDOWS)
def test_the_highest_pane_is_the_truth(windows):
    frame = pd.DataFrame(windows, columns=["minute", "mean", "pane"])
    truth = frame.sort_values("pane").groupby("minute").last()
    rows = series_of(rows_of(*windows)).rows
    assert ((rows["start"] - T0) // MINUTE).tolist() == truth.index.tolist()
    assert rows["mean"].tolist() == truth["mean"].tolist()
    assert rows["pane"].tolist() == truth["pane"].tolist()


@settings(max_examples=40, deadline=None)
@given(windows=WINDOWS)
def test_add_says_whether_anything_is_new(windows):
    series = WindowSeries()
    assert series.add(rows_of(*windows), 1000)
    assert not series.add(rows_of(*windows), 1000)
    assert not series.add(rows_of(windows[0]), 1000)
    minute, mean, _ = windows[0]
    assert series.add(rows_of((minute, mean, 9)), 1000)
    assert not series.add(rows_of((minute, mean + 1, 8)), 1000)


def test_the_jobs_of_a_window_are_merged():
    first, second = rows_of((0, 20.0, 5), (1, 1.0, 0), job=1), rows_of((0, 26.0, 0), job=2)
    series = series_of(np.concatenate([second, first]))
    assert (len(series), series.received, series.count(TimeRange(None, None))) == (2, 2, 2)
    whole = series.within(TimeRange(None, None))
    assert (whole.count.tolist(), whole.mean.tolist()) == ([6, 3], [23.0, 1.0])
    assert (whole.min.tolist(), whole.max.tolist()) == ([19.0, 0.0], [27.0, 2.0])
    np.testing.assert_allclose(whole.stddev, [(0.25 + 9.0) ** 0.5, 0.5])
    assert not series.add(second, 1000)
    assert series.add(rows_of((0, 27.0, 1), job=2), 1000)
    assert series.within(TimeRange(None, None)).mean.tolist() == [23.5, 1.0]
    assert series.received == 2


@given(st.integers(8, 40))
def test_the_jobs_of_a_window_are_not_divided_when_old_windows_are_joined(limit):
    rows = [rows_of(*((minute, float(job), 0) for minute in range(40)), job=job) for job in (1, 2)]
    series = WindowSeries()
    series.add(np.concatenate(rows), limit)
    recent = series.rows[series.rows["pane"] == 0]
    assert (np.unique(recent["start"], return_counts=True)[1] == 2).all()
    assert series.within(TimeRange(None, None)).count.sum() == 240


def test_a_window_of_the_same_start_that_ends_later_is_another():
    longer = rows_of((0, 20.0, 0))
    longer["end"] += MINUTE
    assert len(series_of(np.concatenate([longer, rows_of((0, 20.0, 0))]))) == 2


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(0, 100), st.integers(1, 1000), st.integers(1, 5)),
        min_size=1,
        max_size=120,
    ),
    limit=st.integers(8, 24),
    parts=st.integers(1, 30),
    origin=st.sampled_from([T0, 0, -30 * MINUTE]),
)
def test_coarser_windows_say_what_all_readings_say(values, limit, parts, origin):
    minutes_of = np.cumsum([step for *_, step in values])
    rows = np.array(
        [
            (origin + m * MINUTE, origin + (m + 1) * MINUTE, count, mean, mean - stddev, mean + stddev, stddev, 0, 0)
            for m, (mean, stddev, count, _) in zip(minutes_of.tolist(), values, strict=True)
        ],
        dtype=WINDOW_ROW,
    )
    series = series_of(rows, limit, parts=parts)
    assert len(series) <= limit
    assert series.received == len(rows)
    expected, found = whole_of(rows), whole_of(series.rows)
    assert {name: found[name] for name in ("count", "min", "max")} == {
        name: expected[name] for name in ("count", "min", "max")
    }
    assert found["mean"] == pytest.approx(expected["mean"], rel=1e-9, abs=1e-6)
    assert found["stddev"] == pytest.approx(expected["stddev"], rel=1e-9, abs=1e-6)
    newest = limit // 4
    np.testing.assert_array_equal(series.rows[-newest:], rows[-newest:])
    assert (np.diff(series.rows["start"]) > 0).all()
    assert (series.rows["start"][0], series.rows["end"][-1]) == (rows["start"][0], rows["end"][-1])


def test_windows_around_the_epoch_are_joined_too():
    rows = minutes(40)
    rows["start"] -= T0 + MINUTE
    rows["end"] -= T0 + MINUTE
    series = series_of(rows, 16)
    assert series.rows["start"][0] == -MINUTE
    assert series.rows["count"].sum() == 3 * 40


def test_it_stays_bounded_for_ever_and_the_steps_nest():
    series = WindowSeries()
    for first in range(0, 6000, 5):
        series.add(minutes(5, first), 64)
        assert len(series) <= 64
        lengths = (series.rows["end"] - series.rows["start"]) // MINUTE
        assert (lengths & (lengths - 1) > 0).sum() <= 6  # few are no power of two: those that the newest quarter cut
    assert series.rows["count"].sum() == 3 * 6000
    assert lengths.max() == 256


def test_what_is_repeated_is_not_counted_again_when_it_has_been_joined():
    series = WindowSeries()
    for first in range(0, 400, 4):
        series.add(minutes(4, first), 32)
        before = series.rows.copy()
        assert not series.add(
            minutes(min(60, first + 4), max(0, first - 56)), 32
        )  # the last hour again, as of a dataset
        np.testing.assert_array_equal(series.rows, before)
    assert series.rows["count"].sum() == 3 * 400
    assert series.received == 400


def test_a_late_window_where_there_was_none_is_taken_once_and_one_within_joined_windows_is_not():
    rows = np.concatenate([minutes(20), minutes(60, 300)])
    series = series_of(rows, 32)
    late = rows_of((150, 99.0, 0))
    assert series.add(late, 32)
    assert not series.add(late, 32)
    for first in range(360, 500, 4):
        series.add(minutes(4, first), 32)
        assert not series.add(late, 32)
    assert series.rows["max"].max() == 100.0
    assert series.rows["count"].sum() == 3 * (80 + 140 + 1)
    assert not series.add(rows_of((3, 1e6, 5)), 32)
    assert series.add(rows_of((499, 1e6, 5)), 32)


def test_a_window_alone_in_its_step_keeps_its_pane_and_takes_a_higher_one():
    lonely = rows_of(*((minute * 1000, 1.0, 1) for minute in range(8)))
    series = series_of(np.concatenate([lonely, minutes(40, 8000)]), 32)
    assert not series.add(rows_of((0, 50.0, 0)), 32)
    assert series.add(rows_of((0, 50.0, 2)), 32)
    assert series.rows["mean"][0] == 50.0


def test_within_is_a_half_open_range_of_copies():
    series = series_of(minutes(10))
    found = series.within(TimeRange(T0 + MINUTE, T0 + 3 * MINUTE))
    assert found.start.tolist() == [T0 + MINUTE, T0 + 2 * MINUTE]
    assert series.count(TimeRange(T0 + MINUTE, T0 + 3 * MINUTE)) == 2
    assert len(series.within(TimeRange())) == series.count(TimeRange()) == 10
    found.mean[:] = 1000
    assert series.rows["mean"].max() == 6


KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from(["temp", "humidity"]), st.integers(0, 20), st.integers(0, 2))


@settings(max_examples=40, deadline=None)
@given(keys=st.lists(KEYS, max_size=30))
def test_split_is_a_group_by(keys):
    windows = [
        window(device, minute, minute / 3, metric=metric, pane=pane, count=pane + 1)
        for device, metric, minute, pane in keys
    ]
    whole = table("aggregates", windows)
    found = dict(split_by_series(whole))
    frame = whole.to_pandas()
    groups = {
        key: group.sort_values("window_start", kind="stable") for key, group in frame.groupby(["metric", "device"])
    }
    assert found.keys() == groups.keys()
    for key, group in groups.items():
        rows = found[key]
        for name, column in (("start", "window_start"), ("end", "window_end")):
            assert rows[name].tolist() == group[column].to_numpy("M8[us]").view("i8").tolist()
        for name in ("count", "mean", "min", "max", "stddev"):
            assert rows[name].tolist() == group[name].tolist()
        assert rows["pane"].tolist() == group["pane_index"].tolist()
