"""Portions of bounded input are aggregated before they are shuffled."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.batches import BY_MINUTE, MINUTE, Row, batch_of
from transforms.shuffle.shards import shard_of
from transforms.windows.aggregate_table import COUNT, aggregate_batch
from transforms.windows.portion_aggregate import (
    PortionAggregate,
    PortionAggregator,
    decode_portion,
    encode_portion,
    merge_portions,
)
from transforms.windows.table_bytes import decode_table

HOUR = 60 * MINUTE
MANY: list[Row] = [("a", n * MINUTE, 1.0, 2.0) for n in range(100)]


def partials_of(portions: list[list[Row]], max_groups: int = 1_000) -> list[PortionAggregate]:
    """The partial aggregates of portions of which each row is a batch."""
    aggregator = PortionAggregator(1, 100 * HOUR, max_groups)
    found: list[tuple[int, int, PortionAggregate]] = []
    for number, rows in enumerate(portions):
        for row in rows:
            found += aggregator.add(number, aggregate_batch(batch_of([row]), BY_MINUTE))
    return [partial for _, _, partial in [*found, *aggregator.flush()]]


def summary_of(portions: list[list[Row]], max_groups: int = 1_000) -> list[tuple[int, int, int]]:
    """(portion, sequence, readings of the first metric) of their partial aggregates."""
    return [
        (partial.portion, partial.sequence, int(decode_table(partial.table).ints[COUNT, 0].sum()))
        for partial in partials_of(portions, max_groups)
    ]


def test_a_portion_is_one_partial_aggregate():
    assert summary_of([MANY]) == [(0, 0, 100)]
    assert summary_of([MANY[:50], MANY[50:]]) == [(0, 0, 50), (1, 0, 50)]
    assert summary_of([]) == []


def test_a_portion_of_many_windows_is_several():
    assert summary_of([MANY], max_groups=20) == [(0, 0, 31), (0, 1, 31), (0, 2, 31), (0, 3, 7)]
    few: list[Row] = [("a", n % 10 * MINUTE, 1.0, 2.0) for n in range(100)]
    assert summary_of([few], max_groups=20) == [(0, 0, 100)], "many readings, but few windows"


def test_partial_aggregates_are_divided_by_shard_and_hour():
    aggregator = PortionAggregator(2, HOUR)
    rows: list[Row] = [("a", 0, 1.0, 2.0), ("c", HOUR, 1.0, 2.0), ("a", 2 * HOUR + 1, 1.0, 2.0)]
    assert list(aggregator.add(7, aggregate_batch(batch_of(rows), BY_MINUTE))) == []
    keys = [(shard, bucket, partial.portion) for shard, bucket, partial in aggregator.flush()]
    one, other = shard_of("a", 2), shard_of("c", 2)
    assert sorted(keys) == sorted([(other, 1, 7), (one, 0, 7), (one, 2, 7)])


@given(order=st.permutations(range(8)))
def test_not_a_digit_depends_on_the_order_of_delivery(order):
    values = np.random.default_rng(3).normal(0.0, 1e3, 200).tolist()
    rows: list[Row] = [("a", n % 5 * MINUTE, value, value) for n, value in enumerate(values)]
    partials = partials_of([rows[:90], rows[90:]], max_groups=5)
    assert len(partials) >= len(order)
    expected = merge_portions(partials)
    found = merge_portions([*(partials[n] for n in order), *partials[len(order) :]])
    assert found.floats.tobytes() == expected.floats.tobytes()


def test_bytes_and_back():
    (partial,) = partials_of([MANY])
    assert decode_portion(encode_portion(partial)) == partial
