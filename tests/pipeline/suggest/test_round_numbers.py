"""Round numbers: what a person would write, never exponents, always outwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.suggest.round_numbers import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    longer_duration,
    round_bounds,
    round_digits,
    shorter_duration,
    shown,
    shown_share,
)
from telemetry.text.marked_yaml import read_yaml


@pytest.mark.parametrize(
    ("time_us", "longer_us", "shorter_us"),
    [
        (0, SECOND_US, SECOND_US),
        (17_910_000, 20 * SECOND_US, 15 * SECOND_US),
        (20 * SECOND_US, 20 * SECOND_US, 20 * SECOND_US),
        (40 * MINUTE_US, HOUR_US, 30 * MINUTE_US),
        (29 * DAY_US, 56 * DAY_US, 28 * DAY_US),
    ],
)
def test_durations(time_us, longer_us, shorter_us):
    assert (longer_duration(time_us), shorter_duration(time_us)) == (longer_us, shorter_us)


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (15.5, 33.5, 3.0, ("15", "34")),
        (0.00012, 0.01502, 0.0027, ("0", "0.016")),
        (15.51, 16.9, 0.13, ("15.5", "16.9")),
        (-3.21, 1.1, 1.1, ("-3.5", "1.5")),
        (12_345.0, 67_890.0, 14_000.0, ("10000", "70000")),
        (-0.0, 4.0e-9, 1.0e-9, ("0", "0.000000004")),
    ],
)
def test_bounds(low, high, margin, expected):
    assert round_bounds(low, high, margin) == expected


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_bounds_lie_outside_by_less_than_the_margin_and_are_numbers_for_yaml(low, width):
    margin = width / 4
    lower, upper = (read_yaml(text) for text in round_bounds(low, low + width, margin))
    tiny = 1e-9 * max(abs(low), width)
    assert low - margin - tiny <= lower <= low + tiny
    assert low + width - tiny <= upper <= low + width + margin + tiny


@pytest.mark.parametrize(
    ("value", "up", "expected"),
    [
        (0.0, True, "0"),
        (1234.0, True, "1300"),
        (1234.0, False, "1200"),
        (0.0001239, False, "0.00012"),
        (7.0, True, "7"),
    ],
)
def test_digits(value, up, expected):
    assert round_digits(value, up=up) == expected


def test_numbers_of_comments():
    assert [shown(one) for one in (0.00123456, 20.0, 9999.4, 12_345.6)] == ["0.001235", "20", "9999", "12346"]
    assert [shown_share(one) for one in (0.00123, 0.0999, 0.456, 1.0)] == ["0.12 %", "10 %", "46 %", "100 %"]
