"""Check the Storage Write API sink without Beam's Java services: its input and the rows it rejects."""

import base64
import json
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.utils.timestamp import Timestamp

from telemetry.bigquery.schema import BigQueryTarget, table_specs
from telemetry.errors import OutputError
from tests.support.records import START, anomaly, batch_of, dead, incident
from tests.support.run_transform import run_transform
from transforms.outputs.storage_write_api import InsertByStorageApi, refused_row, storage_rows

TARGET = BigQueryTarget("a-project", "telemetry", "storage_write_api_at_least_once")
SPECS = {spec.kind: spec for spec in table_specs((), archive=False)}


def test_rows_have_beams_timestamps():
    (row,) = storage_rows(batch_of(dead(None, START + 1)))
    assert (row["event_time"], row["publish_time"]) == (Timestamp(micros=START + 1), None)
    assert (row["reason"], row["line"]) == ("not_json", None)


def test_rows_have_booleans_and_nulls():
    (row,) = storage_rows(batch_of(incident(value=None)))
    assert (row["first"], row["stale"], row["flapping"]) == (True, True, False)
    assert (row["value"], row["closed_at"], row["opened_at"]) == (None, None, Timestamp(micros=START))


def test_a_row_that_comes_back_is_a_dead_letter():
    (row,) = storage_rows(batch_of(anomaly(START)))
    answer = {"failed_row": row, "error_message": "no such column"}
    (letter,) = refused_row(answer, "anomalies", "event_time", TARGET).to_pylist()
    assert (letter["reason"], letter["stage"]) == ("not_stored", "bigquery")
    assert letter["error"] == "a-project.telemetry.anomalies: no such column"
    payload = json.loads(base64.b64decode(letter["payload"]))
    assert (payload["event_time"], payload["value"]) == ("2020-07-12T00:00:00.000000Z", 31.0)


@pytest.mark.parametrize("kind", ["dead_letters", "ledger"])
def test_a_row_that_has_no_dead_letter_fails_the_job(kind):
    (row,) = storage_rows(batch_of(dead(None, START)))
    with pytest.raises(OutputError, match=f"refuses a row: a-project.telemetry.{kind}: too large"):
        refused_row({"failed_row": row, "error_message": "too large"}, kind, "publish_time", TARGET)


@pytest.mark.parametrize(("method", "at_least_once"), [
    ("storage_write_api", False), ("storage_write_api_at_least_once", True),
])  # fmt: skip
@pytest.mark.parametrize(("kind", "record", "name"), [
    ("anomalies", anomaly(START), "anomalies"), ("incidents", incident(), "incident_transitions"),
])  # fmt: skip
def test_beams_sink_is_told_what_it_needs(
    kind: str, record: Any, name: str, method: Any, at_least_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sink in place of Beam's that refuses everything."""
    told: list[Any] = []

    class Refuse(beam.PTransform):
        Method = beam.io.WriteToBigQuery.Method

        def __init__(self, table: str, **options: Any) -> None:
            super().__init__()
            told.append((table, options))

        def expand(self, rows: beam.PCollection) -> Any:
            refused = rows | beam.Map(lambda row: {"failed_row": row, "error_message": "no"})
            return type("Result", (), {"failed_rows_with_errors": refused})

    monkeypatch.setattr(beam.io, "WriteToBigQuery", Refuse)
    insert = InsertByStorageApi(SPECS[kind], BigQueryTarget("a-project", "telemetry", method))
    found = run_transform([batch_of(record)], insert, pa.RecordBatch)
    errors = [batch.column("error").to_pylist() for batch in found["dead_letters"]]
    assert errors == [[f"a-project.telemetry.{name}: no"]]
    assert [batch.column("attributes").to_pylist() for batch in found["dead_letters"]] == [[f'{{"table":"{name}"}}']]
    ((table, options),) = told
    assert table == f"a-project:telemetry.{name}"
    assert (options["method"], options["use_at_least_once"]) == ("STORAGE_WRITE_API", at_least_once)
    assert options["create_disposition"] == "CREATE_NEVER"
    fields = options["schema"]["fields"]
    types = {field["name"]: (field["type"], field["mode"]) for field in fields}
    assert list(types) == SPECS[kind].schema.names
    expected = {"rule_id": ("STRING", "REQUIRED"), "event_time": ("TIMESTAMP", "REQUIRED")}
    expected |= {"stale": ("BOOL", "REQUIRED"), "closed_at": ("TIMESTAMP", "NULLABLE")} if kind == "incidents" else {}
    assert types.items() >= expected.items()
