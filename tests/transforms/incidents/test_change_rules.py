"""Other rules come into force while incidents are pending and open. Times are in seconds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Silence, Threshold
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, rows_of, step, temps, transitions
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state

Told = list[dict[str, Any]]
HOT = Rule("hot", "temp", Threshold(Bounds("above", 30.0)))
SLOW = replace(HOT, for_us=20 * SECOND)


def begin(samples: Sequence[Sample], watermark: float, *rules: Rule) -> tuple[IncidentState, Told]:
    rule_set = RuleSet(rules)
    state, _ = with_rules(rule_set)
    return step(rule_set, state, samples, watermark)


def change(state: IncidentState, *rules: Rule, roster: tuple[str, ...] = ()) -> tuple[RuleSet, IncidentState, Told]:
    rule_set = RuleSet(rules)
    state, batch = with_rules(rule_set, decode_incident_state(encode_incident_state(state)), roster)
    return rule_set, state, transitions(batch)


def test_what_is_pending_under_a_changed_rule_is_dropped():
    state, _ = begin(temps(31, 31), 11, SLOW)
    rules, state, told = change(state, replace(SLOW, keep_us=SECOND))
    _, later = step(rules, state, temps((20, 31), (40, 31)), 41)
    assert told == []
    assert brief(later) == [("opened", 40)]
    assert later[0]["opened_at"] == at(20)


def test_what_is_pending_under_an_unchanged_rule_goes_on():
    state, _ = begin(temps(31, 31), 11, SLOW)
    rules, state, _ = change(state, Rule("new", "humidity", Threshold(Bounds("above", 80.0))), SLOW)
    _, later = step(rules, state, temps((20, 31)), 21)
    assert brief(later) == [("opened", 20)]
    assert later[0]["opened_at"] == at(0)


def test_an_open_incident_of_a_changed_rule_lives_on():
    state, (opened,) = begin(temps(31, 35), 11, HOT)
    rules, state, told = change(state, replace(HOT, condition=Threshold(Bounds("above", 33.0)), severity="critical"))
    assert told == []
    _, (closed,) = step(rules, state, temps((20, 34), (30, 32)), 31)
    assert (closed["incident_id"], closed["sequence"], closed["state"]) == (opened["incident_id"], 2, "closed")
    assert (closed["readings"], closed["worst"], closed["threshold"], closed["severity"]) == (3, 35.0, 33.0, "critical")
    assert closed["rules_version"] == rules.version != opened["rules_version"]


def test_an_open_incident_of_a_rule_that_is_gone_is_closed():
    state, (opened,) = begin(temps(31, 35), 11, HOT)
    rules, state, (closed,) = change(state, replace(HOT, id="other"))
    changed = {
        "sequence": 2,
        "state": "closed",
        "event_time": at(11),
        "closed_at": at(11),
        "reason": "rule-changed",
        "last_at": at(10),
        "value": None,
        "worst": 35.0,
        "threshold": None,
        "readings": 2,
        "rules_version": rules.version,
    }
    assert closed == opened | changed
    assert "hot" not in state.rules
    assert brief(step(rules, state, temps((20, 31)), 21)[1]) == [("opened", 20)]


@pytest.mark.parametrize(
    "rule", [replace(HOT, except_=("a",)), replace(HOT, metric="humidity"), replace(HOT, devices=("b",))]
)
def test_an_open_incident_of_a_series_that_its_rule_no_longer_judges_is_closed(rule):
    state, _ = begin(temps(31), 1, HOT)
    rules, state, (closed,) = change(state, rule)
    assert (closed["reason"], closed["metric"], closed["device"]) == ("rule-changed", "temp", "a")
    assert step(rules, state, temps((20, 20)), 21)[1] == []


def test_a_changed_rule_on_silence_remembers_when_it_heard_of_each_device():
    state, _ = begin(temps(20), 50, Rule("silent", "", Silence(60 * SECOND)))
    longer, state, _ = change(state, Rule("silent", "", Silence(80 * SECOND)))
    assert brief(step(longer, state, [], 100)[1]) == [("opened", 80)]
    # The deadline of the shorter limit has passed before the rule was in force.
    shorter, state, _ = change(state, Rule("silent", "", Silence(30 * SECOND)))
    _, (opened,) = step(shorter, state, [], 100)
    assert (opened["event_time"], opened["opened_at"]) == (at(50), at(0))


def test_a_new_rule_on_silence_knows_the_devices_that_were_seen():
    state, _ = begin(temps(20), 50, HOT)
    rules, state, _ = change(state, HOT, Rule("silent", "", Silence(60 * SECOND)))
    assert brief(step(rules, state, [], 100)[1]) == [("opened", 60)]


def test_a_new_roster_has_its_grace_time_from_when_its_rule_came_into_force():
    state, _ = begin(temps(20), 50, HOT)
    rule = Rule("silent", "", Silence(1000 * SECOND, None, 60 * SECOND), devices=("b",))
    rules, state, _ = change(state, HOT, rule, roster=("a", "b"))
    assert brief(step(rules, state, [], 200)[1]) == [("opened", 110)]


def test_a_silent_device_stays_silent_under_a_changed_rule():
    state, (opened,) = begin(temps(20), 100, Rule("silent", "", Silence(60 * SECOND)))
    rules, state, _ = change(state, Rule("silent", "", Silence(80 * SECOND)))
    _, (closed,) = step(rules, state, temps((200, 20)), 201)
    assert (closed["incident_id"], closed["state"]) == (opened["incident_id"], "closed")


def test_an_incident_lives_on_under_another_condition():
    state, _ = begin(temps(20), 100, Rule("one", "temp", Silence(60 * SECOND)))
    rules, state, _ = change(state, Rule("one", "temp", Threshold(Bounds("above", 30.0))))
    _, (closed,) = step(rules, state, temps((200, 20)), 201)
    assert (closed["opened_at"], closed["last_at"], closed["readings"]) == (at(0), at(0), 0)


def test_the_state_of_other_rules_is_refused():
    state, _ = begin([], 1, HOT)
    with pytest.raises(ValueError, match="the state is of other rules: hot"):
        advance(RuleSet([SLOW]), state, rows_of([]), at(10))
