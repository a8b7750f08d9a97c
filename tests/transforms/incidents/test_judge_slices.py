"""Slices of any size give the transitions of all readings at once."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backtest.time_order import TimeOrder
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesTimeline
from tests.support.backtests import ALL_CONDITIONS
from tests.support.incident_oracle import Job, Sample
from tests.support.incidents import METRICS, at, is_apart, rows_of, told_of_roster, transitions
from transforms.incidents.judge_slices import SliceJudge

RULES = parse_rules(ALL_CONDITIONS)


def walk(seed: int) -> list[Sample]:
    """Readings of some devices, with repeats, gaps and missing values, in the order of time."""
    random = Random(seed)
    second, found, level = 0.0, [], dict.fromkeys("abc", 29.0)
    for _ in range(200):
        device = random.choice("abc")
        second += random.choice([0, 2, 5, 5, 10, 10, *([60, 150] if random.random() < 0.1 else [])])
        if random.random() < 0.6:
            level[device] = min(max(level[device] + random.choice([-1.0, -0.5, 0.5, 1.0]), 28.0), 31.5)
        read = {} if random.random() < 0.1 else {"temp": level[device]}
        if random.random() < 0.6:
            read["humidity"] = random.choice([28.5, 29.0, 30.0])
        found.append(Sample(device, at(second), read))
    return found


def judged(samples: list[Sample], *, run_rows: int, block_rows: int, slice_rows: int) -> list[dict[str, Any]]:
    with TimeOrder(METRICS, run_rows=run_rows, block_rows=block_rows) as order:
        for start in range(0, len(samples), 7):
            order.add(rows_of(samples[start : start + 7]))
        judge = SliceJudge(RulesTimeline.always(RULES), order.first_us)
        told = [one for part in order.slices(slice_rows) for one in transitions(judge.judge(part))]
        return sorted([*told, *transitions(judge.finish())], key=in_order)


def in_order(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["event_time"], one["device"], one["rule_id"], one["sequence"]


@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 40), st.integers(1, 90))
@settings(max_examples=40)
def test_slices_make_no_difference(seed, run_rows, block_rows, slice_rows):
    samples = walk(seed)
    once = judged(samples, run_rows=1_000, block_rows=1_000, slice_rows=1_000)
    assert judged(samples, run_rows=run_rows, block_rows=block_rows, slice_rows=slice_rows) == once
    times = {(one.device, one.time) for one in samples}
    if len(times) == len(samples):  # else the order decides which reading counts
        shuffled = samples.copy()
        Random(seed).shuffle(shuffled)
        assert judged(shuffled, run_rows=run_rows, block_rows=block_rows, slice_rows=slice_rows) == once


def test_the_transitions_are_those_of_the_oracle():
    samples = walk(7)
    expected = Job(RULES, samples, samples[-1].time + 1, ("a", "b", "never-seen")).run()
    found = judged(samples, run_rows=50, block_rows=10, slice_rows=30)
    assert {one["rule_id"] for one in found} == {rule.id for rule in RULES.rules}
    names = ("device", "rule_id", "state", "sequence", "event_time", "opened_at", "closed_at", "readings")
    apart = told_of_roster(RULES, rows_of(samples), samples[-1].time)
    assert apart
    expected = sorted([*(one for one in expected if not is_apart(RULES, one)), *apart], key=in_order)
    assert [[one[name] for name in names] for one in found] == [[one[name] for name in names] for one in expected]


def test_a_device_of_the_roster_is_missed_from_the_first_reading():
    found = judged([Sample("a", at(second), {"temp": 1.0}) for second in range(0, 100, 10)], run_rows=1_000,
                   block_rows=1, slice_rows=1)  # fmt: skip
    silent = [one for one in found if one["rule_id"] == "silent"]
    assert [(one["device"], one["state"], one["event_time"]) for one in silent] == [("", "opened", at(60))]
    assert silent[0]["readings"] == 2, "of three two never came: the source is silent"
