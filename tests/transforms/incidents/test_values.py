"""Rates and stuck values by example, times in seconds."""

import math
from typing import Any

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Rate, Stuck
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, evaluate, temps

NAN = math.nan


def rate(bounds: Bounds, over: int | None = None, max_gap: int | None = None, **seconds: int) -> RuleSet:
    condition = Rate(bounds, 60 * SECOND, None if over is None else over * SECOND)
    gap = None if max_gap is None else max_gap * SECOND
    times: dict[str, Any] = {f"{name.rstrip('_')}_us": value * SECOND for name, value in seconds.items()}
    return RuleSet([Rule("fast", "temp", condition, max_gap_us=gap, **times)])


def stuck(for_: int, within: float = 0.0, max_gap: int | None = None) -> RuleSet:
    gap = None if max_gap is None else max_gap * SECOND
    return RuleSet([Rule("stuck", "temp", Stuck(for_ * SECOND, within), max_gap_us=gap)])


def judged(rules: RuleSet, samples: list[Sample]) -> list[tuple[Any, ...]]:
    """Return the state, time and value of each transition, whether readings come at once or one by one."""
    end = samples[-1].time + 1
    found = evaluate(rules, samples, [end])
    assert evaluate(rules, samples, sorted({sample.time + 1 for sample in samples})) == found
    return [(*told, one["value"]) for told, one in zip(brief(found), found, strict=True)]


def test_a_rate_compares_with_the_reading_before():
    # 1 in 10 s are 6 a minute.
    assert judged(rate(Bounds("above", 5.9)), temps(20, 21, 21.5)) == [("opened", 10, 6.0), ("closed", 20, 3.0)]
    assert judged(rate(Bounds("above", 6.0)), temps(20, 21, 21.5)) == []
    assert judged(rate(Bounds("below", -5.9)), temps(20, 19, 19)) == [("opened", 10, -6.0), ("closed", 20, 0.0)]


def test_a_missing_value_is_no_reading_to_compare_with():
    assert judged(rate(Bounds("above", 2.9)), temps(20, NAN, 21)) == [("opened", 20, 3.0)]


def test_a_rate_over_a_time_compares_with_the_latest_reading_that_is_old_enough():
    samples = temps((0, 20), (10, 30), (31, 30), (40, 30), (41, 31))
    # At 31 with 0, at 40 with 10, at 41 with 10.
    assert judged(rate(Bounds("above", 1.0), over=30), samples) == [
        ("opened", 31, 10 / (31 / 60)),
        ("closed", 40, 0.0),
        ("opened", 41, 1 / (31 / 60)),
    ]
    assert judged(rate(Bounds("above", 1.0), over=31), samples) == [("opened", 31, 10 / (31 / 60))]


def test_nothing_is_compared_across_a_gap():
    samples = temps((0, 20), (31, 30), (41, 40))
    assert judged(rate(Bounds("above", 1.0), max_gap=30), samples) == [("opened", 41, 60.0)]
    assert judged(rate(Bounds("above", 1.0), max_gap=31), samples)[0][1] == 31
    assert judged(rate(Bounds("above", 1.0), over=20, max_gap=30), samples) == []
    assert judged(rate(Bounds("above", 1.0), over=20, max_gap=31), samples)[0][1] == 31


def test_a_gap_begins_for_anew_though_the_reading_after_it_has_no_rate():
    samples = temps((0, 0), (10, 10), (20, 20), (60, 30), (70, 40), (80, 50))
    assert judged(rate(Bounds("above", 1.0), for_=20), samples) == [("opened", 60, 15.0)]
    assert judged(rate(Bounds("above", 1.0), max_gap=30, for_=10), samples)[0][1] == 20
    assert judged(rate(Bounds("above", 1.0), max_gap=30, for_=20), samples) == []


def test_equal_values_are_stuck_from_the_first_of_them():
    samples = temps(20, 21, 21, 21, 21, 22, 22)
    found = evaluate(stuck(20), samples, [at(100)])
    assert brief(found) == [("opened", 30), ("closed", 50)]
    assert [(one["opened_at"], one["last_at"]) for one in found] == [(at(10), at(30)), (at(10), at(40))]
    assert [(one["readings"], one["value"], one["worst"]) for one in found] == [(3, 21.0, None), (4, 22.0, None)]
    assert judged(stuck(20), samples) == [("opened", 30, 21.0), ("closed", 50, 22.0)]


def test_a_missing_value_does_not_move():
    assert judged(stuck(20), temps(21, NAN, 21)) == [("opened", 20, 21.0)]


def test_values_are_compared_with_the_first_one_of_the_run():
    # Each step is small, but the third value is too far from the first one.
    assert judged(stuck(20, within=0.5), temps(20, 20.4, 20.8, 20.9, 21.2)) == [("opened", 40, 21.2)]
    assert judged(stuck(20, within=0.5), temps(20, 20.5, 19.5)) == [("opened", 20, 19.5)]


@pytest.mark.parametrize("within", [0.0, 0.5])
def test_a_gap_begins_a_run_and_closes_nothing(within):
    samples = temps((0, 20), (10, 20), (50, 20), (60, 20), (70, 20), (120, 20), (130, 25))
    assert judged(stuck(20, within, max_gap=30), samples) == [("opened", 70, 20.0), ("closed", 130, 25.0)]
    assert judged(stuck(20, within), samples) == [("opened", 50, 20.0), ("closed", 130, 25.0)]
