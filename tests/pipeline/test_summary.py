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
        "distributions": {"message_age_ms": {"count": 2, "sum": 30, "min": 10, "max": 20}},
        "seconds": 12.346,
        "notes": [],
    }


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
