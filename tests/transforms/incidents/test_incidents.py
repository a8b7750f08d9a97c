"""How incidents are told: ids, updates, reopening, flapping, first-out and staleness. Times are in seconds."""

import hashlib
import struct
from typing import Any

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Silence, Threshold, WindowStatistic
from telemetry.rules.incident_policy import Flapping, IncidentPolicy
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, evaluate, temps

HOT = Rule("hot", "temp", Threshold(Bounds("above", 30.0)), severity="critical")
SILENT = Rule("silent", "", Silence(60 * SECOND))


def rules(*some: Rule, reopen: int = 0, every: int = 100_000, flapping: tuple[int, int, int] | None = None) -> RuleSet:
    flaps = None if flapping is None else Flapping(flapping[0], flapping[1] * SECOND, flapping[2] * SECOND)
    return RuleSet(some or [HOT], IncidentPolicy(reopen * SECOND, every * SECOND, flaps))


def judged(rule_set: RuleSet, samples: list[Sample], end: int = 100_000) -> list[dict[str, Any]]:
    """Return transitions, which are the same if readings come one by one."""
    found = evaluate(rule_set, samples, [at(end)])
    assert evaluate(rule_set, samples, [*sorted({sample.time + 1 for sample in samples}), at(end)]) == found
    return found


def test_a_transition_says_all_of_its_incident():
    rule_set = rules()
    opened, closed = judged(rule_set, temps((0, 31), (10, 33), (20, 20)))
    key = b"hot\0a\0temp" + struct.pack("<q", at(0))
    assert opened == {
        "incident_id": hashlib.blake2b(key, digest_size=16).hexdigest(),
        "sequence": 1,
        "state": "opened",
        "rule_id": "hot",
        "severity": "critical",
        "condition": "above",
        "device": "a",
        "metric": "temp",
        "event_time": at(0),
        "opened_at": at(0),
        "last_at": at(0),
        "closed_at": None,
        "reason": None,
        "value": 31.0,
        "worst": 31.0,
        "threshold": 30.0,
        "threshold_upper": None,
        "score": None,
        "expected": None,
        "spread": None,
        "why": None,
        "readings": 1,
        "first": True,
        "stale": False,
        "flapping": False,
        "rules_version": rule_set.version,
        "job_id": "",
    }
    changed = {"sequence": 2, "state": "closed", "event_time": at(20), "last_at": at(10), "closed_at": at(20)}
    assert closed == opened | changed | {"reason": "clear", "value": 20.0, "worst": 33.0, "readings": 2}


def test_updates_come_at_the_first_reading_after_enough_time():
    samples = temps(*[31] * 10, 20)
    assert brief(judged(rules(every=30), samples)) == [
        ("opened", 0),
        ("updated", 30),
        ("updated", 60),
        ("updated", 90),
        ("closed", 100),
    ]
    found = judged(rules(every=25), temps((0, 31), (24, 35), (26, 32), (50, 31), (51, 30.5)))
    assert [(*one, two["readings"], two["worst"]) for one, two in zip(brief(found), found, strict=True)] == [
        ("opened", 0, 1, 31.0),
        ("updated", 26, 3, 35.0),
        ("updated", 51, 5, 35.0),
    ]


def test_a_reading_that_does_not_breach_updates_an_open_incident_and_is_not_counted():
    hysteresis = Rule("hot", "temp", Threshold(Bounds("above", 30.0, clear_low=25.0)))
    found = judged(rules(hysteresis, every=10), temps(31, 29))
    assert [(one["state"], one["readings"], one["last_at"], one["value"]) for one in found] == [
        ("opened", 1, at(0), 31.0),
        ("updated", 1, at(0), 29.0),
    ]


@pytest.mark.parametrize(("reopen", "ids"), [(0, 2), (19, 2), (20, 1)])
def test_an_opening_soon_after_closing_goes_on_with_the_incident(reopen, ids):
    found = judged(rules(reopen=reopen), temps((0, 33), (10, 20), (30, 31), (40, 20)))
    assert brief(found) == [("opened", 0), ("closed", 10), ("opened", 30), ("closed", 40)]
    assert len({one["incident_id"] for one in found}) == ids
    if ids == 1:
        assert [one["sequence"] for one in found] == [1, 2, 3, 4]
        assert [one["readings"] for one in found] == [1, 1, 2, 2]
        assert {one["worst"] for one in found} == {33.0}
        assert found[2]["closed_at"] is None


def test_a_series_that_flaps_is_one_incident_until_it_is_calm():
    flaps = temps((0, 31), (10, 20), (20, 31), (30, 20), (40, 31), (50, 20), (60, 31), (100, 20), (159, 20), (160, 20))
    found = judged(rules(flapping=(3, 40, 100)), flaps)
    assert brief(found) == [
        ("opened", 0),
        ("closed", 10),
        ("opened", 20),
        ("closed", 30),
        ("opened", 40),
        ("closed", 160),
    ]
    assert [one["flapping"] for one in found] == [False, False, False, False, True, True]
    assert [(one["opened_at"], one["readings"], one["last_at"]) for one in found[4:]] == [
        (at(40), 1, at(40)),
        (at(40), 2, at(60)),
    ]
    assert brief(judged(rules(flapping=(3, 39, 100)), flaps))[5] == ("closed", 50)


def test_an_incident_that_flaps_and_was_open_before_keeps_its_id():
    flaps = temps((0, 31), (10, 20), (20, 31), (30, 20), (200, 20))
    found = judged(rules(reopen=100, flapping=(2, 60, 100)), flaps)
    assert brief(found) == [("opened", 0), ("closed", 10), ("opened", 20), ("closed", 200)]
    assert {one["incident_id"] for one in found} == {found[0]["incident_id"]}


def test_flapping_does_not_close_while_the_condition_holds():
    hysteresis = Rule("hot", "temp", Threshold(Bounds("above", 30.0, clear_low=25.0)))
    samples = temps((0, 31), (10, 20), (20, 31), (200, 29), (210, 25))
    assert brief(judged(rules(hysteresis, flapping=(2, 60, 100)), samples))[-1] == ("closed", 210)


def test_the_earliest_opening_of_a_device_within_a_minute_is_the_first():
    wet = Rule("wet", "humidity", Threshold(Bounds("above", 80.0)))
    samples = [
        *temps((0, 31), (10, 20), (60, 31), (61, 20), (120, 31), (121, 20), (122, 31)),
        *temps((30, 31), device="b"),
    ]
    samples.append(type(samples[0])("a", at(0), {"humidity": 90.0}))
    found = judged(rules(wet, HOT), samples)
    assert [(one["device"], one["rule_id"], one["event_time"] - at(0), one["first"]) for one in found
            if one["state"] == "opened"] == [
        ("a", "wet", 0, True),
        ("a", "hot", 0, False),
        ("b", "hot", 30 * SECOND, True),
        ("a", "hot", 60 * SECOND, False),
        ("a", "hot", 120 * SECOND, True),
        ("a", "hot", 122 * SECOND, False),
    ]  # fmt: skip
    assert [one["first"] for one in found if one["state"] == "closed"] == [False, False, True]


def test_silence_marks_the_incidents_of_its_device_as_stale_and_closes_none():
    samples = [*temps((0, 31), (10, 32), (200, 31), (210, 31), (220, 20)), *temps((0, 31), (50, 31), device="b")]
    found = [one for one in evaluate(rules(HOT, SILENT, every=150), samples, [at(221)]) if one["device"] == "a"]
    assert [(one["rule_id"], one["state"], one["event_time"] - at(0), one["stale"]) for one in found] == [
        ("hot", "opened", 0, False),
        ("hot", "updated", 70 * SECOND, True),
        ("silent", "opened", 70 * SECOND, False),
        ("silent", "closed", 200 * SECOND, False),
        ("hot", "closed", 220 * SECOND, False),
    ]
    stale = found[1]
    assert (stale["readings"], stale["worst"], stale["value"], stale["last_at"]) == (2, 32.0, None, at(10))


def test_silence_of_a_metric_concerns_that_metric_only():
    wet = Rule("wet", "humidity", Threshold(Bounds("above", 80.0)))
    quiet = Rule("quiet", "temp", Silence(60 * SECOND))
    sample = temps(0)[0]
    samples = [type(sample)("a", at(0), {"temp": 31.0, "humidity": 90.0})]
    samples += [type(sample)("a", at(second), {"humidity": 90.0}) for second in range(10, 100, 10)]
    found = evaluate(rules(HOT, wet, quiet), samples, [at(91)])
    assert [(one["rule_id"], one["state"], one["stale"]) for one in found] == [
        ("hot", "opened", False),
        ("wet", "opened", False),
        ("hot", "updated", True),
        ("quiet", "opened", False),
    ]


def test_a_window_that_ends_while_its_device_is_silent_is_stale():
    mean = Rule("mean", "temp", WindowStatistic("mean", 100 * SECOND, Bounds("above", 30.0)))
    found = evaluate(rules(mean, SILENT), temps(31), [at(101)])
    assert [(one["rule_id"], one["event_time"] - at(0), one["stale"]) for one in found] == [
        ("silent", 60 * SECOND, False),
        ("mean", 100 * SECOND, True),
    ]


def test_a_window_that_ends_when_silence_begins_is_judged_before_it():
    mean = Rule("mean", "temp", WindowStatistic("mean", 60 * SECOND, Bounds("above", 30.0)))
    found = evaluate(rules(SILENT, mean), temps(31), [at(61)])
    assert [(one["rule_id"], one["state"], one["event_time"] - at(0), one["stale"]) for one in found] == [
        ("silent", "opened", 60 * SECOND, False),
        ("mean", "opened", 60 * SECOND, False),
        ("mean", "updated", 60 * SECOND, True),
    ]


def test_transitions_are_in_the_order_of_time_device_rule_and_sequence():
    cold = Rule("cold", "temp", Threshold(Bounds("below", 50.0)))
    samples = [sample for device in "ba" for sample in temps((0, 31), (10, 60), device=device)]
    found = evaluate(rules(cold, HOT), samples, [at(100)])
    assert [(one["event_time"] - at(0), one["device"], one["rule_id"]) for one in found] == [
        (0, "a", "cold"),
        (0, "a", "hot"),
        (0, "b", "cold"),
        (0, "b", "hot"),
        (10 * SECOND, "a", "cold"),
        (10 * SECOND, "b", "cold"),
    ]
