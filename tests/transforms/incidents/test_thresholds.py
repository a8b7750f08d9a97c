"""Bounds, hysteresis and delays: every edge by example, times in seconds."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Silence, Threshold
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support import needs
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, evaluate, temps
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.watched_rows import WatchedRows

NAN = math.nan
MINUTE = 60 * SECOND


def rule(bounds: Bounds | None = None, **seconds: int) -> RuleSet:
    times: dict[str, Any] = {f"{name.rstrip('_')}_us": value * SECOND for name, value in seconds.items()}
    return RuleSet([Rule("hot", "temp", Threshold(bounds or Bounds("above", 30.0)), **times)])


def told(rules: RuleSet, samples: list[Sample], end: int = 10_000) -> list[tuple[str, float | None]]:
    return brief(evaluate(rules, samples, [at(end)]))


@pytest.mark.parametrize(
    ("bounds", "values", "expected"),
    [
        (Bounds("above", 30.0), (30, 30.1, 30), [("opened", 10), ("closed", 20)]),
        (Bounds("above", 30.0, clear_low=29.0), (31, 29.1, 29), [("opened", 0), ("closed", 20)]),
        (Bounds("below", 10.0), (10, 9.9, 10), [("opened", 10), ("closed", 20)]),
        (Bounds("below", 10.0, clear_low=11.0), (9, 10.9, 11), [("opened", 0), ("closed", 20)]),
        (Bounds("outside", 10.0, 30.0), (10, 30, 9, 10), [("opened", 20), ("closed", 30)]),
        (Bounds("outside", 10.0, 30.0, 11.0, 29.0), (9, 10.9, 29.1, 11), [("opened", 0), ("closed", 30)]),
        (Bounds("inside", 10.0, 30.0), (9, 10, 30, 31), [("opened", 10), ("closed", 30)]),
        (Bounds("inside", 10.0, 30.0, 9.0, 31.0), (10, 9, 31, 31.1), [("opened", 0), ("closed", 30)]),
    ],
)
def test_a_value_equal_to_the_bound(bounds, values, expected):
    assert told(rule(bounds), temps(*values)) == expected


def test_for_opens_at_the_first_reading_that_is_old_enough_and_names_the_first_one():
    found = evaluate(rule(for_=20), temps(31, 32, 33, 34, 20), [at(100)])
    assert brief(found) == [("opened", 20), ("closed", 40)]
    assert [(one["opened_at"], one["last_at"]) for one in found] == [(at(0), at(20)), (at(0), at(30))]
    assert [(one["readings"], one["worst"], one["value"]) for one in found] == [(3, 33.0, 33.0), (4, 34.0, 20.0)]


def test_a_reading_that_does_not_breach_ends_what_is_pending():
    assert told(rule(for_=20), temps(31, 31, 30, 31, 31)) == []


def test_a_reading_between_bound_and_clear_ends_what_is_pending_but_no_incident():
    hysteresis = Bounds("above", 30.0, clear_low=29.0)
    assert told(rule(hysteresis, for_=20), temps(31, 31, 29.5, 31, 31)) == []
    assert told(rule(hysteresis), temps(31, 29.5, 29.5)) == [("opened", 0)]


def test_keep_closes_at_the_first_reading_that_is_clear_for_long_enough():
    assert told(rule(keep=20), temps(31, 20, 20, 31, 20, 20, 20)) == [("opened", 0), ("closed", 60)]


def test_a_reading_between_clear_and_bound_begins_keep_anew():
    hysteresis = Bounds("above", 30.0, clear_low=29.0)
    assert told(rule(hysteresis, keep=20), temps(31, 20, 20, 29.5, 20, 20, 20)) == [("opened", 0), ("closed", 60)]


def test_a_missing_value_neither_opens_nor_closes_nor_ends_a_run():
    assert told(rule(for_=20), temps(31, NAN, 31)) == [("opened", 20)]
    assert told(rule(), temps(31, NAN, NAN)) == [("opened", 0)]
    assert told(rule(keep=20), temps(31, 20, NAN, 20)) == [("opened", 0), ("closed", 30)]


def test_a_gap_begins_for_anew_and_closes_nothing():
    gaps = temps((0, 31), (10, 31), (41, 31), (61, 31))
    assert told(rule(for_=20, max_gap=30), gaps) == [("opened", 61)]
    assert told(rule(for_=20, max_gap=31), gaps) == [("opened", 41)]
    assert told(rule(max_gap=30), temps((0, 31), (1000, 31), (1010, 20)))[0] == ("opened", 0)
    assert told(rule(max_gap=30), temps((0, 31), (200, 31), (210, 20))) == [("opened", 0), ("closed", 210)]


def test_a_gap_does_not_begin_keep_anew():
    assert told(rule(keep=20, max_gap=15), temps((0, 31), (10, 20), (40, 20))) == [("opened", 0), ("closed", 40)]


@pytest.mark.parametrize(
    ("silence", "opened"),
    [
        (Rule("s", "", Silence(30 * SECOND)), 61),
        (Rule("s", "temp", Silence(30 * SECOND)), 61),
        (Rule("s", "humidity", Silence(30 * SECOND)), 41),
        (Rule("s", "", Silence(30 * SECOND), devices=("b",)), 41),
        (Rule("s", "", Silence(31 * SECOND)), 41),
    ],
)
def test_the_limit_of_silence_is_the_longest_gap_where_a_rule_states_none(silence, opened):
    rules = RuleSet([*rule(for_=20).rules, silence])
    found = evaluate(rules, temps((0, 31), (10, 31), (41, 31), (61, 31)), [at(62)])
    assert [one["event_time"] for one in found if one["rule_id"] == "hot" and one["state"] == "opened"] == [at(opened)]


def test_of_readings_at_the_same_time_the_first_one_counts():
    assert told(rule(), temps((0, 20), (0, 31), (10, 31), (10, 20))) == [("opened", 10)]
    assert told(rule(), temps((0, NAN), (0, 31))) == [("opened", 0)]


def test_readings_of_one_call_may_come_in_any_order():
    samples = temps((30, 20), (0, 20), (20, 31), (10, 31))
    assert told(rule(), samples) == [("opened", 10), ("closed", 30)]


def test_single_devices_have_their_own_bounds():
    own = {"b": Bounds("above", 40.0), "c": Bounds("above", 20.0)}
    rules = RuleSet([Rule("hot", "temp", Threshold(Bounds("above", 30.0)), overrides=own)])
    samples = [*temps(35, device="a"), *temps(35, device="b"), *temps(25, device="c")]
    found = evaluate(rules, samples, [at(5)])
    assert [(one["device"], one["threshold"]) for one in found] == [("a", 30.0), ("c", 20.0)]


def test_a_rule_applies_to_some_devices():
    rules = RuleSet([Rule("hot", "temp", Threshold(Bounds("above", 30.0)), devices=("?",), except_=("b",))])
    samples = [sample for device in ("aa", "c", "b", "a") for sample in temps(31, device=device)]
    assert [one["device"] for one in evaluate(rules, samples, [at(5)])] == ["a", "c"]


@pytest.mark.parametrize(
    ("bounds", "values", "worst"),
    [
        (Bounds("above", 30.0), (31, 33, 32), 33.0),
        (Bounds("below", 10.0), (9, 7, 8), 7.0),
        (Bounds("outside", 10.0, 30.0), (31, 8, 31.5), 8.0),
        (Bounds("inside", 10.0, 30.0), (11, 19, 29), 19.0),
    ],
)
def test_the_worst_value_is_the_furthest_beyond_the_bound(bounds, values, worst):
    clear = {"above": 0.0, "below": 50.0, "outside": 20.0, "inside": 50.0}[bounds.comparison]
    found = evaluate(rule(bounds), temps(*values, clear), [at(100)])
    assert [one["worst"] for one in found] == [float(values[0]), worst]
    cut = evaluate(rule(bounds), temps(*values, clear), [at(5), at(15), at(25), at(100)])
    assert cut == found


@pytest.mark.parametrize(
    ("clear", "for_us", "keep_us", "incidents"),
    [(None, 0, 0, 33), (None, 0, 5 * MINUTE, 3), (29.5, 0, 0, 8), (None, MINUTE, 0, 11)],
)
def test_the_founding_data_has_a_few_incidents(clear, for_us, keep_us, incidents):
    """The numbers were found by a loop over its readings, before this package was written."""
    bounds = Bounds("above", 30.0, clear_low=clear)
    rules = RuleSet([Rule("hot", "temp", Threshold(bounds), for_us=for_us, keep_us=keep_us)])
    frame = pd.read_csv(needs.data("telemetry_full.csv.gz"), usecols=["ts", "device", "temp"])
    codes, names = pd.factorize(frame["device"])
    times = (frame["ts"] * 1e6).round().to_numpy(np.int64)
    values = frame["temp"].to_numpy(np.float64)[np.newaxis]
    rows = WatchedRows(("temp",), tuple(names), codes.astype(np.int32), times, values)
    state, _ = with_rules(rules)
    _, batch = advance(rules, state, rows, int(times.max()) + 1)
    assert batch is not None
    assert len(set(batch.column("incident_id").to_pylist())) == incidents
    assert batch.column("state").to_pylist().count("closed") == incidents


def test_what_has_no_reading_before_the_watermark_is_not_judged():
    assert evaluate(rule(), [Sample("a", at(10), {"temp": 31.0})], [at(10)]) == []
