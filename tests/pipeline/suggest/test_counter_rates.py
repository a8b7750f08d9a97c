"""Rates of counters between the ends of blocks, however the readings are cut."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.suggest.counter_rates import CounterRates, measure_rates
from pipeline.suggest.round_numbers import HOUR_US, MINUTE_US
from tests.support.recordings import Values, ordered, recording
from transforms.incidents.time_slices import SLICE_ROWS

COUNT = 600
STEADY: Values = np.arange(COUNT, dtype=np.float64) * 3.0  # 3 in a minute


def rates_of(
    values: Values,
    over_us: int,
    gaps: Sequence[int] = (),
    devices: Sequence[str] = ("a", "b"),
    slice_rows: int = SLICE_ROWS,
) -> CounterRates:
    with ordered(recording({"m": values}, 60, devices, gaps), block_rows=slice_rows) as order:
        return measure_rates(order, ("m",), {"m": (over_us,)}, slice_rows)["m"][0]


def test_a_steady_counter():
    found = rates_of(STEADY, 5 * MINUTE_US)
    assert found.over_us == 5 * MINUTE_US
    assert [rate * HOUR_US for rate in (found.slow, found.median, found.fast)] == pytest.approx([180.0] * 3)


def test_resets_and_gaps_are_no_rate():
    assert rates_of(STEADY % 500, 5 * MINUTE_US).slow * HOUR_US == pytest.approx(180)
    assert rates_of(np.where(np.arange(COUNT) < 300, STEADY, STEADY + 1e6), 5 * MINUTE_US, range(290, 310)).fast * (
        HOUR_US
    ) == pytest.approx(180)


def test_a_stop_and_a_jump_are_seen():
    stops = np.concatenate([STEADY[:300], np.full(100, STEADY[300]), STEADY[300:500]])
    assert rates_of(stops, 5 * MINUTE_US).slow == 0
    jumps = STEADY + np.where(np.arange(COUNT) >= 300, 500, 0)
    assert rates_of(jumps, 5 * MINUTE_US, devices=("a",)).fast * HOUR_US > 5_000


def test_slices_make_no_difference():
    jagged = np.cumsum(np.random.default_rng(1).exponential(1, COUNT))
    assert rates_of(jagged, 5 * MINUTE_US, range(50, 60), slice_rows=70) == rates_of(
        jagged, 5 * MINUTE_US, range(50, 60)
    )


def test_nothing_to_measure():
    assert np.isnan(rates_of(np.full(COUNT, np.nan), MINUTE_US).slow)
    assert np.isnan(rates_of(STEADY, 24 * HOUR_US).median)
