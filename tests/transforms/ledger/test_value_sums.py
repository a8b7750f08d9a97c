"""Sums of values by hour: the same from readings and from their windows, however the readings are divided."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.batches import MINUTE, NAN, batch_of
from transforms.ledger.checksums import signed, text_hashes, unit_weights, window_hashes
from transforms.ledger.hour_sums import Sums, added, wrapped
from transforms.ledger.value_sums import ValueSums, sums_of_readings, sums_of_table
from transforms.windows.aggregate_table import aggregate_batch, merge_tables, spread_windows
from transforms.windows.window_spec import WindowSpec

HOUR = 60 * MINUTE
values = st.one_of(st.just(NAN), st.floats(-1e6, 1e6))
rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "ü"]), st.integers(0, 4 * HOUR), values, values), min_size=1, max_size=40
)
specs = st.sampled_from(
    [WindowSpec(MINUTE, MINUTE, 0, None), WindowSpec(3 * MINUTE, MINUTE, 0, None), WindowSpec(2 * HOUR, HOUR, 0, None)]
)


def total(parts) -> dict[tuple[int, str], Sums]:
    found: dict[tuple[int, str], Sums] = {}
    for one in parts:
        sums = Sums(one.count, one.total, one.weighted, one.low, one.high, one.checksum)
        key = (one.hour_us, one.metric)
        found[key] = added(found[key], sums) if key in found else sums
    return found


def same(found: dict[tuple[int, str], Sums], expected: dict[tuple[int, str], Sums]) -> None:
    assert found.keys() == expected.keys()
    for key, sums in found.items():
        other = expected[key]
        assert (sums.count, sums.low, sums.high, sums.checksum) == (
            other.count, other.low, other.high, other.checksum
        )  # fmt: skip
        assert (sums.total, sums.weighted) == pytest.approx((other.total, other.weighted), rel=1e-9, abs=1e-4)


@settings(deadline=None)
@given(rows, specs, st.integers(1, 5))
def test_readings_and_their_windows_have_the_same_sums(readings, spec, parts):
    batches = [batch_of(readings[n::parts]) for n in range(parts) if readings[n::parts]]
    tables = [spread_windows(aggregate_batch(one, spec), spec) for one in batches]
    whole = total(sums_of_readings(batch_of(readings), spec))
    same(total(one for batch in batches for one in sums_of_readings(batch, spec)), whole)
    same(total(sums_of_table(merge_tables(tables))), whole)


def test_the_sums_of_a_few_readings_are_these():
    batch = batch_of([("a", 1, 50.0, 20.0), ("b", 2, NAN, 10.0), ("a", HOUR, 51.0, 30.0)])
    one, two, three = window_hashes(text_hashes(["a", "b", "a"]), np.array([0, 0, HOUR]))
    weights = unit_weights(np.array([one, two, three]))
    assert sorted(sums_of_readings(batch, WindowSpec(MINUTE, MINUTE, 0, None)), key=str) == sorted(
        [
            ValueSums(0, "humidity", 1, 50.0, 50 * weights[0], 50.0, 50.0, signed(one)),
            ValueSums(0, "temp", 2, 30.0, 20 * weights[0] + 10 * weights[1], 10.0, 20.0, signed(one + two)),
            ValueSums(HOUR, "humidity", 1, 51.0, 51 * weights[2], 51.0, 51.0, signed(three)),
            ValueSums(HOUR, "temp", 1, 30.0, 30 * weights[2], 30.0, 30.0, signed(three)),
        ],
        key=str,
    )


def test_weights_are_spread_over_one_to_two():
    weights = unit_weights(window_hashes(text_hashes([f"d{n}" for n in range(2000)]), np.arange(2000) * MINUTE))
    assert ((weights >= 1) & (weights < 2)).all()
    counts: dict[Any, Any] = defaultdict(int)
    for weight in weights.tolist():
        counts[int(weight * 10)] += 1
    assert sorted(counts) == list(range(10, 20))
    assert min(counts.values()) > 120


def test_checksums_wrap_around():
    assert wrapped(2**63) == -(2**63)
    assert wrapped(-(2**63) - 1) == 2**63 - 1
    assert signed(np.uint64(2**64 - 1)) == -1
