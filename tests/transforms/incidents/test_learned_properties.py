"""Rules that learn, on any readings: any cut in time gives the same, with the state as bytes in between."""

import math
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rules.conditions import Condition
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual, UnusualKind
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, START, evaluate

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@st.composite
def learned(draw: st.DrawFn) -> Condition:
    """Return a condition whose memory is so short that readings of some hours go through all of it."""
    if draw(st.integers(0, 5)) == 0:
        return LearnedStuck(draw(st.sampled_from([0, HOUR])), draw(st.sampled_from([HOUR, 6 * HOUR])))
    kind: UnusualKind = draw(st.sampled_from(["jump", "level", "drift", "novel", "together"]))
    sensitivity = draw(st.sampled_from([1.0, 2.0, 3.0, 4.0]))
    return Unusual(
        kind=kind,
        sensitivity=sensitivity,
        clear=draw(st.sampled_from([0.5, sensitivity])),
        learn_us=draw(st.sampled_from([0, 30 * MINUTE])),
        half_life_us=draw(st.sampled_from([200 * SECOND, 30 * MINUTE, 2 * HOUR])),
        direction=draw(st.sampled_from(["both", "up", "down"])) if kind in ("jump", "level", "drift") else "both",
        season=draw(st.sampled_from([None, "hour"])) if kind == "level" else None,
        window_us=draw(st.sampled_from([0, 0, 90 * SECOND])) if kind == "novel" else 0,
        span_us=draw(st.sampled_from([0, HOUR])) if kind == "novel" else 0,
        metrics=("temp", "humidity") if kind == "together" else (),
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    conditions = draw(st.lists(learned(), min_size=1, max_size=3))
    rules = [
        Rule(
            f"r{number}",
            "" if isinstance(one, Unusual) and one.metrics else "temp",
            one,
            devices=draw(st.sampled_from([("*",), ("a", "c")])),
            keep_us=draw(st.sampled_from([0, 5 * MINUTE])) if isinstance(one, Unusual) else 0,
            max_gap_us=draw(st.sampled_from([None, 10 * MINUTE])),
        )
        for number, one in enumerate(conditions)
    ]
    return RuleSet(rules, IncidentPolicy(update_every_us=draw(st.sampled_from([MINUTE, HOUR]))))


def series(seed: int) -> list[Sample]:
    """Return readings of up to three devices over some hours: quiet and restless ones, with jumps, gaps and repeats."""
    random = Random(seed)
    devices = random.choice(["a", "ab", "abc"])
    interval = random.choice([20, 60, 300]) * SECOND
    time, found = START + random.randrange(3600) * SECOND, []
    level = {device: random.choice([20.0, 1000.0]) for device in devices}
    quantum = random.choice([0.0, 0.5])
    for _ in range(random.randrange(30, 400)):
        time += random.choice([0, 1, 1, 1, 1, 2, *([60] if random.random() < 0.05 else [])]) * interval
        device = random.choice(devices)
        level[device] += random.gauss(0.0, 0.1) + (random.choice([-9.0, 9.0]) if random.random() < 0.03 else 0.0)
        value = level[device] + random.gauss(0.0, 0.3)
        value = round(value / quantum) * quantum if quantum else value
        read = {"temp": math.nan if random.random() < 0.05 else value}
        if random.random() < 0.7:
            read["humidity"] = 50.0 + random.gauss(0.0, 1.0) - 3.0 * (value - 20.0)
        found.append(Sample(device, time, read))
    return found


samples = st.integers(0, 2**32).map(series)


@given(rule_sets(), samples, st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=120)
def test_any_cut_gives_the_same(rules, readings, cuts):
    first, end = readings[0].time, readings[-1].time + HOUR
    watermarks = sorted(int(first + cut * (end - first)) for cut in cuts)
    assert evaluate(rules, readings, [*watermarks, end]) == evaluate(rules, readings, [end])


@given(rule_sets(), samples)
@settings(max_examples=25)
def test_a_cut_at_each_reading_gives_the_same(rules, readings):
    end = readings[-1].time + HOUR
    watermarks = sorted({reading.time + 1 for reading in readings})
    assert evaluate(rules, readings, [*watermarks, end]) == evaluate(rules, readings, [end])
