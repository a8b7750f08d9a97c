import msgspec
import pytest
from msgspec import inspect

from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import TIMESTAMP

TIMES = {
    "anomalies": ["event_time", "source_time"],
    "incidents": ["event_time", "opened_at", "last_at", "closed_at"],
    "rules": ["since"],
    "aggregates": ["window_start", "window_end", "first_time", "last_time"],
    "dead_letters": ["publish_time", "event_time"],
    "ledger": ["day", "hour_start"],
    "readings": ["event_time", "source_time"],
}
NULLABLE = {
    "anomalies": ["threshold_upper"],
    "incidents": [
        *("closed_at", "reason", "value", "worst", "threshold", "threshold_upper"),
        *("score", "expected", "spread", "why"),
    ],
    "rules": ["since"],
    "aggregates": ["first_time", "last_time"],
    "dead_letters": ["line", "publish_time", "event_time"],
    "ledger": ["day", "hour_start", "total", "weighted", "low", "high", "checksum"],
    "readings": [],
}
ADDED = {
    "anomalies": ["job_id"],
    "incidents": ["job_id"],
    "rules": ["job_id"],
    "aggregates": ["job_id", "first_time", "last_time"],
    "dead_letters": ["job_id"],
    "ledger": ["job_id", "hour_start", "total", "weighted", "low", "high", "checksum"],
    "readings": ["job_id"],
}
records = pytest.mark.parametrize("name", KINDS)


def test_the_outputs_of_every_job():
    assert {name: kind.record.__name__ for name, kind in KINDS.items()} == {
        "anomalies": "Anomaly",
        "incidents": "Incident",
        "rules": "RulesVersion",
        "aggregates": "WindowAggregate",
        "dead_letters": "DeadLetter",
        "ledger": "LedgerEntry",
        "readings": "Reading",
    }


@records
def test_every_field_says_what_it_is(name):
    record = KINDS[name].record
    for field in msgspec.json.schema_components([record])[1][record.__name__]["properties"].values():
        assert field["description"]


@records
def test_every_field_of_the_first_release_is_required_and_none_can_be_changed(name):
    fields = inspect.type_info(KINDS[name].record).fields  # type: ignore[attr-defined]
    assert [field.name for field in fields if not field.required] == ADDED[name]
    values = dict.fromkeys((field.name for field in fields), None)
    record = KINDS[name].record(**values)
    with pytest.raises(AttributeError):
        setattr(record, fields[0].name, "other")


@records
def test_times_and_nulls_are_where_they_are_expected(name):
    schema = arrow_schema(KINDS[name].record)
    assert [field.name for field in schema if str(field.type) == "timestamp[us, tz=UTC]"] == TIMES[name]
    assert [field.name for field in schema if field.nullable] == NULLABLE[name]


def test_the_marker_of_a_time_is_not_part_of_the_text():
    assert TIMESTAMP == "timestamp"
    description = arrow_schema(KINDS["anomalies"].record).field("event_time").metadata[b"description"].decode()
    assert description == "when the reading was taken, UTC, shifted with a rebased replay"
