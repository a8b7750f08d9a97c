"""Any rules on any readings: equality with the oracle, and with any cut of the readings in time."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import (
    Combination,
    Condition,
    Part,
    Rate,
    Silence,
    Statistic,
    Stuck,
    Threshold,
    WindowStatistic,
)
from telemetry.rules.incident_policy import Flapping, IncidentPolicy
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Job, Sample
from tests.support.incidents import SECOND, START, evaluate, plain
from transforms.incidents.incident_id import incident_id

TEN = 10 * SECOND
BOUNDS = [
    Bounds("above", 30.0),
    Bounds("above", 30.0, clear_low=29.0),
    Bounds("below", 29.0),
    Bounds("below", 29.0, clear_low=30.0),
    Bounds("outside", 28.5, 30.5),
    Bounds("outside", 28.5, 30.5, 29.0, 30.0),
    Bounds("inside", 29.0, 30.0),
    Bounds("inside", 29.0, 30.0, 28.5, 30.5),
]
bounds = st.sampled_from(BOUNDS)
long = st.integers(1, 8).map(lambda tens: tens * TEN)
maybe = st.sampled_from([0, TEN, 2 * TEN, 6 * TEN])
STATISTICS: tuple[Statistic, ...] = ("mean", "min", "max", "stddev", "count", "first", "last", "range")


@st.composite
def windows(draw: st.DrawFn) -> WindowStatistic:
    statistic: Statistic = draw(st.sampled_from([*STATISTICS, "quantile"]))
    where = {"stddev": Bounds("above", 0.77), "count": Bounds("below", 3.0), "range": Bounds("above", 1.25)}
    share = draw(st.sampled_from([0.5, 0.95])) if statistic == "quantile" else None
    length, least = draw(long), draw(st.sampled_from([1, 1, 3]))
    limits = where.get(statistic) or Bounds("above", draw(st.sampled_from([29.3, 30.1])), clear_low=29.2)
    return WindowStatistic(statistic, length, limits, share, least)


def conditions() -> st.SearchStrategy[tuple[str, Condition]]:
    on_temp: st.SearchStrategy[Condition] = st.one_of(
        bounds.map(Threshold),
        st.builds(
            Rate,
            st.sampled_from([Bounds("above", 2.1), Bounds("above", 2.1, clear_low=0.2), Bounds("below", -1.3)]),
            st.sampled_from([6 * TEN, 3600 * SECOND]),
            st.none() | long,
        ),
        st.builds(Stuck, long, st.sampled_from([0.0, 0.0, 0.5])),
        windows(),
    )
    together = st.builds(
        Combination,
        st.sampled_from(["all", "any", "not"]),
        st.tuples(st.builds(Part, st.just("temp"), bounds), st.builds(Part, st.just("humidity"), bounds))
        | st.tuples(st.builds(Part, st.just("temp"), bounds)),
        st.sampled_from([0, TEN, 6 * TEN]),
    )
    silence = st.builds(Silence, long, st.none(), long) | st.builds(
        Silence, st.none(), st.sampled_from([1.5, 3.0]), long
    )
    return st.one_of(
        st.tuples(st.just("temp"), on_temp),
        st.tuples(st.just(""), together),
        st.tuples(st.sampled_from(["", "temp"]), silence),
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    rules = []
    for number in range(draw(st.integers(1, 3))):
        metric, condition = draw(conditions())
        timed = not isinstance(condition, Silence | Stuck)
        own = {}
        if isinstance(condition, Threshold) and draw(st.booleans()):
            own["b"] = draw(st.sampled_from([one for one in BOUNDS if one.comparison == condition.bounds.comparison]))
        rules.append(
            Rule(
                f"r{number}",
                metric,
                condition,
                devices=draw(st.sampled_from([("*",), ("*",), ("a", "c"), ("?",)])),
                except_=draw(st.sampled_from([(), (), ("b",)])),
                for_us=draw(maybe) if timed else 0,
                keep_us=draw(maybe) if timed else 0,
                max_gap_us=draw(st.none() | long) if not isinstance(condition, Silence) else None,
                overrides=own,
            )
        )
    policy = IncidentPolicy(
        reopen_us=draw(maybe),
        update_every_us=draw(st.sampled_from([TEN, 4 * TEN, 30 * TEN])),
        flapping=draw(st.none() | st.builds(Flapping, st.integers(2, 3), long, long)),
    )
    return RuleSet(rules, policy)


values = st.sampled_from([28.0, 28.5, 29.0, 29.5, 30.0, 30.5, 31.0, 30.5, 31.0, math.nan])
steps = st.sampled_from([0, 2, 5, 5, 10, 10, 10, 10, 20, 60, 150])


@st.composite
def drawn_series(draw: st.DrawFn) -> list[Sample]:
    """Return readings in event-time order: of few devices, with repeats, gaps and missing values."""
    devices = draw(st.sampled_from(["a", "ab", "abc"]))
    rows = draw(
        st.lists(st.tuples(st.sampled_from(devices), steps, values, values | st.none()), min_size=1, max_size=30)
    )
    time, found = START + draw(st.integers(0, 30)) * SECOND, []
    for device, elapsed, temp, humidity in rows:
        time += elapsed * SECOND
        read = {"temp": temp} if humidity is None else {"temp": temp, "humidity": humidity}
        found.append(Sample(device, time, read))
    return found


def walked_series(seed: int) -> list[Sample]:
    """Return more readings than can be drawn one by one: values that walk up and down and stay where they are."""
    random = Random(seed)
    devices = random.choice(["a", "ab", "abc"])
    time, found = START + random.randrange(30) * SECOND, []
    level = dict.fromkeys(devices, 29.5)
    restless = random.choice([0.1, 0.4, 0.8])
    for _ in range(random.randrange(40, 160)):
        device = random.choice(devices)
        time += random.choice([0, 2, 5, 5, 5, 10, 10, 10, *([20, 60, 150] if random.random() < 0.3 else [])]) * SECOND
        if random.random() < restless:
            level[device] = min(max(level[device] + random.choice([-1.0, -0.5, 0.5, 1.0]), 28.0), 31.0)
        read = {"temp": math.nan if random.random() < 0.05 else level[device]}
        if random.random() < 0.6:
            read["humidity"] = random.choice([28.5, 29.0, 30.0, 31.0, math.nan])
        found.append(Sample(device, time, read))
    return found


def series() -> st.SearchStrategy[list[Sample]]:
    return drawn_series() | st.integers(0, 2**32).map(walked_series)


def end_of(samples: list[Sample], later: int) -> int:
    return samples[-1].time + 1 + later


@given(rule_sets(), series(), st.sampled_from([0, TEN, 30 * TEN]), st.sampled_from([(), ("a", "d")]))
@settings(max_examples=250)
def test_the_oracle_says_the_same(rules, samples, later, roster):
    watermark = end_of(samples, later)
    expected = Job(rules, samples, watermark, roster).run()
    found = evaluate(rules, samples, [watermark], roster)
    assert plain(found) == plain(expected)
    metrics = {rule.id: rule.metric for rule in rules.rules}
    for one in found:
        metric = metrics[one["rule_id"]]
        assert one["incident_id"] == incident_id(one["rule_id"], one["device"], metric, one["opened_at"])


@given(rule_sets(), series(), st.lists(st.integers(0, 200), max_size=8), st.sampled_from([(), ("a", "d")]))
@settings(max_examples=150)
def test_any_cut_gives_the_same(rules, samples, cuts, roster):
    end = end_of(samples, 12 * TEN)
    watermarks = sorted(min(START + cut * 5 * SECOND + cut % 2, end) for cut in cuts)
    assert evaluate(rules, samples, [*watermarks, end], roster) == evaluate(rules, samples, [end], roster)


@given(rule_sets(), series())
@settings(max_examples=40)
def test_a_cut_at_each_reading_gives_the_same(rules, samples):
    end = end_of(samples, 0)
    watermarks = sorted({sample.time + 1 for sample in samples})
    assert evaluate(rules, samples, watermarks) == evaluate(rules, samples, [end])


@pytest.mark.parametrize("statistic", [*STATISTICS])
def test_every_statistic_has_columns(statistic):
    rules = RuleSet([Rule("r", "temp", WindowStatistic(statistic, TEN, Bounds("above", 0.5)))])
    samples = [Sample("a", START + second * SECOND, {"temp": 1.0 + second}) for second in range(25)]
    assert plain(evaluate(rules, samples, [end_of(samples, TEN)])) == plain(
        Job(rules, samples, end_of(samples, TEN)).run()
    )
