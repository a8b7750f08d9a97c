import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.batches import BY_MINUTE, METRICS, MINUTE, NAN, Row, batch_of
from transforms.shuffle.shards import shard_of
from transforms.windows import aggregate_table
from transforms.windows.aggregate_table import (
    ANOMALIES,
    COUNT,
    FIRST,
    FIRST_US,
    LAST,
    LAST_US,
    M2,
    MAX,
    MEAN,
    MIN,
    AggregateTable,
    aggregate_batch,
    merge_tables,
    split_table,
    spread_windows,
)
from transforms.windows.table_bytes import encode_table
from transforms.windows.window_spec import WindowSpec

Group = tuple[str, str, int]
"""Device, metric, start of the window in microseconds."""


class Stats(NamedTuple):
    number: int
    mean: float
    stddev: float
    low: float
    high: float
    first: float
    last: float
    first_us: int
    last_us: int
    anomalies: int


def groups_of(table: AggregateTable) -> dict[Group, Stats]:
    """All that a table says of groups with readings, by group; no group may be there twice."""
    found = {}
    for g in range(len(table)):
        for m, metric in enumerate(table.metrics):
            floats, ints = table.floats[:, m, g].tolist(), table.ints[:, m, g].tolist()
            key = (table.devices[table.device[g]], metric, int(table.window_us[g]))
            assert key not in found
            if ints[COUNT]:
                stddev = math.sqrt(floats[M2] / ints[COUNT])
                times = ints[FIRST_US], ints[LAST_US], ints[ANOMALIES]
                found[key] = Stats(
                    ints[COUNT], floats[MEAN], stddev, floats[MIN], floats[MAX], floats[FIRST], floats[LAST], *times
                )
            else:
                assert floats == [0.0, 0.0, math.inf, -math.inf, math.inf, -math.inf]
                assert ints == [0, 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min]
    return found


def numpy_groups(rows: Sequence[Row], size_us: int, slide_us: int, breaches: Sequence[int] = ()) -> dict[Group, Stats]:
    """The same from the definition: all values of a group at once."""
    found: dict[Group, list[tuple[int, float, int]]] = defaultdict(list)
    for n, (device, moment, *values) in enumerate(rows):
        for k in range(size_us // slide_us):
            for metric, value in zip(METRICS, values, strict=True):
                if value == value:
                    hot = breaches[n] if breaches and metric == "temp" else 0
                    found[device, metric, moment - moment % slide_us - k * slide_us].append((moment, value, hot))
    whole = {}
    for key, readings in found.items():
        numbers = np.array([value for _, value, _ in readings])
        times = [moment for moment, _, _ in readings]
        first_us, last_us = min(times), max(times)
        whole[key] = Stats(
            len(numbers),
            float(numbers.mean()),
            float(numbers.std()),
            float(numbers.min()),
            float(numbers.max()),
            min(value for moment, value, _ in readings if moment == first_us),
            max(value for moment, value, _ in readings if moment == last_us),
            first_us,
            last_us,
            sum(hot for _, _, hot in readings),
        )
    return whole


SMALLEST_DEVIATION = 1.5e-154
"""Deviations below this have squares smaller than the smallest normal double, of which digits are lost."""


def assert_same(found: dict[Group, Stats], expected: dict[Group, Stats], tolerance: float = 1e-12) -> None:
    """Exact but for mean and deviation, which may be off by `tolerance` of the group's largest value."""
    assert found.keys() == expected.keys()
    for key, stats in expected.items():
        assert found[key]._replace(mean=0.0, stddev=0.0) == stats._replace(mean=0.0, stddev=0.0), key
        scale = max(abs(stats.low), abs(stats.high))
        assert abs(found[key].mean - stats.mean) <= tolerance * scale, key
        assert abs(found[key].stddev - stats.stddev) <= 1e4 * tolerance * scale + SMALLEST_DEVIATION, key


VALUES = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 20.5, 21.0]), st.just(NAN))
TIMES = st.one_of(st.integers(0, 4 * MINUTE), st.sampled_from([0, 1, MINUTE - 1, MINUTE, 3 * MINUTE]))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "ä"]), TIMES, VALUES, VALUES), min_size=1, max_size=40)


@given(ROWS)
def test_one_batch_equals_numpy(rows):
    assert_same(groups_of(aggregate_batch(batch_of(rows), BY_MINUTE)), numpy_groups(rows, MINUTE, MINUTE))


@given(ROWS, st.booleans())
def test_a_batch_is_bit_for_bit_what_merging_its_readings_one_by_one_is(rows, some_hot):
    batch = batch_of(rows)
    if some_hot:
        batch = replace(batch, breaches=np.arange(batch.values.size, dtype=np.uint16).reshape(batch.values.shape) % 3)
    singles = [aggregate_batch(batch.select(np.array([n])), BY_MINUTE) for n in range(len(rows))]
    whole, merged = aggregate_batch(batch, BY_MINUTE), merge_tables(singles)
    assert (whole.metrics, whole.devices) == (merged.metrics, merged.devices)
    for name in ("device", "window_us", "floats", "ints"):
        one, other = getattr(whole, name), getattr(merged, name)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()), name


@given(st.data(), ROWS)
def test_parts_in_any_split_order_and_nesting_equal_the_whole(data, rows):
    order = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=6)))
    pieces = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    tables = [aggregate_batch(batch_of(piece), BY_MINUTE) for piece in pieces if piece]
    while len(tables) > 1:  # a tree of any shape: merge any few of them, then go on
        some = data.draw(st.integers(2, len(tables)))
        tables = [*tables[some:], merge_tables(tables[:some])]
    assert_same(groups_of(tables[0]), numpy_groups(rows, MINUTE, MINUTE))


@given(ROWS, st.sampled_from([1, 2, 3]))
def test_large_tables_are_merged_a_few_metrics_at_a_time_bit_for_bit_as_small_ones(rows, at_once):
    singles = [aggregate_batch(batch_of([row]), BY_MINUTE) for row in rows]
    together = merge_tables(singles)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregate_table, "_VALUES_AT_ONCE", at_once * len(rows))
        apart = merge_tables(singles)
    assert encode_table(apart) == encode_table(together)


@given(ROWS)
def test_merging_is_the_same_from_either_side(rows):
    half = len(rows) // 2
    tables = [aggregate_batch(batch_of(part), BY_MINUTE) for part in (rows[:half], rows[half:]) if part]
    there, back = groups_of(merge_tables(tables)), groups_of(merge_tables(tables[::-1]))
    assert_same(there, back)


@given(ROWS, st.sampled_from([1, 2, 3, 6]))
def test_sliding_windows_equal_numpy(rows, copies):
    table = spread_windows(aggregate_batch(batch_of(rows), BY_MINUTE), WindowSpec(copies * MINUTE, MINUTE))
    assert_same(groups_of(table), numpy_groups(rows, copies * MINUTE, MINUTE))


@given(ROWS, ROWS, st.sampled_from([1, 3]))
def test_spreading_before_or_after_merging_is_the_same(some, others, copies):
    tables = [aggregate_batch(batch_of(rows), BY_MINUTE) for rows in (some, others)]
    before = merge_tables([spread_windows(table, WindowSpec(copies * MINUTE, MINUTE)) for table in tables])
    after = spread_windows(merge_tables(tables), WindowSpec(copies * MINUTE, MINUTE))
    assert_same(groups_of(before), groups_of(after))


@given(st.data(), ROWS)
def test_anomalies_are_added_up(data, rows):
    breaches = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    breaches = [number if row[3] == row[3] else 0 for number, row in zip(breaches, rows, strict=True)]
    flags = np.zeros((2, len(rows)), np.uint16)
    flags[METRICS.index("temp")] = breaches
    whole = replace(batch_of(rows), breaches=flags)
    parts = [whole.select(np.arange(len(rows)) % 2 == n) for n in range(2)]
    tables = [aggregate_batch(part, BY_MINUTE) for part in parts if len(part)]
    assert_same(groups_of(merge_tables(tables)), numpy_groups(rows, MINUTE, MINUTE, breaches))


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
def test_a_large_offset_does_not_ruin_the_deviation(offset):
    noise = np.random.default_rng(3).normal(0.0, 0.5, 10_000)
    rows = [("a", n, offset + value, value) for n, value in enumerate(noise.tolist())]
    tables = [aggregate_batch(batch_of(rows[start : start + 7]), BY_MINUTE) for start in range(0, len(rows), 7)]
    found = groups_of(merge_tables([merge_tables(tables[:900]), merge_tables(tables[900:])]))
    exact = np.array([row[2] for row in rows])
    assert found["a", "humidity", 0].stddev == pytest.approx(exact.std(), rel=1e-8)
    assert found["a", "humidity", 0].stddev == pytest.approx(0.5, rel=0.02)
    assert found["a", "humidity", 0].mean == pytest.approx(exact.mean(), rel=1e-15)


def test_equal_values_have_no_deviation():
    tables = [aggregate_batch(batch_of([("a", n, 51.0, 22.7)]), BY_MINUTE) for n in range(1_000)]
    found = groups_of(merge_tables(tables))
    assert found["a", "humidity", 0].stddev == 0.0
    assert found["a", "temp", 0].stddev < 1e-12


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
@pytest.mark.parametrize("together", [True, False])
def test_first_is_the_smaller_and_last_the_larger_of_a_tie(order, together):
    rows: list[Row] = [("a", 5, NAN, 21.0), ("a", 5, NAN, 19.0), ("a", 9, NAN, 18.0), ("a", 9, NAN, 20.0)]
    shuffled = [rows[n] for n in order]
    parts = [shuffled] if together else [[row] for row in shuffled]
    table = merge_tables([aggregate_batch(batch_of(part), BY_MINUTE) for part in parts])
    assert groups_of(table)["a", "temp", 0] == Stats(
        number=4, mean=19.5, stddev=math.sqrt(1.25), low=18.0, high=21.0, first=19.0, last=20.0, first_us=5, last_us=9,
        anomalies=0,
    )  # fmt: skip


def test_nan_is_missing():
    rows: list[Row] = [("a", 0, NAN, NAN), ("a", 1, 50.0, NAN), ("a", 2, NAN, NAN), ("b", 3, NAN, NAN)]
    table = aggregate_batch(batch_of(rows), BY_MINUTE)
    assert groups_of(table) == {("a", "humidity", 0): Stats(1, 50.0, 0.0, 50.0, 50.0, 50.0, 50.0, 1, 1, 0)}
    assert groups_of(merge_tables([table, table]))["a", "humidity", 0].number == 2


def test_a_table_is_sorted_by_window_and_has_each_group_once():
    rows: list[Row] = [("b", MINUTE, 1.0, 1.0), ("a", 0, 1.0, 1.0), ("b", 0, 1.0, 1.0), ("b", MINUTE + 1, 3.0, 1.0)]
    table = aggregate_batch(batch_of(rows), BY_MINUTE)
    assert table.window_us.tolist() == [0, 0, MINUTE]
    assert groups_of(table)["b", "humidity", MINUTE].mean == 2.0


@given(ROWS, st.sampled_from([1, 2, 5]), st.sampled_from([MINUTE, 2 * MINUTE, 60 * MINUTE]), st.sampled_from([1, 3]))
def test_a_table_is_split_into_its_groups_by_shard_and_time_bucket(rows, shards, bucket_us, copies):
    table = spread_windows(aggregate_batch(batch_of(rows), BY_MINUTE), WindowSpec(copies * MINUTE, MINUTE))
    parts = list(split_table(table, shards, bucket_us))
    keys = [(shard, bucket) for shard, bucket, _ in parts]
    assert len(set(keys)) == len(keys)
    found: dict[Group, Stats] = {}
    for shard, bucket, part in parts:
        inside = groups_of(part)
        assert {shard_of(device, shards) for device, _, _ in inside} <= {shard}
        assert {window_us // bucket_us for window_us in part.window_us.tolist()} == {bucket}
        assert len(set(part.devices)) == len(part.devices)
        assert sorted(set(part.device.tolist())) == list(range(len(part.devices))), "only the devices it needs"
        assert (np.diff(part.window_us) >= 0).all()
        assert not found.keys() & inside.keys()
        found |= inside
    assert found == groups_of(table)
    assert groups_of(merge_tables([part for _, _, part in parts])) == groups_of(table)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (slice(0, 2), [("a", 0), ("b", 0)]),
        (slice(1, 3), [("b", 0), ("c", MINUTE)]),
        (np.array([True, False, True, False]), [("a", 0), ("c", MINUTE)]),
        (np.array([3, 0]), [("b", 2 * MINUTE), ("a", 0)]),
        (np.array([1, 3]), [("b", 0), ("b", 2 * MINUTE)]),
    ],
)
def test_selecting_groups_keeps_what_they_say(groups, names):
    rows: list[Row] = [("a", 0, 3.0, 4.0), ("b", 0, 1.0, 2.0), ("c", MINUTE, 5.0, NAN), ("b", 2 * MINUTE, 7.0, 8.0)]
    table = aggregate_batch(batch_of(rows), BY_MINUTE)
    part = table.select(groups)
    assert [(part.devices[code], start) for code, start in zip(part.device, part.window_us, strict=True)] == names
    assert set(part.devices) == {device for device, _ in names}
    assert groups_of(part) == {key: stats for key, stats in groups_of(table).items() if (key[0], key[2]) in names}


def test_a_device_has_the_same_shard_in_every_process():
    assert [shard_of(name, 7) for name in ("b8:27:eb:bf:9d:51", "00:0f:00:70:91:0a", "ä device")] == [3, 6, 0]
    assert {shard_of(f"device {n}", 5) for n in range(100)} == set(range(5))
    assert shard_of("any", 1) == 0
