"""The ledger against stored totals, without a store."""

from dataclasses import replace

import pytest

from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from transforms.ledger.check import Claim, check_ledger
from transforms.ledger.totals import StoredTotals

LEDGER = {
    ("r", ledger_items.ROWS_DECODED, ""): 10,
    ("r", ledger_items.ROWS_REJECTED, "bad_row"): 2,
    ("r", ledger_items.VALUES, "temp"): 9,
    ("", ledger_items.VALUES_MISSED, "temp"): 1,
    ("", ledger_items.ANOMALIES, "hot"): 3,
    ("", ledger_items.ANOMALIES, "cold"): 1,
    ("", ledger_items.INCIDENTS, "hot"): 2,
    ("", ledger_items.RULES, "a1b2c3"): 1,
    ("r", ledger_items.DEAD_LETTERS, "bad_row"): 2,
    ("r", ledger_items.DEAD_LETTERS, "too_late"): 1,
}
GOOD = StoredTotals(
    "a store",
    LEDGER,
    values={"temp": 8},
    records={
        "anomalies": {"hot": 3, "cold": 1},
        "incidents": {"hot": 2},
        "rules": {"a1b2c3": 1},
        "dead_letters": {"bad_row": 2, "too_late": 1},
    },
)


def test_a_check_that_passes() -> None:
    check = check_ledger(GOOD, {"r": 12})
    assert check.problems == []
    assert check.claims == [
        Claim("readings in final windows, temp", 8, 8),
        Claim("anomalies", 4, 4),
        Claim("transitions of incidents", 2, 2),
        Claim("versions of rules", 1, 1),
        Claim("dead letters, bad_row", 2, 2),
        Claim("dead letters, too_late", 1, 1),
    ]
    (run,) = check.runs
    assert (run.name, run.decoded, run.rejected, run.too_late, run.aggregated) == ("r", 10, 2, 1, 9)


@pytest.mark.parametrize(
    ("totals", "problem"),
    [
        (replace(GOOD, values={}), "readings in final windows, temp: 0 of 8, 8 missing"),
        (replace(GOOD, values={"temp": 9}), "readings in final windows, temp: 9 of 8, 1 too many"),
        (replace(GOOD, records={**GOOD.records, "anomalies": {"hot": 3}}), "anomalies: 3 of 4, 1 missing"),
        (replace(GOOD, records={**GOOD.records, "incidents": {}}), "transitions of incidents: 0 of 2, 2 missing"),
        (replace(GOOD, records={**GOOD.records, "rules": {}}), "versions of rules: 0 of 1, 1 missing"),
        (
            replace(GOOD, records={**GOOD.records, "dead_letters": {"bad_row": 3}}),
            "dead letters, bad_row: 3 of 2, 1 too many",
        ),
        (replace(GOOD, records={**GOOD.records, "readings": {"": 5}}), "archived readings: 5 of 0, 5 too many"),
    ],
)
def test_a_difference_is_named(totals: StoredTotals, problem: str) -> None:
    assert problem in check_ledger(totals, {}).problems


@pytest.mark.parametrize(("kind", "table"), [("anomalies", "anomalies"), ("incidents", "incident_transitions")])
def test_rows_that_a_table_refused_are_not_expected_in_it(kind: str, table: str) -> None:
    left = sum(GOOD.records[kind].values()) - 2
    refused = replace(GOOD, refused={table: 2}, records={**GOOD.records, kind: {"hot": left}})
    assert check_ledger(refused, {}).problems == []
    assert check_ledger(replace(GOOD, refused={"aggregates": 7}), {}).problems == [
        "7 aggregates were refused by BigQuery, they are among the dead letters"
    ]


def test_published_rows_must_be_accounted_for() -> None:
    assert check_ledger(GOOD, {"r": 13}).problems == [
        "rows of r, decoded or rejected or duplicates, of those published: 12 of 13, 1 missing",
        "rows of total, decoded or rejected or duplicates, of those published: 12 of 13, 1 missing",
    ]


def test_without_a_ledger_nothing_is_proven() -> None:
    assert check_ledger(StoredTotals("a store"), {}).problems == ["there is no ledger"]


def test_a_kind_with_a_ledger_item_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry says by which item and detail it is counted: nothing else has to change."""
    toy = replace(KINDS["anomalies"], name="toys", ledger_item="toys", ledger_detail="device", label="toys")
    monkeypatch.setitem(KINDS, "toys", toy)
    ledger = {**LEDGER, ("", "toys", "a"): 2}
    found = check_ledger(replace(GOOD, ledger=ledger), {})
    assert found.problems == ["toys: 0 of 2, 2 missing"]
