"""The devices of one shard, while other rules come into force. Times are in seconds."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.rules.parse import parse_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf
from telemetry.rules.timeline import ALWAYS_US, RulesChange, RulesTimeline, timeline_of
from tests.support.incident_oracle import Sample
from tests.support.incidents import START, at, brief, rows_of, temps, transitions
from transforms.incidents.device_shard import DeviceShard
from transforms.incidents.rows_bytes import ShardRows
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state
from transforms.series.track import NONE_US

HOT = parse_rules("version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n")
HOTTER = parse_rules("version: 2\nrules:\n- {id: hot, metric: temp, above: 32}\n- {id: silent, silence: {for: 30s}}\n")
DAMP = parse_rules("version: 2\nrules:\n- {id: damp, metric: humidity, above: 50, for: 10s}\n")


def judge(timeline: RulesTimeline, samples: Sequence[Sample], watermarks: Sequence[int]) -> list[dict[str, Any]]:
    """Return the transitions of a shard whose rows all wait there, its state encoded in between."""
    shard = DeviceShard(timeline, 0, 1)
    state, begun = shard.begin(None)
    told = transitions(begun)
    waiting = rows_of(samples)
    for watermark in watermarks:
        step = shard.judge(state, [ShardRows(waiting, NONE_US)], watermark)
        state, waiting = decode_incident_state(encode_incident_state(step.state)), step.waiting
        told += transitions(step.transitions)
        assert step.late == 0
    return told


def test_late_rows_wait_for_nothing() -> None:
    """The watermark with which they are judged may be behind that of the shard."""
    shard = DeviceShard(RulesTimeline.always(HOT), 0, 1)
    state = shard.judge(shard.begin(None)[0], [ShardRows(rows_of(temps(31)), NONE_US)], at(100)).state
    step = shard.judge(
        state, [ShardRows(rows_of([*temps(31, 31), Sample("a", at(100), {"temp": 31.0})]), NONE_US)], at(11)
    )
    assert (step.late, step.waiting.event_us.tolist(), step.state) == (2, [at(100)], state)


def since(seconds: float, rules: RuleSet, sequence: int = 2) -> RulesChange:
    return RulesChange(at(seconds), rules, sequence)


def test_a_reading_is_judged_by_the_rules_of_its_time() -> None:
    timeline = timeline_of([RulesChange(ALWAYS_US, HOT), since(20, HOTTER)])
    told = judge(timeline, temps(31, 20, 31, 33, 31), [at(41)])
    assert brief(told) == [("opened", 0), ("closed", 10), ("opened", 30), ("closed", 40)]
    assert [one["rules_version"] for one in told] == [HOT.version] * 2 + [HOTTER.version] * 2


def test_a_late_reading_is_counted_once_and_does_not_wait() -> None:
    """The watermark may not move for many batches: of a stream that was behind it from the start, not for days."""
    shard = DeviceShard(RulesTimeline.always(HOT), 0, 1)
    state, _ = shard.begin(None)
    state = shard.judge(state, [ShardRows(rows_of(temps(20)), NONE_US)], at(60)).state
    step = shard.judge(state, [ShardRows(rows_of(temps((50, 31), (70, 31))), NONE_US)], at(60))
    assert (step.late, step.waiting.event_us.tolist()) == (1, [at(70)])
    assert shard.judge(step.state, [ShardRows(step.waiting, NONE_US)], at(60)).late == 0


def test_a_rule_that_is_gone_closes_at_the_time_of_the_change() -> None:
    timeline = timeline_of([RulesChange(ALWAYS_US, HOT), since(25, DAMP)])
    (opened, closed) = judge(timeline, temps(31, 31, 31, 31), [at(31)])
    assert (closed["state"], closed["reason"], closed["event_time"]) == ("closed", "rule-changed", at(25))
    assert (opened["rules_version"], closed["rules_version"]) == (HOT.version, DAMP.version)


def test_rows_that_wait_keep_what_the_next_rules_look_at() -> None:
    timeline = timeline_of([RulesChange(ALWAYS_US, HOT), since(5, DAMP)])
    samples = [Sample("a", at(second), {"temp": 20.0, "humidity": 60.0}) for second in (0, 10, 20, 30)]
    told = judge(timeline, samples, [at(2), at(31)])
    assert [(one["rule_id"], one["opened_at"]) for one in told] == [("damp", at(10))]


def test_a_shelved_rule_closes_and_comes_back() -> None:
    shelved = HOT.with_shelves([Shelf(at(35), "hot", "a")])
    timeline = timeline_of([RulesChange(ALWAYS_US, HOT), since(15, shelved)])
    samples = [*temps(31, 31, 31, 31, 31, 31), *temps(31, 31, 31, 31, 20, 31, device="b")]
    told = judge(timeline, samples, [at(51)])
    assert brief(one for one in told if one["device"] == "a") == [("opened", 0), ("closed", 15), ("opened", 40)]
    assert next(one for one in told if one["state"] == "closed")["reason"] == "shelved"
    assert brief(one for one in told if one["device"] == "b") == [("opened", 0), ("closed", 40), ("opened", 50)]


def test_a_shelf_leaves_what_is_pending_for_other_devices() -> None:
    slow = parse_rules("version: 2\nrules:\n- {id: hot, metric: temp, above: 30, for: 30s}\n")
    timeline = timeline_of([RulesChange(ALWAYS_US, slow), since(15, slow.with_shelves([Shelf(at(1_000), "", "a")]))])
    told = judge(timeline, [*temps(31, 31, 31, 31, 31), *temps(31, 31, 31, 31, 31, device="b")], [at(41)])
    assert [(one["device"], *brief([one])[0]) for one in told] == [("b", "opened", 30)]


def test_a_device_that_is_shelved_while_it_is_silent_is_missed_when_the_shelf_ends() -> None:
    silent = parse_rules("version: 2\nrules:\n- {id: silent, silence: {for: 30s}}\n")
    timeline = timeline_of([RulesChange(ALWAYS_US, silent), since(20, silent.with_shelves([Shelf(at(100), "", "a")]))])
    samples = [*temps((0, 20)), *temps(*[20.0] * 13, device="b")]
    told = judge(timeline, samples, [at(121)])
    assert [(one["device"], *brief([one])[0]) for one in told] == [("a", "opened", 100)]
    assert told[0]["opened_at"] == at(0), "the last reading before the silence"


drawn_samples = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 200), st.sampled_from([20.0, 31.0, 33.0]), st.sampled_from([40.0, 60.0])
    ),
    max_size=40,
)
drawn_rules = st.sampled_from(
    [HOT, HOTTER, DAMP, HOT.with_shelves([Shelf(at(90), "hot", "a")]), HOTTER.with_shelves([Shelf(at(120), "", "b")])]
)


@settings(max_examples=60)
@given(
    samples=drawn_samples,
    first=drawn_rules,
    changes=st.lists(st.tuples(st.integers(0, 200), drawn_rules), max_size=4),
    cuts=st.lists(st.integers(0, 210), max_size=8),
)
def test_any_cut_gives_the_same_while_rules_change(
    samples: list[tuple[str, int, float, float]],
    first: RuleSet,
    changes: list[tuple[int, RuleSet]],
    cuts: list[int],
) -> None:
    rows = [Sample(name, at(second), {"temp": temp, "humidity": damp}) for name, second, temp, damp in samples]
    timeline = timeline_of(
        [
            RulesChange(ALWAYS_US, first),
            *(since(second, rules, number) for number, (second, rules) in enumerate(changes, start=2)),
        ]
    )
    whole = judge(timeline, rows, [START + 210_000_000])
    assert judge(timeline, rows, [*sorted(map(at, cuts)), START + 210_000_000]) == whole
