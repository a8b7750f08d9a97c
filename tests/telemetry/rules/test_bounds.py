"""Evaluate threshold rules at every edge of their bounds."""

import fnmatch
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Threshold
from telemetry.rules.errors import RuleError
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.rules import threshold_rule

NAN, INF = math.nan, math.inf
BELOW_30, ABOVE_30 = math.nextafter(30.0, -INF), math.nextafter(30.0, INF)


@pytest.mark.parametrize(
    ("comparison", "bounds", "breaching", "fine"),
    [
        ("above", (30.0, None), [ABOVE_30, 31.0, INF], [30.0, BELOW_30, -0.0, -INF, NAN]),
        ("below", (30.0, None), [BELOW_30, -0.0, -INF], [30.0, ABOVE_30, INF, NAN]),
        ("outside", (10.0, 30.0), [9.9, ABOVE_30, INF, -INF], [10.0, 20.0, 30.0, NAN]),
        ("inside", (10.0, 30.0), [10.0, 20.0, 30.0], [9.9, ABOVE_30, INF, -INF, NAN]),
        ("inside", (0.0, 0.0), [0.0, -0.0], [5e-324, -5e-324, NAN]),
        ("outside", (0.0, 0.0), [5e-324, -5e-324], [0.0, -0.0, NAN]),
    ],
)
def test_every_edge_of_every_comparison(comparison, bounds, breaching, fine):
    rule = threshold_rule("r", "temp", comparison, *bounds)
    assert rule.breaches(np.array(breaching)).tolist() == [True] * len(breaching)
    assert rule.breaches(np.array(fine)).tolist() == [False] * len(fine)


@given(
    st.lists(st.floats(), max_size=20),
    st.sampled_from(["above", "below", "outside", "inside"]),
    st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)).map(sorted),
)
def test_arrays_are_compared_like_single_values(values, comparison, bounds):
    low, high = bounds
    meanings: dict[str, Callable[[float], bool]] = {
        "above": lambda x: x > low,
        "below": lambda x: x < low,
        "outside": lambda x: x < low or x > high,
        "inside": lambda x: low <= x <= high,
    }
    found = threshold_rule("r", "temp", comparison, low, high).breaches(np.array(values))
    assert found.tolist() == [meanings[comparison](value) for value in values]
    assert found.shape == (len(values),)


@pytest.mark.parametrize(
    ("bounds", "clear", "not_clear"),
    [
        (Bounds("above", 30.0), [30.0, BELOW_30, -INF], [ABOVE_30, INF, NAN]),
        (Bounds("below", 30.0), [30.0, ABOVE_30, INF], [BELOW_30, -INF, NAN]),
        (Bounds("outside", 10.0, 30.0), [10.0, 20.0, 30.0], [9.9, ABOVE_30, INF, -INF, NAN]),
        (Bounds("inside", 10.0, 30.0), [9.9, ABOVE_30, INF, -INF], [10.0, 30.0, NAN]),
        (Bounds("above", 31.0, None, 30.0), [30.0, -INF], [ABOVE_30, 31.0, 32.0, NAN]),
        (Bounds("below", 29.0, None, 30.0), [30.0, INF], [BELOW_30, 29.0, 28.0, NAN]),
        (Bounds("outside", 0.0, 40.0, 10.0, 30.0), [10.0, 30.0], [9.9, ABOVE_30, 0.0, 40.0, NAN]),
        (Bounds("outside", 0.0, 30.0, 10.0), [10.0, 30.0], [9.9, ABOVE_30, NAN]),
        (Bounds("inside", 15.0, 25.0, 10.0, 30.0), [9.9, ABOVE_30], [10.0, 30.0, 12.0, NAN]),
        (Bounds("inside", 15.0, 30.0, 10.0), [9.9, ABOVE_30], [10.0, 30.0, NAN]),
    ],
)
def test_every_edge_of_clear(bounds, clear, not_clear):
    assert bounds.clears(np.array(clear)).tolist() == [True] * len(clear)
    assert bounds.clears(np.array(not_clear)).tolist() == [False] * len(not_clear)
    assert not bounds.breaches(np.array(clear)).any()


@given(
    st.lists(st.floats(), max_size=20),
    st.sampled_from(["above", "below", "outside", "inside"]),
    st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)).map(sorted),
)
def test_without_clear_each_value_breaches_or_clears_but_nan(values, comparison, bounds):
    bound = Bounds(comparison, bounds[0], bounds[1] if comparison in ("outside", "inside") else None)
    array = np.array(values, np.float64)
    assert (bound.breaches(array) ^ bound.clears(array)).tolist() == (~np.isnan(array)).tolist()


@pytest.mark.parametrize(
    ("bounds", "moved_to", "expected"),
    [
        (Bounds("above", 30.0), (40.0, None), Bounds("above", 40.0)),
        (Bounds("above", 30.2, None, 29.7), (31.1, None), Bounds("above", 31.1, None, 30.6)),
        (Bounds("outside", 0.0, 40.0, 10.0, 30.0), (5.0, 60.0), Bounds("outside", 5.0, 60.0, 15.0, 50.0)),
        (Bounds("inside", 0.1, 0.4, None, 0.5), (0.2, 0.5), Bounds("inside", 0.2, 0.5, None, 0.6)),
    ],
)
def test_clear_keeps_its_distance_from_a_bound_that_moves(bounds, moved_to, expected):
    assert bounds.moved(*moved_to) == expected


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats()), max_size=20),
    st.sampled_from([Bounds("above", 3.0, None, 2.5), Bounds("below", 3.0), Bounds("outside", 1.0, 3.0, 1.5),
                     Bounds("inside", 1.0, 3.0, None, 3.5)]),
)  # fmt: skip
def test_bounds_of_devices_are_compared_like_those_of_one(readings, bounds):
    names = ["a", "b", "c", "d", "e"]
    upper = bounds.high is not None
    overrides = {"b": bounds.moved(0.0, 9.0 if upper else None), "e": bounds.moved(-2.5, 0.5 if upper else None)}
    rule = Rule("r", "temp", Threshold(bounds), overrides=overrides)
    device, values = np.array([code for code, _ in readings], np.int32), np.array([value for _, value in readings])
    found = rule.bounds_for(names)
    one_by_one = [(rule.bounds_of(names[code]), np.array([value])) for code, value in readings]
    assert found.breaches(values, device).tolist() == [bool(own.breaches(value)[0]) for own, value in one_by_one]
    assert found.clears(values, device).tolist() == [bool(own.clears(value)[0]) for own, value in one_by_one]
    assert rule.bounds_for([]).low.shape == (0,)


@pytest.mark.parametrize(
    ("globs", "device", "matches"),
    [
        (("*",), "", True),
        (("b8:*",), "b8:27", True),
        (("b8:*",), "B8:27", False),
        (("b8:*",), "xb8:27", False),
        (("sensor-?",), "sensor-1", True),
        (("sensor-?",), "sensor-12", False),
        (("sensor-[12]",), "sensor-2", True),
        (("sensor-[!12]",), "sensor-2", False),
        (("a", "b"), "b", True),
        (("a", "b"), "ab", False),
        (("[*]",), "*", True),
        (("[*]",), "x", False),
    ],
)
def test_devices_are_globs_in_the_case_they_are_written(globs, device, matches):
    rule = threshold_rule("r", "temp", "above", 30.0, devices=globs)
    assert rule.matches(device) is matches
    assert rule.matches_all is (globs == ("*",))


@given(st.text(max_size=5), st.text("ab*?[]!-", max_size=5))
def test_a_rule_that_matches_all_matches_whatever_it_is_called(device, glob):
    rule = threshold_rule("r", "temp", "above", 30.0, devices=(glob, "*"))
    assert rule.matches_all
    assert rule.matches(device)
    alone = threshold_rule("r", "temp", "above", 30.0, devices=(glob,))
    assert alone.matches(device) is fnmatch.fnmatchcase(device, glob)


def test_a_rule_on_a_metric_that_is_not_decoded_is_named():
    rules = RuleSet([threshold_rule("a", "temp", "above", 1.0), threshold_rule("b", "tmp", "above", 1.0)])
    rules.check_metrics(["temp", "tmp"])
    with pytest.raises(RuleError, match=r"^rule 'b': metric 'tmp' is not one of temp, co$"):
        rules.check_metrics(["temp", "co"])
