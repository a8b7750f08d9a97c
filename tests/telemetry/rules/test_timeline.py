"""Which rules are in force at which event time."""

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Threshold
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf
from telemetry.rules.timeline import ALWAYS_US, RulesChange, RulesTimeline, timeline_of


def above(bound: float, metric: str = "temp") -> RuleSet:
    return RuleSet([Rule("hot", metric, Threshold(Bounds("above", bound)))])


TIMELINE = timeline_of(
    [RulesChange(200, above(32), 3), RulesChange(ALWAYS_US, above(30)), RulesChange(100, above(31, "humidity"), 2)]
)


@pytest.mark.parametrize(
    ("time_us", "bound", "next_us"),
    [(ALWAYS_US, 30, 100), (99, 30, 100), (100, 31, 200), (199, 31, 200), (200, 32, None), (10**18, 32, None)],
)
def test_rules_judge_from_their_time_on(time_us: int, bound: float, next_us: int | None) -> None:
    assert TIMELINE.at(time_us) == above(bound, "humidity" if bound == 31 else "temp")
    assert TIMELINE.next_us(time_us) == next_us


def test_of_two_changes_at_the_same_time_the_later_one_counts() -> None:
    first, second = RulesChange(100, above(31), 2), RulesChange(100, above(29), 3)
    for timeline in (timeline_of([second, first]), timeline_of([first]).with_change(second)):
        assert timeline.at(100) == above(29)
        assert timeline.next_us(100) is None


def test_a_change_that_comes_twice_counts_once() -> None:
    assert TIMELINE.with_change(TIMELINE.changes[1]) is TIMELINE


def test_what_others_have_replaced_is_left_out() -> None:
    assert [change.since_us for change in TIMELINE.since(150).changes] == [100, 200]
    assert TIMELINE.since(99) == TIMELINE


def test_all_rules_and_metrics_of_any_time() -> None:
    assert TIMELINE.metrics == ("temp", "humidity")
    assert TIMELINE.overall.rules == above(32).rules
    assert TIMELINE.overall.version == above(32).version


def test_a_shelf_ends_by_itself() -> None:
    rules = above(30).with_shelves([Shelf(500, "hot", "b*"), Shelf(700, "", "c"), Shelf(900, "other", "d")])
    timeline = RulesTimeline.always(rules)
    shelved = [timeline.at(time_us).rules[0].shelved for time_us in (499, 500, 700)]
    assert shelved == [("b*", "c"), ("c",), ()]
    assert [timeline.next_us(time_us) for time_us in (0, 500, 700, 900)] == [500, 700, 900, None]
    assert {timeline.at(time_us).version for time_us in (0, 800)} == {rules.version}
    assert rules.version != above(30).version


def test_a_shelved_rule_applies_to_the_other_devices() -> None:
    rule = above(30).with_shelves([Shelf(500, "hot", "b*")]).in_force(0).rules[0]
    assert [rule.matches(name) for name in ("a", "b1")] == [True, False]
    assert [rule.is_shelved(name) for name in ("a", "b1")] == [False, True]
    assert not rule.matches_all
