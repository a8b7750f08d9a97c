"""The kind of a metric, and its figures."""

import math

import numpy as np
import pytest

from pipeline.suggest.round_numbers import DAY_US, MINUTE_US
from tests.support.recordings import measured, noise, profile_of, recording, wave

COUNT = 2_000
RANDOM = np.random.default_rng(5)
STEADY = noise(COUNT)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("value", STEADY),
        ("value", np.round(STEADY * 2) / 2),
        ("missing", np.full(COUNT, math.nan)),
        ("missing", np.full(COUNT, math.inf)),
        ("few", np.where(np.arange(COUNT) < 99, STEADY, math.nan)),
        ("value", np.where(np.arange(COUNT) < 100, STEADY, math.nan)),
        ("constant", np.full(COUNT, 7.5)),
        ("boolean", RANDOM.integers(0, 2, COUNT).astype(float)),
        ("counter", np.cumsum(RANDOM.exponential(1, COUNT))),
        ("counter", np.cumsum(RANDOM.integers(0, 2, COUNT)).astype(float)),
        ("counter", np.cumsum(RANDOM.exponential(1, COUNT)) % 900),
        ("value", np.cumsum(RANDOM.normal(0.2, 1, COUNT))),
        ("resting", np.where(np.arange(COUNT) % 250 == 0, 9.0, 2.0)),
        ("resting", np.where(np.arange(COUNT) < COUNT / 2, 9.0, 2.0)),
    ],
)
def test_kinds(kind, values):
    assert profile_of(values).kind == kind


def test_a_constant_of_each_device_is_constant():
    parts = [recording({"m": np.full(COUNT, value)}, devices=(name,)) for name, value in (("a", 1.5), ("b", 2.5))]
    (profile,) = measured(*parts).metrics
    assert (profile.kind, profile.low, profile.high) == ("constant", 1.5, 2.5)


def test_a_counter_grows_on_every_device():
    counts, values = np.cumsum(RANDOM.exponential(1, COUNT)), noise(COUNT)
    parts = [recording({"m": some}, devices=(name,)) for name, some in (("a", counts), ("b", values))]
    assert measured(*parts).metrics[0].kind == "value"


def test_figures():
    values = np.where(np.arange(COUNT) % 4 == 0, math.nan, np.arange(COUNT) % 100)
    profile = profile_of(values, 30)
    known = values[~np.isnan(values)]
    assert (profile.readings, profile.missing, profile.low, profile.high) == (1_500, 0.25, 1, 99)
    assert (profile.q01, profile.median, profile.q99) == tuple(np.quantile(known, (0.01, 0.5, 0.99)))
    assert profile.interval_us == 40_000_000
    assert profile.spans_us.tolist() == [(COUNT - 2) * 30_000_000]
    assert profile.device_days(DAY_US // 4) == pytest.approx((COUNT - 2) * 30 / 86_400 - 0.25)
    assert (profile.moves, profile.whole, profile.longest_still_us) == (1.0, True, 0)
    changes = np.abs(np.diff(known))
    assert profile.change == pytest.approx(1.2533 * changes.mean())


def test_the_longest_time_without_a_change():
    values = STEADY.copy()
    values[100:131] = 19.75
    assert profile_of(values).longest_still_us == 30 * MINUTE_US


def test_edges_are_those_of_the_device_that_is_furthest():
    parts = [recording({"m": noise(COUNT, mean=mean)}, devices=(name,)) for name, mean in (("a", 10), ("b", 30))]
    (profile,) = measured(*parts).metrics
    assert profile.base == pytest.approx(9.54, abs=0.1)
    assert profile.top == pytest.approx(30.46, abs=0.1)


@pytest.mark.parametrize(
    ("values", "share"), [(STEADY, 1.0), (STEADY + np.arange(COUNT) / 100, 0.28), (STEADY[:150], math.nan)]
)
def test_values_are_settled_if_the_first_half_bounds_the_second(values, share):
    assert profile_of(values).settled == pytest.approx(share, abs=0.02, nan_ok=True)


def test_the_season_is_the_share_of_variance_that_hours_repeat():
    days = 6 * 288
    assert profile_of(wave(days, 300, 1.0), 300).season == pytest.approx(0.5 / 0.54, abs=0.05)
    assert profile_of(noise(days), 300).season < 0.02
    walk = np.cumsum(np.random.default_rng(3).normal(0, 1, days))
    assert profile_of(walk, 300).season < 0.2
    assert math.isnan(profile_of(wave(3 * 288, 300), 300).season)
    assert profile_of(noise(120), 86_400).season == 0
