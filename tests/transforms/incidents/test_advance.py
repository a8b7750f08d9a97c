"""The contract of `advance` beyond what rules say."""

import numpy as np
import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Part, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.batches import NAN, batch_of
from tests.support.incidents import SECOND, at, brief, rows_of, step, temps
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state
from transforms.incidents.watched_rows import no_rows, watched_rows
from transforms.shuffle.versioned import FormatError

HOT = Rule("hot", "temp", Threshold(Bounds("above", 30.0)))
RULES = RuleSet([HOT])
ALL = RuleSet(
    [
        HOT,
        Rule("fast", "temp", Rate(Bounds("above", 1.0), 60 * SECOND)),
        Rule("faster", "temp", Rate(Bounds("above", 1.0), 60 * SECOND, 20 * SECOND)),
        Rule("stuck", "temp", Stuck(60 * SECOND, 0.5)),
        Rule("silent", "", Silence(60 * SECOND)),
        Rule("quiet", "", Silence(None, 4.0)),
        Rule("mean", "temp", WindowStatistic("mean", 60 * SECOND, Bounds("above", 30.0))),
        Rule("high", "temp", WindowStatistic("quantile", 60 * SECOND, Bounds("above", 30.0), 0.9), devices=("a*",)),
        Rule("both", "", Combination("all", (Part("temp", Bounds("above", 30.0)),), 0)),
    ]
)


def test_a_reading_before_the_watermark_is_too_late():
    state, _ = with_rules(RULES)
    state, told = step(RULES, state, temps((0, 31)), 10)
    assert brief(told) == [("opened", 0)]
    state, told = step(RULES, state, temps((9, 20), (11, 32)), 20)
    assert told == []
    assert brief(step(RULES, state, temps((20, 20)), 21)[1]) == [("closed", 20)]


def test_a_reading_that_is_not_before_the_watermark_is_refused():
    state, _ = with_rules(RULES)
    with pytest.raises(ValueError, match=f"a reading at {at(10)} is not before the watermark {at(10)}"):
        step(RULES, state, temps((10, 31)), 10)


def test_a_watermark_that_does_not_advance_changes_nothing():
    state, _ = with_rules(RULES)
    state, _ = step(RULES, state, temps(31), 10)
    assert step(RULES, state, [], 10) == (state, [])
    assert step(RULES, state, [], 5) == (state, [])


def test_a_state_is_a_value():
    state, _ = with_rules(ALL, expected=("a", "z"))
    state, _ = step(ALL, state, temps(*[31] * 8, 35, 31), 100)
    content = encode_incident_state(state)
    later = temps((100, 20), (110, 40), (120, 20), (121, 20), (300, 20))
    first, second = (step(ALL, state, later, 301) for _ in range(2))
    assert first[1] == second[1] != []
    assert encode_incident_state(first[0]) == encode_incident_state(second[0])
    assert encode_incident_state(state) == content


def test_a_state_is_equal_to_what_was_encoded():
    state, _ = with_rules(ALL, expected=("a", "z"))
    samples = [*temps(*[31] * 12, 35), *temps(20, 20, device="b")]
    state, _ = step(ALL, state, sorted(samples, key=lambda sample: sample.time), 121)
    decoded = decode_incident_state(encode_incident_state(state))
    assert decoded.codes == state.codes == {"a": 0, "z": 1, "b": 2}
    assert (decoded.watermark_us, decoded.start_us, decoded.devices) == (state.watermark_us, at(0), ("a", "z", "b"))
    for name in ("expected", "seen_us", "first_us"):
        np.testing.assert_array_equal(getattr(decoded, name), getattr(state, name))
    for name, before in state.rules.items():
        after = decoded.rules[name]
        assert (after.version, after.metric, after.severity, after.condition) == (
            before.version, before.metric, before.severity, before.condition,
        )  # fmt: skip
        assert (after.since_us, after.sketches, after.episodes) == (before.since_us, before.sketches, before.episodes)
        np.testing.assert_array_equal(after.members, before.members)
        assert after.columns.keys() == before.columns.keys()
        for column, values in before.columns.items():
            assert after.columns[column].dtype == values.dtype
            np.testing.assert_array_equal(after.columns[column], values)
        for column in ("slot", "time_us", "value"):
            np.testing.assert_array_equal(getattr(after.kept, column), getattr(before.kept, column))


def test_bytes_of_another_format_are_refused():
    content = encode_incident_state(with_rules(RULES)[0])
    with pytest.raises(FormatError, match="state of incidents: format 99 found"):
        decode_incident_state(b"c" + content[1:])


@pytest.mark.parametrize("value", [20.0, 31.0])
def test_a_series_takes_at_most_32_bytes_for_a_rule(value):
    number, rules = 2000, (HOT, Rule("stuck", "temp", Stuck(60 * SECOND)), Rule("silent", "", Silence(60 * SECOND)))
    for rule in rules:
        state, _ = with_rules(RuleSet([rule]))
        rows = rows_of([sample for n in range(number) for sample in temps(value, device=f"{n:04d}")])
        state, _ = advance(RuleSet([rule]), state, rows, at(1))
        assert sum(column.nbytes for column in state.rules[rule.id].columns.values()) <= 32 * number


def test_rows_are_taken_from_a_batch():
    batch = batch_of([("a", at(0), 50.0, 31.0), ("b", at(1), NAN, 20.0)])
    rows = watched_rows(batch, ("temp",))
    assert (rows.metrics, rows.devices, rows.values.tolist()) == (("temp",), ("a", "b"), [[31.0, 20.0]])
    state, _ = with_rules(RULES)
    state, told = advance(RULES, state, rows, at(2))
    assert told is not None
    assert told.column("device").to_pylist() == ["a"]
    assert advance(RULES, state, no_rows(("temp",)), at(3))[1] is None
    assert advance(RULES, state, rows.select(np.array([False, True])), at(3))[1] is None


def test_devices_without_rows_are_not_admitted():
    rows = rows_of([*temps(31), *temps(31, device="b")]).select(np.array([False, True]))
    state, _ = advance(RULES, with_rules(RULES)[0], rows, at(1))
    assert state.devices == ("b",)
