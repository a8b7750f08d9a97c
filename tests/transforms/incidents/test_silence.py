"""Silence by example, times in seconds."""

import math
from dataclasses import replace

import pytest

from telemetry.rules.conditions import Silence
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, evaluate, step, temps
from transforms.incidents.change_rules import with_rules


def silent(for_: int | None = None, intervals: float | None = None, metric: str = "", grace: int = 3600) -> RuleSet:
    condition = Silence(None if for_ is None else for_ * SECOND, intervals, grace * SECOND)
    return RuleSet([Rule("silent", metric, condition)])


def test_silence_opens_at_its_deadline_and_closes_at_the_next_reading():
    found = evaluate(silent(30), temps((0, 20), (100, 20)), [at(101)])
    assert brief(found) == [("opened", 30), ("closed", 100)]
    assert {(one["opened_at"], one["last_at"], one["readings"]) for one in found} == {(at(0), at(0), 0)}
    assert {(one["value"], one["worst"], one["threshold"], one["metric"]) for one in found} == {(None, None, None, "")}


def test_silence_is_noticed_when_nothing_else_comes():
    rules = silent(30)
    state, _ = with_rules(rules)
    state, told = step(rules, state, temps(20), 1)
    assert told == []
    state, told = step(rules, state, [], 30)
    assert told == []  # the device may still send at its deadline
    state, told = step(rules, state, [], 31)
    assert brief(told) == [("opened", 30)]
    state, told = step(rules, state, [], 1000)
    assert told == []


def test_a_reading_at_the_deadline_is_in_time():
    assert evaluate(silent(30), temps((0, 20), (30, 20)), [at(31)]) == []
    assert evaluate(silent(30), temps((0, 20), (30, 20)), [at(30), at(31)]) == []


def test_nothing_is_judged_beyond_the_watermark():
    assert evaluate(silent(30), temps(20), [at(0) + 1]) == []


def test_a_missing_value_is_a_reading_of_the_device_but_not_of_the_metric():
    samples = temps((0, 20), (20, math.nan), (40, 20))
    assert brief(evaluate(silent(30), samples, [at(41)])) == []
    assert brief(evaluate(silent(30, metric="temp"), samples, [at(41)])) == [("opened", 30), ("closed", 40)]


def test_a_metric_that_was_never_sent_is_not_silent():
    assert evaluate(silent(30, metric="humidity"), temps((0, 20), (100, 20)), [at(200)]) == []


def test_a_device_of_the_roster_that_never_sent_has_a_grace_time():
    found = evaluate(silent(30, grace=60), temps((5, 20), (25, 20)), [at(65), at(66)], roster=("b", "a"))
    assert [(one["device"], *told) for one, told in zip(found, brief(found), strict=True)] == [
        ("a", "opened", 55),
        ("b", "opened", 65),
    ]
    assert [one["opened_at"] for one in found] == [at(25), at(5)]


def test_the_roster_waits_for_the_first_reading_of_all():
    assert evaluate(silent(30, grace=60), [], [at(1000)], roster=("a",)) == []


def test_the_start_can_be_told_by_whoever_knows_it():
    rules = silent(30, grace=60)
    state, _ = with_rules(rules, expected=("b",))
    _, told = step(rules, replace(state, start_us=at(-20)), [], 41)
    assert brief(told) == [("opened", 40)]


def test_a_device_is_silent_by_its_own_intervals():
    regular = temps(*[20] * 11, every=5)
    rules = silent(intervals=4.0)
    assert brief(evaluate(rules, [*regular, *temps((200, 20))], [at(201)])) == [("opened", 70), ("closed", 200)]
    assert evaluate(rules, regular[:10], [at(1000)]) == []  # nine intervals are too few


def test_a_long_interval_counts_four_times_the_mean_at_most():
    samples = [*temps(*[20] * 11, every=10), *temps((100 + 1000, 20))]
    weight = 1 - 0.5 ** (1 / 20)
    limit = 2 * (10 + weight * 30)
    found = evaluate(silent(intervals=2.0), samples, [at(2000)])
    assert brief(found) == [("opened", 120), ("closed", 1100), ("opened", int((1100 + limit) * SECOND) / SECOND)]


def test_each_device_has_one_incident_for_all_of_its_metrics():
    samples = [Sample("a", at(0), {"temp": 1.0, "humidity": 2.0}), *temps((0, 1), device="b")]
    assert [one["device"] for one in evaluate(silent(30), samples, [at(100)])] == ["a", "b"]


@pytest.mark.parametrize("cut", [29, 30, 31, 99, 100, 101])
def test_a_cut_changes_nothing(cut):
    samples = temps((0, 20), (100, 20), (120, 20))
    assert evaluate(silent(30), samples, [at(cut), at(200)]) == evaluate(silent(30), samples, [at(200)])
