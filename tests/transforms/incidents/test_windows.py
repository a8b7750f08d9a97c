"""Statistics of windows by example, times in seconds."""

import statistics
from typing import Any

import numpy as np
import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Statistic, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incidents import SECOND, at, brief, evaluate, temps
from transforms.incidents import quantiles
from transforms.incidents.quantiles import PORTION

ALWAYS = Bounds("above", -1e9)


def window(
    statistic: Statistic,
    bounds: Bounds,
    quantile: float | None = None,
    least: int = 1,
    length: int = 60,
    **seconds: int,
) -> RuleSet:
    times: dict[str, Any] = {f"{name.rstrip('_')}_us": value * SECOND for name, value in seconds.items()}
    return RuleSet([Rule("w", "temp", WindowStatistic(statistic, length * SECOND, bounds, quantile, least), **times)])


@pytest.mark.parametrize(
    ("statistic", "quantile", "expected"),
    [
        ("mean", None, 25.0),
        ("min", None, 10.0),
        ("max", None, 50.0),
        ("stddev", None, statistics.pstdev([20, 50, 10, 20])),
        ("count", None, 4.0),
        ("first", None, 20.0),
        ("last", None, 20.0),
        ("range", None, 40.0),
        ("quantile", 0.5, 20.0),
        ("quantile", 0.75, 27.5),
    ],
)
def test_a_window_is_judged_by_a_statistic_at_its_end(statistic, quantile, expected):
    samples = temps(20, float("nan"), 50, 10, 20, every=12)
    rules = window(statistic, ALWAYS, quantile)
    assert evaluate(rules, samples, [at(60)]) == []
    for cuts in ([at(61)], [at(13), at(60), at(61)], [at(25), at(37), at(61)]):
        (found,) = evaluate(rules, samples, cuts)
        assert (found["state"], found["event_time"], found["opened_at"]) == ("opened", at(60), at(60))
        assert found["value"] == found["worst"] == pytest.approx(expected, rel=1e-12)
        assert found["condition"] == ("median" if quantile == 0.5 else "p75" if quantile else statistic) + " above"


def test_windows_begin_at_full_lengths_since_the_epoch():
    samples = temps((59, 31), (60, 20), (119.9, 20), (120, 40))
    assert brief(evaluate(window("mean", Bounds("above", 30.0)), samples, [at(500)])) == [
        ("opened", 60),
        ("closed", 120),
        ("opened", 180),
    ]


def test_a_window_with_too_few_readings_is_not_judged():
    samples = temps((0, 31), (10, 31), (60, 20), (120, 20), (130, 20))
    rules = window("mean", Bounds("above", 30.0), least=2)
    assert brief(evaluate(rules, samples, [at(500)])) == [("opened", 60), ("closed", 180)]


def test_a_window_without_readings_is_not_judged_not_even_its_count():
    assert evaluate(window("count", Bounds("below", 1.0)), temps((0, 20), (500, 20)), [at(1000)]) == []


def test_for_counts_from_the_first_window_and_gaps_are_missing_windows():
    samples = temps((0, 31), (60, 31), (180, 31), (240, 31))
    hot = Bounds("above", 30.0)
    assert brief(evaluate(window("mean", hot, for_=60), samples, [at(500)])) == [("opened", 120)]
    rules = window("mean", hot, for_=120, max_gap=59)
    assert evaluate(rules, samples, [at(500)]) == []
    rules = window("mean", hot, for_=120, max_gap=60)
    assert brief(evaluate(rules, samples, [at(500)])) == [("opened", 240)]


def test_a_quantile_of_very_many_readings_comes_from_a_sketch():
    values = np.random.default_rng(3).normal(20, 3, 3 * PORTION + 100)
    rules, samples, end = window("quantile", ALWAYS, 0.95, length=3600), temps(*values.tolist(), every=1), at(3601)
    (found,) = evaluate(rules, samples, [end])
    assert evaluate(rules, samples, [at(100), at(PORTION), at(PORTION + 1), at(3 * PORTION + 7), end]) == [found]
    assert np.mean(values <= found["value"]) == pytest.approx(0.95, abs=0.003)
    assert found["value"] != np.quantile(values, 0.95)


@pytest.mark.parametrize("number", [PORTION - 1, PORTION, PORTION + 1, 2 * PORTION, 2 * PORTION + 1])
def test_a_sketch_that_ends_with_a_portion_is_not_lost(number, monkeypatch):
    monkeypatch.setattr(quantiles, "PORTION", 8)
    number = number - PORTION + 8 if number <= PORTION + 1 else number - 2 * PORTION + 16
    samples = temps(*range(number), every=1)
    rules = window("quantile", ALWAYS, 0.5)
    expected = evaluate(rules, samples, [at(61)])
    assert [one["value"] for one in expected] == [pytest.approx((number - 1) / 2, abs=1)]
    for cut in range(1, number + 1):
        assert evaluate(rules, samples, [at(cut), at(61)]) == expected
