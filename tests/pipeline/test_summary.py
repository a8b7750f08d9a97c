"""Check the summary of a finished job."""

import json
from types import SimpleNamespace
from typing import Any

from pipeline.summary import Distribution, JobSummary, counts_of

COUNTS = {
    "messages": 3,
    "rows_decoded": 1_234,
    "rows_aggregated": 1_233,
    "dead_letters/too_late": 1,
    "dead_letters/not_json": 2,
    "anomalies/temp-high": 40,
    "anomalies/cold": 5,
    "incidents/temp-high": 3,
    "incidents_closed": 2,
    "panes": 7,
    "aggregates": 35,
    "files_written": 4,
    "alerts_published": 45,
    "duplicates": 1,
    "rows_duplicate": 20,
}


def test_as_text() -> None:
    lines = JobSummary(COUNTS, 12.34).to_text().splitlines()
    assert [line.split() for line in lines] == [
        ["rows", "decoded", "1,234"],
        ["dead", "letters", "3"],
        ["not_json", "2"],
        ["too_late", "1"],
        ["anomalies", "45"],
        ["cold", "5"],
        ["temp-high", "40"],
        ["incidents", "3"],
        ["temp-high", "3"],
        ["panes", "of", "windows", "7"],
        ["aggregates", "35"],
        ["unknown", "fields", "ignored", "0"],
        ["duplicate", "messages", "removed", "1"],
        ["rows", "removed", "as", "duplicates", "20"],
        ["alerts", "published", "45"],
        ["files", "written", "4"],
        ["seconds", "12.3"],
    ]
    assert len(set(map(len, lines))) == 1, "the numbers stand below one another"


def test_as_json() -> None:
    distributions = {"message_age_ms": Distribution(2, 30, 10, 20)}
    assert json.loads(JobSummary(COUNTS, 12.3456, distributions).to_json()) == {
        "messages": 3,
        "payload_bytes": 0,
        "rows_decoded": 1_234,
        "rows_fitted": 0,
        "clock_ahead": 0,
        "fields_ignored": 0,
        "rows_aggregated": 1_233,
        "panes": 7,
        "aggregates": 35,
        "incidents_closed": 2,
        "late_for_rules": 0,
        "rules_refused": 0,
        "rows_archived": 0,
        "files_written": 4,
        "rows_written": 0,
        "rows_inserted": 0,
        "rows_refused": 0,
        "alerts_published": 45,
        "alerts_sent": 0,
        "webhook_failures": 0,
        "letters_published": 0,
        "duplicates": 1,
        "rows_duplicate": 20,
        "dead_letters": {"not_json": 2, "too_late": 1},
        "anomalies": {"cold": 5, "temp-high": 40},
        "incidents": {"temp-high": 3},
        "ignored_fields": {},
        "values_read": {},
        "values_unread": {},
        "distributions": {"message_age_ms": {"count": 2, "sum": 30, "min": 10, "max": 20}},
        "seconds": 12.346,
        "notes": [],
    }


UNREAD = JobSummary(
    {
        "rows_decoded": 3,
        "rows_fitted": 1,
        "fields_ignored": 9,
        "fields_ignored/hum": 2,
        "fields_ignored/a/b": 7,
        "values_read/temp": 1,
        "values_unread/temp/not_a_number": 1,
        "values_unread/a/b/not_finite": 2,
    },
    1.0,
    texts={"unread_examples": frozenset(["temp/not_a_number\twarm", "temp/not_a_number\thot", "other/x\ty"])},
)


def test_names_of_ignored_fields_and_values_that_could_not_be_read_are_told() -> None:
    lines = UNREAD.with_notes(["a note"]).to_text().splitlines()
    assert [line.split() for line in lines if line.startswith(("values", "rows fitted", "unknown"))] == [
        ["unknown", "fields", "ignored", "9"],
        ["values", "that", "could", "not", "be", "read", "3"],
        ["rows", "fitted", "to", "their", "header", "1"],
    ]
    assert lines[-3:] == [
        "ignored fields: a/b (7), hum (2)",
        "unread values: a/b not_finite (2), temp not_a_number (1, such as 'hot')",
        "a note",
    ]
    content = json.loads(UNREAD.to_json())
    assert content["ignored_fields"] == {"a/b": 7, "hum": 2}
    assert content["values_read"] == {"temp": 1}
    assert content["values_unread"] == {
        "a/b/not_finite": {"count": 2, "example": ""},
        "temp/not_a_number": {"count": 1, "example": "hot"},
    }


def test_no_more_than_twenty_names_are_told() -> None:
    summary = JobSummary({f"fields_ignored/f{number}": number for number in range(1, 30)}, 1.0)
    assert list(summary.commonest("fields_ignored")) == [f"f{number}" for number in range(29, 9, -1)]


def test_counters_of_a_runner_are_summed_over_steps_and_those_of_others_left_out() -> None:
    def counter(namespace: str, name: str, committed: int | None, attempted: int | None) -> Any:
        key = SimpleNamespace(metric=SimpleNamespace(namespace=namespace, name=name))
        return SimpleNamespace(key=key, committed=committed, attempted=attempted)

    found = [
        counter("telemetry", "rows_written", 2, 9),
        counter("telemetry", "rows_written", None, 3),
        counter("telemetry", "panes", 0, None),
        counter("beam", "rows_written", 100, 100),
    ]
    result = SimpleNamespace(metrics=lambda: SimpleNamespace(query=lambda: {"counters": found}))
    assert counts_of(result) == {"rows_written": 5, "panes": 0}
