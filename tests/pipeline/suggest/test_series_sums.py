"""Sums of series against plain Python, and cut anywhere."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.suggest.round_numbers import HOUR_US
from pipeline.suggest.series_sums import SeriesSums
from telemetry.arrays import FloatArray

VALUES = st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.5, math.nan]), min_size=1, max_size=30)


def summed(columns: list[list[float]], cuts: list[int]) -> tuple[SeriesSums, list[FloatArray]]:
    """Add the values of each device, which come every three hours, in slices of time."""
    sums = SeriesSums()
    sums.grow(len(columns))
    changes = []
    longest = max(map(len, columns))
    for start, end in pairwise([0, *sorted(cuts), longest]):
        rows = [(device, at) for device, some in enumerate(columns) for at in range(start, min(end, len(some)))]
        if rows:
            device, at = np.array(rows).T
            value = np.array([columns[d][t] for d, t in rows])
            changes.append(sums.add(device.astype(np.int32), at * 3 * HOUR_US, value))
    return sums, changes


@settings(deadline=None, max_examples=60)
@given(st.lists(VALUES, min_size=1, max_size=3), st.lists(st.integers(0, 30), max_size=3))
def test_sums_are_those_of_plain_python(columns, cuts):
    sums, _ = summed(columns, cuts)
    for device, column in enumerate(columns):
        found = {name: field[device] for name, field in sums.columns.items()}
        known = [(at, value) for at, value in enumerate(column) if not math.isnan(value)]
        assert found["readings"] == len(known)
        if not known:
            continue
        values = [value for _, value in known]
        changes = [after - before for before, after in pairwise(values)]
        moved = [known[0][0], *(at for (at, _), change in zip(known[1:], changes, strict=True) if change)]
        still = max(at - max(one for one in moved if one <= at) for at, _ in known)
        distances = [value - values[0] for value in values]
        assert (found["low"], found["high"], found["first"], found["last"]) == (
            min(values), max(values), values[0], values[-1],
        )  # fmt: skip
        assert (found["rises"], found["falls"]) == (sum(c > 0 for c in changes), sum(c < 0 for c in changes))
        assert math.isclose(found["steps"], sum(map(abs, changes)))
        assert found["longest_us"] == still * 3 * HOUR_US
        assert (found["first_us"], found["last_us"]) == tuple(at * 3 * HOUR_US for at in (known[0][0], known[-1][0]))
        assert (found["fractions"], found["others"]) == (values.count(2.5), values.count(2.5))
        assert math.isclose(found["squares"], sum(d * d for d in distances))
        by_hour = np.zeros((2, 24))
        for (at, _), distance in zip(known, distances, strict=True):
            by_hour[at * 3 // 24 % 2, at * 3 % 24] += distance
        np.testing.assert_allclose(found["hours"], by_hour, atol=1e-9)


def test_changes_are_those_between_values_also_across_slices():
    _, changes = summed([[1.0, math.nan, 3.0, 3.0]], [1])
    np.testing.assert_array_equal(np.concatenate(changes), [math.nan, math.nan, 2.0, 0.0])
