"""More than half of a roster falls silent within a minute: one incident. Times are in seconds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf
from telemetry.rules.timeline import ALWAYS_US, RulesChange, RulesTimeline, timeline_of
from tests.support.incident_oracle import Sample
from tests.support.incidents import at, rows_of, seconds, transitions
from transforms.incidents.incident_id import incident_id
from transforms.incidents.roster_shard import RosterShard, roster_rows, shard_of_key
from transforms.incidents.rows_bytes import ShardRows
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state

RULES = parse_rules("version: 2\nroster: [a, b, c, d, e]\nrules:\n- {id: silent, silence: {for: 100s, grace: 1d}}\n")
Told = list[dict[str, Any]]


def beats(stops: Mapping[str, tuple[float, float]], until: float = 2_000, every: float = 20) -> list[Sample]:
    """Readings of each device every 20 s, but not from a stop to the end of it."""
    found = []
    for device, (stop, go) in stops.items():
        second = 0.0
        while second <= until:
            if not stop < second < go:
                found.append(Sample(device, at(second), {"temp": 20.0}))
            second += every
    return sorted(found, key=lambda sample: sample.time)


def judge(
    samples: Sequence[Sample],
    watermarks: Iterable[float],
    rules: RuleSet = RULES,
    timeline: RulesTimeline | None = None,
    *,
    ends: bool = True,
) -> Told:
    shard = RosterShard(timeline or RulesTimeline.always(rules))
    state, begun = shard.begin(None)
    told = transitions(begun)
    waiting = roster_rows(rows_of(samples), rules)
    for watermark in watermarks:
        step = shard.judge(state, [ShardRows(waiting, at(0))], at(watermark))
        state, waiting = decode_incident_state(encode_incident_state(step.state)), step.waiting
        told += transitions(step.transitions)
    if ends:
        told += transitions(shard.finish(state)[1])
    return told


def brief(told: Told) -> list[tuple[str, str, float | None]]:
    return [(one["device"], one["state"], seconds(one["event_time"])) for one in told]


ALL_WELL = dict.fromkeys("abcde", (9_000, 9_000))


def test_one_device_that_falls_silent_is_told_by_itself() -> None:
    told = judge(beats(ALL_WELL | {"a": (200, 800)}), [2_000])
    assert brief(told) == [("a", "opened", 300), ("a", "closed", 800)]


def test_half_of_them_is_not_most() -> None:
    rules = parse_rules("version: 2\nroster: [a, b, c, d]\nrules:\n- {id: silent, silence: {for: 100s, grace: 1d}}\n")
    samples = beats(dict.fromkeys("cd", (9_000, 9_000)) | {"a": (200, 800), "b": (220, 800)})
    assert {one["device"] for one in judge(samples, [2_000], rules)} == {"a", "b"}


def test_most_of_them_are_one_incident_of_the_source() -> None:
    told = judge(beats(dict.fromkeys("abcde", (400, 900))), [2_000])
    assert brief(told) == [("", "opened", 500), ("", "closed", 900)]
    opened, closed = told
    assert opened["incident_id"] == closed["incident_id"] == incident_id("silent", "", "", at(400))
    assert (opened["sequence"], closed["sequence"], opened["opened_at"]) == (1, 2, at(400))
    assert (opened["readings"], closed["reason"], closed["closed_at"]) == (5, "clear", at(900))
    assert (opened["condition"], opened["severity"]) == ("silence", "warning")


def test_those_that_follow_belong_to_it() -> None:
    stops = {"a": (200, 900), "b": (220, 900), "c": (240, 900), "d": (400, 900), "e": (9_000, 9_000)}
    assert brief(judge(beats(stops), [2_000])) == [("", "opened", 340), ("", "closed", 900)]


@pytest.mark.parametrize(("last", "source"), [(260, True), (280, False)])
def test_together_is_within_a_minute(last: float, source: bool) -> None:
    stops = ALL_WELL | {"a": (200, 900), "b": (200, 900), "c": (last, 900)}
    assert ("" in {one["device"] for one in judge(beats(stops), [2_000])}) == source


def test_a_device_that_stays_silent_when_the_source_is_back_is_told() -> None:
    stops = dict.fromkeys("abcd", (400, 900)) | {"e": (400, 1_500)}
    told = judge(beats(stops), [2_000])
    assert brief(told) == [("", "opened", 500), ("", "closed", 900), ("e", "opened", 900), ("e", "closed", 1_500)]
    assert told[2]["opened_at"] == at(400), "its last reading"


def test_devices_that_come_back_a_little_later_are_not_told() -> None:
    stops = dict.fromkeys("abc", (400, 900)) | {"d": (400, 920), "e": (400, 940)}
    assert brief(judge(beats(stops), [2_000])) == [("", "opened", 500), ("", "closed", 900)]


def test_a_silence_that_ends_while_it_is_held_back_is_told_whole() -> None:
    assert brief(judge(beats(ALL_WELL | {"a": (200, 320)}), [2_000])) == [("a", "opened", 300), ("a", "closed", 320)]


def test_it_is_held_back_for_a_minute_and_no_longer() -> None:
    samples = beats(ALL_WELL | {"a": (200, 5_000)})
    assert brief(judge(samples, [360], ends=False)) == []
    assert brief(judge(samples, [360.000_001], ends=False)) == [("a", "opened", 300)]
    assert brief(judge(samples, [310])) == [("a", "opened", 300)], "nothing comes any more"


def test_the_next_due_time_is_that_at_which_a_device_is_told() -> None:
    shard = RosterShard(RulesTimeline.always(RULES))
    state, _ = shard.begin(None)
    rows = roster_rows(rows_of(beats(ALL_WELL | {"a": (200, 5_000)}, until=400)), RULES)
    step = shard.judge(state, [ShardRows(rows, at(0))], at(310))
    assert shard.next_due_us(step.state) == at(360)


def test_a_shelved_device_does_not_count() -> None:
    """Of three devices that count two are most."""
    shelved = RULES.with_shelves([Shelf(at(100_000), "", "d"), Shelf(at(100_000), "", "e")])
    stops = dict.fromkeys("cde", (9_000, 9_000)) | dict.fromkeys("ab", (400, 900))
    assert brief(judge(beats(stops), [2_000], shelved)) == [("", "opened", 500), ("", "closed", 900)]


def test_a_rule_that_is_gone_closes_the_incident_of_the_source() -> None:
    other = parse_rules("version: 2\nroster: [a, b]\nrules:\n- {id: hot, metric: temp, above: 30}\n")
    timeline = timeline_of([RulesChange(ALWAYS_US, RULES), RulesChange(at(600), other, 2)])
    told = judge(beats(dict.fromkeys("abcde", (400, 900))), [2_000], timeline=timeline)
    assert brief(told) == [("", "opened", 500), ("", "closed", 600)]
    assert told[1]["reason"] == "rule-changed"


def test_the_shards_of_devices_leave_the_silence_of_the_roster_to_it() -> None:
    shard = shard_of_key(RulesTimeline.always(RULES), 0, 1)
    state, _ = shard.begin(None)
    samples = beats(dict.fromkeys("ax", (400, 5_000)))
    told = transitions(shard.judge(state, [ShardRows(rows_of(samples), at(0))], at(2_000)).transitions)
    assert [one["device"] for one in told] == ["x"], "a device that nobody expects"
    assert shard.finish(state) == (state, None)


drawn = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 60)), min_size=1, max_size=60)


@settings(max_examples=80)
@given(readings=drawn, cuts=st.lists(st.integers(0, 1_300), max_size=10))
def test_any_cut_gives_the_same(readings: list[tuple[str, int]], cuts: list[int]) -> None:
    samples = [Sample(device, at(20 * number), {"temp": 20.0}) for device, number in readings]
    whole, cut = (
        sorted(judge(samples, marks), key=lambda one: (one["event_time"], one["device"], one["sequence"]))
        for marks in ([1_400], [*sorted(cuts), 1_400])
    )
    assert cut == whole


@settings(max_examples=80)
@given(readings=drawn)
def test_no_silence_is_told_twice_or_left_open(readings: list[tuple[str, int]]) -> None:
    samples = [Sample(device, at(20 * number), {"temp": 20.0}) for device, number in readings]
    told = judge(samples, [1_400])
    states: dict[str, list[str]] = {}
    for one in sorted(told, key=lambda one: one["sequence"]):
        states.setdefault(one["incident_id"], []).append(one["state"])
    assert all(found in (["opened"], ["opened", "closed"]) for found in states.values())
    silent = {name for name in "abcde" if max((n for d, n in readings if d == name), default=99) * 20 + 100 < 1_400}
    still = {one["device"] for one in told if one["state"] == "opened" and len(states[one["incident_id"]]) == 1}
    assert silent == still or "" in still
