"""Rules that learn, in situations of sensors: readings each five minutes, and the fields that rules have by default."""

import math
from dataclasses import replace
from itertools import groupby
from random import Random

import pytest

from telemetry.rules.rule_set import RuleSet
from tests.support.incidents import at, brief, evaluate, step
from tests.support.learned_situations import (
    DAY_LONG,
    DAY_S,
    HOUR_S,
    KINDS,
    five_minutely,
    hours,
    noise,
    openings,
    rules_of,
    told_of,
)
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_id import incident_id

pytestmark = pytest.mark.filterwarnings("error")
LEARN_HOURS = {"jump": 1 / 6, "drift": 6.0}
"""Other kinds learn for a day."""


def spiked(days: float, *spikes: float) -> list[float]:
    """Return noise with a reading of 29 at some days."""
    values = noise(days)
    for day in spikes:
        values[round(day * DAY_LONG)] = 29.0
    return values


# How a series begins, pauses and ends


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_told_before_enough_is_learned(kind: str) -> None:
    """Spikes, shifts and runs at any time: the first incident is not before `learn` has passed."""
    random, values = Random(4), list[float]()
    for _ in range(50):
        level = random.choice([20.0, 20.0, 90.0])
        values += [level + random.gauss(0.0, 0.3) for _ in range(random.randrange(2, 12))]
        values += [level] * random.choice([0, 15])
    told = told_of(rules_of(kind), five_minutely(values))
    learned = LEARN_HOURS.get(kind, 24.0)
    assert all(hour >= learned for _, hour in openings(told))
    quick = rules_of(early=KINDS[kind].replace("unusual: {", "unusual: {learn: 0s, sensitivity: 1, "))
    if kind not in ("stuck", "drift"):  # they cannot be told to learn less
        assert openings(told_of(quick, five_minutely(values)))[0][1] < 24.0


def test_quiet_noise_is_no_incident_of_any_kind() -> None:
    assert told_of(rules_of(*KINDS), five_minutely(noise(4))) == []


def test_what_was_usual_is_still_known_after_days_without_readings() -> None:
    before, after = five_minutely(noise(3)), five_minutely(noise(0.5, about=24.0, seed=2), begin=8 * DAY_S)
    told = told_of(rules_of("jump", "level", careful=f"{KINDS['jump']}, max_gap: 1h"), [*before, *after])
    assert openings(told) == [("jump", 192.0), ("level", 192.0)]  # "careful" compares no readings over the gap
    quiet = five_minutely(noise(0.5, seed=2), begin=8 * DAY_S)
    assert told_of(rules_of("jump", "level", "drift"), [*before, *quiet]) == []


def test_a_restart_in_the_middle_of_incidents_changes_nothing() -> None:
    values = noise(3.2)
    values[3 * DAY_LONG :] = [value + 5.0 for value in values[3 * DAY_LONG :]]
    samples, rules = five_minutely(values), rules_of(*KINDS)
    restarts = [at(hour * HOUR_S) for hour in (0.5, 24.01, 72.01, 72.2, 74.0)]
    told = evaluate(rules, samples, [*restarts, samples[-1].time + 1])
    assert {one["rule_id"] for one in told} == {"jump", "level", "hourly", "drift", "novel", "together"}
    assert told == told_of(rules, samples)


def test_a_device_that_comes_later_learns_for_itself() -> None:
    known = five_minutely(spiked(3, 2.5), "known")
    late = five_minutely(spiked(2, 0.5, 1.5), "late", begin=2 * DAY_S)
    told = told_of(rules_of("level"), [*known, *late])
    opened = [(one["device"], hours(one["event_time"])) for one in told if one["state"] == "opened"]
    assert opened == [("known", 60.0), ("late", 84.0)]  # not at 60 hours, when "late" had been there for half a day


def test_a_metric_that_is_always_missing_is_no_incident() -> None:
    rules = rules_of(*(kind for kind in KINDS if kind != "together"))
    assert told_of(rules, five_minutely([math.nan] * (3 * DAY_LONG))) == []


# Rules that change


def changed(rules: RuleSet, spike: float) -> list[tuple[str, float]]:
    """Return the openings after day 3 of readings with a spike, if other rules come into force then."""
    samples = five_minutely(spiked(5, spike))
    state, _ = with_rules(rules_of("jump", "level"))
    state, _ = step(rules_of("jump", "level"), state, samples[: 3 * DAY_LONG], 3 * DAY_S)
    state, _ = with_rules(rules, state)
    _, told = step(rules, state, samples[3 * DAY_LONG :], 6 * DAY_S)
    return openings(told)


@pytest.mark.parametrize(
    "unusual", ["kind: level", "kind: level, sensitivity: 7", "kind: level, direction: up, clear: 1"]
)
def test_a_rule_that_learns_the_same_goes_on(unusual: str) -> None:
    other = rules_of("jump", level=f"metric: temp, unusual: {{{unusual}}}, severity: critical")
    assert changed(other, 3.5) == [("jump", 84.0), ("level", 84.0)]


@pytest.mark.parametrize("unusual", ["kind: level, half_life: 25h", "kind: level, season: hour"])
def test_a_rule_that_learns_something_else_begins_anew_and_others_go_on(unusual: str) -> None:
    other = rules_of("jump", level=f"metric: temp, unusual: {{{unusual}}}")
    assert changed(other, 3.5) == [("jump", 84.0)]
    assert changed(other, 4.5) == [("jump", 108.0), ("level", 108.0)]


def test_a_device_that_is_shelved_is_forgotten_and_others_are_not() -> None:
    rules = rules_of("level")
    shelved = RuleSet([replace(rule, shelved=("a",)) for rule in rules.rules], rules.incidents)
    samples = [*five_minutely(spiked(6, 3.5, 4.5, 5.5), "a"), *five_minutely(spiked(6, 3.5, 4.5, 5.5), "b")]
    state, _ = with_rules(rules)
    told = []
    for begin, end, in_force in ((0, 3, rules), (3, 4, shelved), (4, 6, rules)):
        state, _ = with_rules(in_force, state)
        now = [one for one in samples if at(begin * DAY_S) <= one.time < at(end * DAY_S)]
        state, found = step(in_force, state, now, end * DAY_S)
        told += [(one["device"], hours(one["event_time"]) / 24) for one in found if one["state"] == "opened"]
    assert told == [("b", 3.5), ("b", 4.5), ("a", 5.5), ("b", 5.5)]


# Sensors


def test_a_sensor_of_half_degrees_that_repeats_itself_for_long_is_quiet() -> None:
    random, level, values = Random(3), 20.0, list[float]()
    for _ in range(4 * DAY_LONG):
        level += random.gauss(0.0, 0.06) - 0.05 * (level - 20.0)
        values.append(round(2.0 * level) / 2.0)
    assert len(set(values)) > 1
    assert max(len([*run]) for _, run in groupby(values)) > 20
    assert told_of(rules_of("jump", "level", "hourly", "drift", "stuck"), five_minutely(values)) == []


def test_a_constant_sensor_is_quiet_until_it_changes_for_the_first_time() -> None:
    """Of its changes nothing is known then. Its value is new, though, and both metrics together as never before."""
    constant = rules_of(*(kind for kind in KINDS if kind != "together"))
    assert told_of(constant, five_minutely([20.0] * (4 * DAY_LONG))) == []
    told = told_of(constant, five_minutely([20.0] * (3 * DAY_LONG) + [20.5] * DAY_LONG))
    assert [(one["rule_id"], one["state"], hours(one["event_time"])) for one in told] == [
        ("novel", "opened", 72.0),
        ("novel", "closed", 75.58),
    ]
    assert told[0]["why"] == "20.5 °C; nothing like it before; the nearest known value is 20.0"


def test_a_counter_that_only_grows_is_one_incident_until_a_next_hour_is_like_the_ones_before() -> None:
    """An hour is within a bin, a 64th of the range, once there are 64 of them; `keep` bridges the time in between."""
    told = told_of(rules_of(*(kind for kind in KINDS if kind != "together")), five_minutely([*map(float, range(1440))]))
    assert [(one["rule_id"], one["state"], hours(one["event_time"]), one["readings"]) for one in told] == [
        ("novel", "opened", 24.33, 1),
        ("novel", "closed", 67.5, 176),
    ]


@pytest.mark.parametrize("kind", ["jump", "level", "hourly", "novel"])
def test_the_incident_of_a_broken_sensor_has_its_readings_as_they_are(kind: str) -> None:
    values = noise(4)
    values[3 * DAY_LONG : 3 * DAY_LONG + 3] = [1.7e308, -1.7e308, 5e-324]
    told = told_of(rules_of(kind), five_minutely(values))
    assert told[0]["state"] == "opened"
    assert told[0]["value"] == 1.7e308
    assert len(told[0]["why"]) < 150


# Faults


def test_a_spike_of_one_reading() -> None:
    told = told_of(rules_of("jump", "level", "hourly", "novel"), five_minutely(spiked(4, 3)))
    assert {(one["rule_id"], one["state"]): (hours(one["event_time"]), one["readings"]) for one in told} == {
        ("jump", "opened"): (72.0, 1),
        ("jump", "closed"): (72.25, 2),  # there and back
        ("level", "opened"): (72.0, 1),
        ("level", "closed"): (72.25, 1),
        ("hourly", "opened"): (72.0, 1),
        ("hourly", "closed"): (72.25, 1),
        ("novel", "opened"): (72.0, 1),
        ("novel", "closed"): (74.58, 1),
    }
    assert {one["rule_id"]: one["why"] for one in told if one["state"] == "opened"} == {
        "jump": "29 °C; 20.0 at the reading before; 20 times the usual change (a usual change is 0.4617)",
        "level": "29 °C; expected 20.0 ± 0.3082; 29 times the usual spread",
        "hourly": "29 °C; expected 20.0 ± 0.3164 at this hour; 28 times the usual spread",
        "novel": "29 °C; nothing like it before; the nearest known value is 20.81",
    }
    assert {one["worst"] for one in told if one["rule_id"] != "jump"} == {29.0}
    assert [round(one["worst"], 2) for one in told if one["rule_id"] == "jump"] == [29.0, 19.73]  # the way back
    assert {one["incident_id"] for one in told} == {
        incident_id(kind, "a", "temp", at(3 * DAY_S)) for kind in ("jump", "level", "hourly", "novel")
    }


@pytest.mark.parametrize(("kind", "closes"), [("level", 135.92), ("hourly", 115.0)])
def test_a_shift_that_stays_becomes_usual_at_a_tenth_of_the_speed(kind: str, closes: float) -> None:
    values = noise(9)
    values[3 * DAY_LONG :] = [value + 3.0 for value in values[3 * DAY_LONG :]]
    told = told_of(rules_of(kind, incidents="{update_every: 9d}"), five_minutely(values))
    assert [(one["state"], hours(one["event_time"])) for one in told] == [("opened", 72.0), ("closed", closes)]
    assert told[0]["expected"] == pytest.approx(20.0, abs=0.1)
    assert told[1]["expected"] > 20.3


def test_a_drift() -> None:
    """A rise of a degree in each 100 minutes is seen a while before its values are unusual."""
    values = noise(4)
    values[3 * DAY_LONG :] = [value + min(0.05 * row, 20.0) for row, value in enumerate(values[3 * DAY_LONG :])]
    quick = "metric: temp, unusual: {kind: drift, sensitivity: 3, half_life: 6h}"
    (opened,) = told_of(rules_of("level", quick=quick), five_minutely(values))[:1]
    assert (opened["rule_id"], opened["state"], hours(opened["event_time"])) == ("quick", "opened", 75.33)


def test_a_stuck_sensor() -> None:
    values = noise(4)
    values[3 * DAY_LONG : 3 * DAY_LONG + 60] = [20.0] * 60
    told = told_of(rules_of("stuck"), five_minutely(values))
    assert [(one["state"], hours(one["event_time"]), one["worst"], one["readings"]) for one in told] == [
        ("opened", 72.83, 20.0, 1),  # the eleventh one
        ("closed", 77.0, 20.0, 50),
    ]
    assert told[0]["why"] == "20 °C again and again: 1.1 times the longest run that is usual"


# Fields of rules


def test_clear_keeps_an_incident_open_that_is_between_clear_and_sensitivity() -> None:
    values = noise(4)
    first = 3 * DAY_LONG
    values[first], values[first + 1 : first + 20] = 29.0, [21.9] * 19  # about 4 times the usual spread
    rules = rules_of(
        low="metric: temp, unusual: {kind: level, clear: 2}, keep: 0s",
        high="metric: temp, unusual: {kind: level, clear: 6}, keep: 0s",
        kept="metric: temp, unusual: {kind: level, clear: 6}, keep: 20m",
    )
    told = told_of(rules, five_minutely(values))
    closed = {one["rule_id"]: hours(one["event_time"]) for one in told if one["state"] == "closed"}
    assert openings(told) == [("low", 72.0), ("high", 72.0), ("kept", 72.0)]
    assert closed == {"low": 73.67, "high": 72.5, "kept": 72.83}


def test_direction_is_the_side_that_counts() -> None:
    values = noise(4)
    values[3 * DAY_LONG], values[3 * DAY_LONG + 100] = 29.0, 11.0
    rules = rules_of(
        up="metric: temp, unusual: {kind: level, direction: up}",
        down="metric: temp, unusual: {kind: level, direction: down}",
    )
    assert openings(told_of(rules, five_minutely(values))) == [("up", 72.0), ("down", 80.33)]


def test_for_is_how_long_a_series_must_be_unusual() -> None:
    values = noise(4)
    values[3 * DAY_LONG] = 29.0
    values[3 * DAY_LONG + 100 : 3 * DAY_LONG + 110] = [29.0] * 10
    (opened, closed) = told_of(rules_of(slow=f"{KINDS['level']}, for: 20m"), five_minutely(values))
    assert [(one["state"], hours(one["event_time"])) for one in (opened, closed)] == [
        ("opened", 80.67),
        ("closed", 81.33),
    ]
    assert (hours(opened["opened_at"]), opened["readings"], closed["readings"]) == (80.33, 5, 10)


def test_worst_is_the_value_of_the_highest_score_through_updates_and_reopenings() -> None:
    """A jump down of 10 is worse than one up to a higher value; a later opening with less changes nothing."""
    values = noise(4)
    first = 3 * DAY_LONG
    values[first], values[first + 1] = 26.0, 14.0
    values[first + 30] = 25.0
    rules = rules_of("jump", incidents="{reopen: 1d, update_every: 5m}")
    told = told_of(rules, five_minutely(values))
    assert [(one["state"], one["value"] if one["state"] == "opened" else None, one["worst"]) for one in told] == [
        ("opened", 26.0, 26.0),
        ("updated", None, 14.0),
        ("updated", None, 14.0),
        ("updated", None, 14.0),
        ("closed", None, 14.0),
        ("opened", 25.0, 14.0),
        ("updated", None, 14.0),
        ("updated", None, 14.0),
        ("closed", None, 14.0),
    ]
    assert [one["sequence"] for one in told] == [*range(1, 10)]
    assert len({one["incident_id"] for one in told}) == 1


def test_an_incident_goes_on_over_calls_and_is_told_each_update_every() -> None:
    values = noise(3.5)
    values[3 * DAY_LONG :] = [value + 9.0 for value in values[3 * DAY_LONG :]]
    rules = rules_of("level", incidents="{update_every: 2h}")
    samples = five_minutely(values)
    by_hour = [at(hour * HOUR_S) for hour in range(70, 85)]
    told = evaluate(rules, samples, [*by_hour, samples[-1].time + 1])
    assert brief(told) == [("opened", 72 * HOUR_S), *(("updated", hour * HOUR_S) for hour in (74, 76, 78, 80, 82))]
    assert [one["readings"] for one in told] == [1, 25, 49, 73, 97, 121]
    assert {one["incident_id"] for one in told} == {incident_id("level", "a", "temp", at(3 * DAY_S))}
