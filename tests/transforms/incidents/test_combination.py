"""Several metrics of a device together, by example, times in seconds."""

import math
from typing import Any

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Junction, Part
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from tests.support.incident_oracle import Sample
from tests.support.incidents import SECOND, at, brief, evaluate

NAN = math.nan
HOT, WET = Part("temp", Bounds("above", 30.0)), Part("humidity", Bounds("above", 80.0))


def rules(how: Junction, *parts: Part, within: int = 60, **seconds: int) -> RuleSet:
    times: dict[str, Any] = {f"{name.rstrip('_')}_us": value * SECOND for name, value in seconds.items()}
    return RuleSet([Rule("both", "", Combination(how, parts or (HOT, WET), within * SECOND), **times)])


def read(*rows: tuple[float, float | None, float | None]) -> list[Sample]:
    """Return readings of (second, temp, humidity); None for one that the reading does not carry."""
    return [
        Sample("a", at(second), {name: v for name, v in (("temp", temp), ("humidity", wet)) if v is not None})
        for second, temp, wet in rows
    ]


def told(rule_set: RuleSet, samples: list[Sample]) -> list[tuple[str, float | None]]:
    found = evaluate(rule_set, samples, [at(10_000)])
    assert evaluate(rule_set, samples, [*sorted({sample.time + 1 for sample in samples}), at(10_000)]) == found
    return brief(found)


def test_all_needs_every_part_and_closes_with_one():
    samples = read((0, 31, 70), (10, 31, 81), (20, 30, 81))
    assert told(rules("all"), samples) == [("opened", 10), ("closed", 20)]


def test_any_needs_one_part_and_closes_with_every_one():
    samples = read((0, 20, 70), (10, 31, 70), (20, 31, 81), (30, 20, 81), (40, 20, 70))
    assert told(rules("any"), samples) == [("opened", 10), ("closed", 40)]


def test_not_needs_every_part_to_be_clear_and_closes_with_one_that_breaches():
    samples = read((0, 31, 70), (10, 20, 70), (20, 20, 81))
    assert told(rules("not"), samples) == [("opened", 10), ("closed", 20)]


def test_parts_may_come_in_readings_of_their_own():
    assert told(rules("all"), read((0, 31, None), (60, None, 81))) == [("opened", 60)]
    assert told(rules("all"), read((0, 31, None), (61, None, 81))) == []
    assert told(rules("all"), read((0, 31, NAN), (0, NAN, 81))) == [("opened", 0)]


def test_within_nothing_takes_values_of_the_same_time_only():
    assert told(rules("all", within=0), read((0, 31, None), (1, None, 81), (2, 31, 81))) == [("opened", 2)]


def test_of_values_at_the_same_time_the_first_one_counts():
    assert told(rules("all"), read((0, 31, 70), (0, 20, 81))) == []


@pytest.mark.parametrize(("how", "temp", "wet"), [("all", 31, 81), ("not", 20, 70)])
def test_an_unknown_part_neither_opens_nor_closes(how, temp, wet):
    samples = read((0, temp, None), (10, temp, wet), (100, temp, None), (110, temp, wet))
    assert told(rules(how), samples) == [("opened", 10)]


def test_any_stays_open_while_the_other_part_is_unknown():
    assert told(rules("any"), read((0, 31, 70), (100, 20, None), (110, 20, 70))) == [("opened", 0), ("closed", 110)]


def test_an_unknown_part_does_not_end_what_is_pending():
    samples = read((0, 31, 81), (100, 31, None), (110, 31, 81))
    assert told(rules("all", for_=110), samples) == [("opened", 110)]
    assert told(rules("all", for_=110, max_gap=109), samples) == []


def test_a_part_between_its_bound_and_clear_holds_the_state():
    part = Part("temp", Bounds("above", 30.0, clear_low=29.0))
    samples = read((0, 31, 81), (10, 29.5, 81), (20, 29, 81))
    assert told(rules("all", part, WET), samples) == [("opened", 0), ("closed", 20)]
    assert told(rules("all", part, WET, for_=20), read((0, 31, 81), (10, 29.5, 81), (20, 31, 81))) == []


def test_the_record_has_no_value():
    (found,) = evaluate(rules("all"), read((0, 31, 81)), [at(1)])
    assert {name: found[name] for name in ("condition", "metric", "value", "worst", "threshold", "readings")} == {
        "condition": "all",
        "metric": "",
        "value": None,
        "worst": None,
        "threshold": None,
        "readings": 1,
    }
