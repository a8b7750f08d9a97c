"""Compare expected incidents with those that were opened."""

import pytest

from transforms.incidents.rule_tests.compare import ExpectedDifference, compare
from transforms.incidents.rule_tests.rule_test import ExpectedIncident, FoundIncident, Stated


def expected(rule: str = "hot", device: str = "a", opened: int = 0, **more: Stated) -> ExpectedIncident:
    return ExpectedIncident({"rule": rule, "device": device, "opened": opened, "closed": None, **more})


def found(rule: str = "hot", device: str = "a", opened: int = 0, **more: Stated) -> FoundIncident:
    rest: dict[str, Stated] = {"closed": None, "worst": 31.5, "readings": 3, "stale": False, "reason": None}
    return FoundIncident({"rule": rule, "device": device, "opened": opened, **rest, **more})


def test_equal_in_what_is_stated() -> None:
    assert compare([], []) == []
    assert compare([expected()], [found()]) == []
    assert compare([expected(worst=31.5, readings=3, stale=False, reason=None)], [found()]) == []
    assert compare([expected(opened=20), expected(opened=10)], [found(opened=10), found(opened=20)]) == []


@pytest.mark.parametrize("worst", [31.5 + 1e-9, 31.5 - 1e-9])
def test_computed_numbers_may_differ_in_their_last_digits(worst: float) -> None:
    assert compare([expected(worst=worst)], [found()]) == []
    assert compare([expected(worst=worst + 1e-6)], [found()])[0].fields == ("worst",)


@pytest.mark.parametrize(
    ("stated", "value"),
    [("opened", 1), ("closed", 1), ("worst", 31.0), ("worst", None), ("readings", 4), ("stale", True),
     ("reason", "clear")],
)  # fmt: skip
def test_each_field_makes_a_difference(stated: str, value: Stated) -> None:
    wanted, given = ExpectedIncident({**expected().stated, stated: value}), found()
    assert compare([wanted], [given]) == [ExpectedDifference(wanted, given, (stated,))]


def test_one_that_is_missing_and_one_that_was_not_expected() -> None:
    wanted, given = expected("cold"), found()
    assert compare([wanted], [given]) == [ExpectedDifference(wanted, None), ExpectedDifference(None, given)]
    wanted = expected(device="b")
    assert compare([wanted], [given]) == [ExpectedDifference(wanted, None), ExpectedDifference(None, given)]


def test_equal_ones_are_paired_first() -> None:
    wanted, given = [expected(opened=0), expected(opened=10)], [found(opened=10), found(opened=20)]
    assert compare(wanted, given) == [ExpectedDifference(wanted[0], given[1], ("opened",))]


def test_an_incident_is_paired_once() -> None:
    wanted, given = [expected(), expected()], [found()]
    assert compare(wanted, given) == [ExpectedDifference(wanted[1], None)]
