"""Evaluate threshold rules at every edge of their bounds."""

import fnmatch
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.rules.errors import RuleError
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
