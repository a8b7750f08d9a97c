from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from plotting.data.downsample import Windows, break_at_gaps, gap_limit, merge_windows, thin_points

SPAN = (0, 1_000_000)
CLOUDS = st.integers(1, 300).flatmap(
    lambda size: st.tuples(
        hnp.arrays(np.int64, size, elements=st.integers(*SPAN)),
        hnp.arrays(np.float64, size, elements=st.floats(-1e6, 1e6)),
    )
)


def column_of(times, columns) -> Any:
    return np.minimum((times * (columns / 1_000_000)).astype(int), columns - 1)


@given(CLOUDS, st.integers(1, 20), st.integers(0, 10))
def test_first_last_smallest_and_largest_of_each_column_are_kept(cloud, columns, rows):
    times, values = cloud
    kept = thin_points(times, values, SPAN, columns, rows)
    assert np.array_equal(kept, np.unique(kept))
    column, kept_column = column_of(times, columns), column_of(times[kept], columns)
    assert set(kept_column) == set(column)
    for number in set(column):
        whole, part = column == number, kept_column == number
        for edge in (np.min, np.max):
            assert edge(values[kept][part]) == edge(values[whole])
            assert edge(times[kept][part]) == edge(times[whole])


TIES = st.integers(1, 300).flatmap(
    lambda size: st.tuples(
        hnp.arrays(np.int64, size, elements=st.integers(0, 40).map(lambda step: step * 25_000)),
        hnp.arrays(np.float64, size, elements=st.sampled_from([-0.0, 0.0, 1.0, 1.5, -7.0])),
    )
)


def thin_by_sorting(times, values, columns, rows) -> list[int]:
    """The plain twin of `thin_points`: sorts, and of equals takes the first smallest and the last largest."""
    if len(times) <= 4:
        return list(range(len(times)))
    low, extent = values.min(), np.ptp(values)
    cells: dict[tuple[int, int], list[int]] = {}
    row = np.minimum(((values - low) * (rows / extent)).astype(int), rows - 1) if extent else np.zeros(len(times), int)
    column = column_of(times, columns)
    for index in range(len(times)):
        cells.setdefault((column[index], row[index]), []).append(index)
    kept = {members[0] for members in cells.values()} if rows else set()
    for number in set(column):
        members = [index for index in range(len(times)) if column[index] == number]
        for keys in (times, values):
            by_key = sorted(members, key=lambda index: keys[index])  # stable
            kept |= {by_key[0], by_key[-1]}
    return sorted(int(index) for index in kept)


@given(TIES | CLOUDS.filter(lambda cloud: np.ptp(cloud[1]) == 0 or np.ptp(cloud[1]) > 1e-300), st.integers(1, 20))
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_of_equal_points_the_same_are_kept_as_by_sorting(rows, cloud, columns):
    times, values = cloud
    assert thin_points(times, values, SPAN, columns, rows).tolist() == thin_by_sorting(times, values, columns, rows)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("high", [5e-324, 1.0, 1.7e308])
def test_values_as_near_or_as_far_as_doubles_can_be(high):
    values = np.array([0.0, high, -high, 0.0, high, -high])
    kept = thin_points(np.arange(6, dtype=np.int64), values, (0, 5), 1, 3)
    assert {0, 2, 4, 5} <= set(kept.tolist())  # first, first smallest, last largest, last
    assert (values[kept].min(), values[kept].max()) == (-high, high)


@given(CLOUDS, st.integers(1, 20))
def test_the_outline_has_at_most_four_points_a_column(cloud, columns):
    times, values = cloud
    assert len(thin_points(times, values, SPAN, columns)) <= 4 * columns


@given(CLOUDS, st.integers(1, 20), st.integers(1, 10))
def test_with_rows_every_cell_that_has_a_point_keeps_one(cloud, columns, rows):
    times, values = cloud
    kept = thin_points(times, values, SPAN, columns, rows)
    low, extent = values.min(), max(np.ptp(values), 1e-300)  # rows / extent has to be a double
    cells = column_of(times, columns) * rows + np.minimum(((values - low) * (rows / extent)).astype(int), rows - 1)
    assert set(cells[kept]) == set(cells)
    assert len(kept) <= columns * (rows + 4)


def test_400_000_points_become_thousands_and_one_spike_among_them_stays():
    times = np.arange(400_000, dtype=np.int64)
    values = np.sin(times / 1000.0)
    values[123_456] = 99.0
    kept = thin_points(times, values, (0, 399_999), 1400)
    assert len(kept) <= 5600
    assert 123_456 in kept


def test_points_at_one_moment_are_one_column():
    times, values = np.full(50, 7, dtype=np.int64), np.arange(50.0)
    assert values[thin_points(times, values, (7, 7), 100)].tolist() == [0.0, 49.0]


def test_no_points_stay_none():
    assert len(thin_points(np.empty(0, np.int64), np.empty(0), SPAN, 10, 10)) == 0


def windows(starts, means, *, length=10, counts=None) -> Windows:
    start, mean = np.array(starts, dtype=np.int64), np.array(means, dtype=float)
    count = np.ones_like(start) if counts is None else np.array(counts, dtype=np.int64)
    return Windows(start, start + length, count, mean, mean - 1, mean + 1, np.full(len(mean), 0.5))


def test_windows_of_a_column_are_merged_exactly():
    merged = merge_windows(windows([0, 10, 20, 60, 70], [1, 2, 6, 4, 8], counts=[1, 1, 2, 3, 1]), (0, 100), 2)
    assert merged.start.tolist() == [0, 60]
    assert merged.end.tolist() == [30, 80]
    assert merged.count.tolist() == [4, 4]
    assert merged.mean.tolist() == [(1 + 2 + 12) / 4, (12 + 8) / 4]
    assert merged.min.tolist() == [0.0, 3.0]
    assert merged.max.tolist() == [7.0, 9.0]


def test_few_windows_are_left_as_they_are():
    few = windows([0, 10, 20, 30], [1, 2, 3, 4])
    assert merge_windows(few, (0, 40), 2) is few


def test_a_gap_breaks_the_line_and_the_usual_step_does_not():
    line = break_at_gaps(windows([0, 10, 20, 200, 210], [1, 2, 3, 4, 5]))
    assert line.start.tolist() == [0, 10, 20, 30, 200, 210]
    assert line.end[3] == 200
    assert line.mean[:3].tolist() + line.mean[4:].tolist() == [1, 2, 3, 4, 5]
    assert np.isnan([line.mean[3], line.min[3], line.max[3]]).all()


@pytest.mark.parametrize("starts", [[0], [0, 10, 20], [0, 100, 200, 300], [0, 5, 10]])
def test_regular_windows_sparse_or_overlapping_are_one_line(starts):
    assert len(break_at_gaps(windows(starts, starts))) == len(starts)


def test_the_deviation_of_merged_windows_is_that_of_all_their_readings():
    generator = np.random.default_rng(5)
    parts = [np.round(1000 + generator.normal(n, 1 + n, size=3 + 2 * n), 3) for n in range(9)]
    start = np.arange(9, dtype=np.int64) * 10
    counts = np.array([len(part) for part in parts])
    statistics = [np.array([f(part) for part in parts]) for f in (np.mean, np.min, np.max, np.std)]
    merged = merge_windows(Windows(start, start + 10, counts, *statistics), (0, 80), 3)
    columns = [np.concatenate(parts[n : n + 3]) for n in (0, 3, 6)]
    assert merged.count.tolist() == [len(column) for column in columns]
    np.testing.assert_allclose(merged.stddev, [column.std() for column in columns], rtol=1e-9)
    np.testing.assert_allclose(merged.mean, [column.mean() for column in columns], rtol=1e-12)


def test_a_gap_has_no_deviation():
    line = break_at_gaps(windows([0, 10, 20, 200], [1, 2, 3, 4]))
    assert np.isnan(line.stddev).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize(("starts", "limit"), [([0], 50), ([0, 10, 20], 50), ([0, 100, 200], 500), ([0, 1, 2], 20)])
def test_the_longest_silence_that_is_no_gap(starts, limit):
    some = windows(starts, starts)
    assert gap_limit(some.start, some.end) == limit
