"""Results in BigQuery, through a server that speaks its protocol: the same as the oracle's, and what goes wrong."""

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from google.cloud import bigquery

from pipeline.__main__ import main
from telemetry.bigquery.client import prepare_tables
from telemetry.bigquery.result_store import DatasetStore
from telemetry.bigquery.schema import describe, is_required, sql_type, table_specs, view_queries
from telemetry.feed.default_feed import DEFAULT_CATALOG, DEFAULT_METRICS
from telemetry.model.kinds import KINDS
from telemetry.model.latest_incidents import latest_incidents
from telemetry.model.merge_panes import WINDOW, merge_windows
from telemetry.model.messages import Message
from telemetry.model.record_batches import from_records
from telemetry.model.records import Incident
from telemetry.storage.result_store import FileStore
from tests.support import oracle
from tests.support.datasets import Dataset
from tests.support.emulators import BigQueryServer, bigquery_server, start_server
from tests.support.given_incidents import TRANSITIONS, incidents_given
from tests.support.jobs import EARLY, Events, ndjson, run_events
from tests.support.readings import frame
from tests.support.records import incident

__all__ = ["bigquery_server", "start_server"]


@pytest.fixture
def dataset(bigquery_server: BigQueryServer) -> Dataset:
    return Dataset(bigquery_server)


def job(source: Path, *flags: object) -> int:
    return main([*EARLY, "--input", str(source), *map(str, flags)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    frame().to_csv(path, index=False)
    return path


def check(dataset: Dataset, expected: pd.DataFrame) -> None:
    assert oracle.found_hot(dataset.frame("distinct_anomalies")) == oracle.hot(expected)
    latest = dataset.frame("latest_aggregates").sort_values(oracle.KEYS).reset_index(drop=True)
    oracle.assert_same_aggregates(latest, oracle.aggregate(expected))


def test_rows_equal_the_oracle(dataset: Dataset, source: Path, tmp_path: Path) -> None:
    assert job(source, *dataset.flags, "--archive", "--output", tmp_path / "out", "--summary", tmp_path / "s.json") == 0
    check(dataset, frame())
    for kind in ("anomalies", "aggregates"):
        files = oracle.read_output(tmp_path / "out", kind)
        keys = ["anomaly_id"] if kind == "anomalies" else oracle.KEYS
        pd.testing.assert_frame_equal(
            dataset.frame(kind)[list(files.columns)].sort_values(keys).reset_index(drop=True),
            files.sort_values(keys).reset_index(drop=True),
            check_dtype=False,
        )
    readings = dataset.frame("readings")
    assert sorted(zip(readings.source_time, readings.device, readings.temp, strict=True)) == sorted(
        zip(oracle.micros(frame().ts), frame().device, frame().temp, strict=True)
    )
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["rows_inserted"] == sum(len(dataset.frame(kind.table_name)) for kind in KINDS.values())


def test_tables_are_what_the_records_say(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["tables", *dataset.flags, "--archive", "--metrics", "temp,vibration", "--create"]
    assert main(command) == 0
    assert capsys.readouterr().out == (
        f"{dataset.target}: created anomalies, created incident_transitions, created rules, "
        "created aggregates, created dead_letters, created ledger, created readings, created distinct_anomalies, "
        "created incidents, created open_incidents, created latest_aggregates\n"
    )
    for spec in table_specs(("temp", "vibration"), archive=True, catalog=DEFAULT_CATALOG):
        table = dataset.client.get_table(dataset.target.table(spec.name))
        if spec.partition:
            assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", spec.partition)
        else:
            assert table.time_partitioning is None
        assert tuple(table.clustering_fields) == spec.cluster
        assert table.description == spec.description
        assert [(column.name, column.mode, column.description) for column in table.schema] == [
            (field.name, "REQUIRED" if is_required(field) else "NULLABLE", describe(field)) for field in spec.schema
        ]
        same = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL"}
        assert [same.get(c.field_type, c.field_type) for c in table.schema] == [sql_type(f) for f in spec.schema]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{dataset.target}: nothing was missing\n"


def test_the_sql_makes_the_same_tables(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    """Run statement by statement, without the options that this server's SQL does not know."""
    assert main(["tables", *dataset.flags, "--archive", "--print-sql"]) == 0
    for statement in capsys.readouterr().out.split(";\n"):
        if statement.strip():
            dataset.client.query(statement).result()
    assert main(["tables", *dataset.flags, "--archive", "--create"]) == 0
    assert capsys.readouterr().out == f"{dataset.target}: nothing was missing\n"


def test_a_dataset_of_an_older_release_is_brought_up_to_date(
    dataset: Dataset, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its tables lack columns; its rows are read as those of job ""."""
    assert job(source, *dataset.flags) == 0
    for kind in ("anomalies", "aggregates"):
        old = [column for column in dataset.frame(kind) if column not in ("job_id", "first_time", "last_time")]
        name = dataset.target.table(kind)
        columns = ", ".join(f"`{column}`" for column in old)
        dataset.client.query(f"CREATE TABLE `{name}_kept` AS SELECT {columns} FROM `{name}`").result()
        schema = [column for column in dataset.client.get_table(name).schema if column.name in old]
        dataset.client.delete_table(name)
        dataset.client.create_table(bigquery.Table(name, schema))
        dataset.client.query(f"INSERT INTO `{name}` ({columns}) SELECT {columns} FROM `{name}_kept`").result()
    store = DatasetStore(dataset.target)
    before = store.read("aggregates", ("device", "job_id", "first_time"))
    assert set(before.column("job_id").to_pylist()) == {""}
    assert before.column("first_time").null_count == len(before) > 0
    capsys.readouterr()
    assert main(["tables", *dataset.flags, "--create"]) == 0
    out = capsys.readouterr().out
    assert out == f"{dataset.target}: created anomalies, created aggregates\n"
    assert store.read("aggregates", ("device", "job_id", "first_time")) == before
    check(dataset, frame())


def test_a_view_of_an_older_release_gets_the_present_query(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of these tests does not return the query of a view, so it is put into the answer here."""
    assert main(["tables", *dataset.flags, "--create"]) == 0
    found, updated = dataset.client.get_table, []

    def get_table(name: str, **options: Any) -> bigquery.Table:
        table = found(name, **options)
        if name.endswith(("latest_aggregates", "distinct_anomalies")):
            table.view_query = "SELECT * FROM aggregates QUALIFY ROW_NUMBER() OVER (ORDER BY pane_index DESC) = 1"
        return table

    monkeypatch.setattr(dataset.client, "get_table", get_table)
    monkeypatch.setattr(dataset.client, "update_table", lambda *change, **_: updated.append(change))
    specs = table_specs(DEFAULT_METRICS, archive=False)
    assert prepare_tables(dataset.client, dataset.target, specs) == ["latest_aggregates"]
    ((view, fields),) = updated
    assert fields == ["view_query"]
    assert view.view_query == next(query for one, query in view_queries(dataset.target).items() if one.merged)


def test_a_window_of_two_jobs_is_one_row_of_the_view(dataset: Dataset) -> None:
    rows = frame().head(600)
    start_us = 1_594_512_000_000_000
    assert main(["tables", *dataset.flags, "--create"]) == 0
    for number in range(2):
        events = Events()
        part = rows.iloc[301 * number : 301 + 299 * number].to_dict("records")
        events.message(Message(ndjson(part), {}, f"m{number}"), start_us)  # type: ignore[arg-type]
        run_events(events, *dataset.flags, "--flush-interval", "1ms", job_id=f"j{number}")
    check(dataset, rows)
    assert set(dataset.frame("latest_aggregates")["jobs"]) == {1, 2}
    stored = pa.Table.from_pandas(dataset.frame("aggregates"), preserve_index=False)
    expected = merge_windows(stored).to_pandas()
    found = dataset.frame("latest_aggregates")[list(expected.columns)].sort_values(list(WINDOW), ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-12)


def test_incidents_are_stored_once_and_seen_as_of_their_latest_transition(
    dataset: Dataset, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Transitions that are repeated and a second job that saw more: the views and the reader choose the same."""
    later = incident("b-1", 1, "closed", TRANSITIONS[3].event_time + 5, device="b")
    with incidents_given([*TRANSITIONS, *TRANSITIONS]):
        assert job(source, *dataset.flags, "--output", tmp_path / "out") == 0
    columns = KINDS["incidents"].schema().names
    stores = (DatasetStore(dataset.target), FileStore(str(tmp_path / "out")))
    for store in stores:
        found = latest_incidents(store.read("incidents", columns)).drop_columns(["job_id"])
        expected = from_records(Incident, [TRANSITIONS[2], TRANSITIONS[3], TRANSITIONS[5]]).drop_columns(["job_id"])
        assert found.to_pylist() == expected.to_pylist()
    view = "SELECT incident_id, sequence, state, value, stale, first FROM {%s} ORDER BY incident_id"
    expected_rows = [(row.incident_id, row.sequence, row.state, row.value, row.stale, row.first)
                     for row in (TRANSITIONS[2], TRANSITIONS[3], TRANSITIONS[5])]  # fmt: skip
    assert [tuple(row.values()) for row in dataset.rows(view % "incidents")] == expected_rows
    assert [tuple(row.values()) for row in dataset.rows(view % "open_incidents")] == expected_rows[1:2]
    for place in (dataset.flags, ["--output", str(tmp_path / "out")]):
        assert main(["reconcile", *place]) == 0
        assert re.search(r"^transitions of incidents +6 +6$", capsys.readouterr().out, re.MULTILINE)
    other = tmp_path / "other.csv"
    other.write_text(source.read_text().replace(",d1,", ",d9,"))
    with incidents_given([*TRANSITIONS, later]):
        assert job(other, *dataset.flags, "--append") == 0
    assert [tuple(row.values()) for row in dataset.rows(view % "incidents")] == [
        expected_rows[0], ("b-1", 1, "closed", 31.0, False, False), expected_rows[2],
    ]  # fmt: skip
    assert dataset.rows(view % "open_incidents") == []
    assert main(["reconcile", *dataset.flags]) == 0


def test_a_transition_that_bigquery_refuses_is_a_dead_letter(
    dataset: Dataset, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with incidents_given([*TRANSITIONS, incident("z", value=float("inf"))]):
        assert job(source, *dataset.flags) == 0
    (letter,) = dataset.rows("SELECT DISTINCT error, attributes FROM {dead_letters}")
    assert letter["error"] == f"{dataset.target.table('incident_transitions')}: value: is inf"
    assert json.loads(letter["attributes"]) == {"table": "incident_transitions"}
    capsys.readouterr()
    assert main(["reconcile", *dataset.flags]) == 0


def test_a_dataset_of_a_release_without_incidents_is_checked(
    dataset: Dataset, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with incidents_given(TRANSITIONS[:0]):
        assert job(source, *dataset.flags) == 0
    dataset.client.delete_table(dataset.target.table("incident_transitions"))
    assert main(["reconcile", *dataset.flags]) == 0
    assert "ledger check passed" in capsys.readouterr().out


def test_the_ledger_check_of_a_dataset(dataset: Dataset, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source.write_text(source.read_text() + "soon,d1,1,1,1,1,1\n")
    assert job(source, *dataset.flags, "--archive") == 0
    assert main(["reconcile", *dataset.flags]) == 0
    out = capsys.readouterr().out
    assert out.endswith("ledger check passed: every row is accounted for\n")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert f"archived readings {len(frame()):,} {len(frame()):,}" in lines
    assert "dead letters, bad_timestamp 1 1" in lines
    dataset.client.query(f"DELETE FROM `{dataset.target.table('aggregates')}` WHERE metric = 'co'").result()
    assert main(["reconcile", *dataset.flags]) == 1
    assert f"readings in final windows, co: 0 of {len(frame()):,}" in capsys.readouterr().out


def test_a_late_pane_is_a_row_of_its_own(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    rows = frame().head(600)
    start_us = 1_594_512_000_000_000
    assert main(["tables", *dataset.flags, "--create"]) == 0
    events = Events()
    events.message(Message(ndjson(rows.iloc[::2].to_dict("records")), {}, "m1"), start_us)  # type: ignore[arg-type]
    events.watermark(start_us + 7_200_000_000)
    events.message(Message(ndjson(rows.iloc[1::2].to_dict("records")), {}, "m2"), start_us)  # type: ignore[arg-type]
    run_events(events, *dataset.flags, "--allowed-lateness", "3h", "--flush-interval", "1ms")
    check(dataset, rows)
    found = dataset.frame("aggregates")
    assert dict(found.groupby("timing").size()) == {"on_time": len(found) // 2, "late": len(found) // 2}
    assert main(["reconcile", *dataset.flags]) == 0


def test_a_row_that_the_schema_does_not_allow_is_a_dead_letter(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two enormous values: their deviation is not finite, which JSON cannot say and BigQuery would refuse."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"ts":1,"device":"a","temp":1e308}\n{"ts":2,"device":"a","temp":-1e308}\n')
    assert job(path, *dataset.flags, "--summary", tmp_path / "s.json") == 0
    assert json.loads((tmp_path / "s.json").read_text())["dead_letters"] == {"not_stored": 1}
    (letter,) = dataset.rows("SELECT * FROM {dead_letters}")
    assert letter["error"] == f"{dataset.target.table('aggregates')}: stddev: is inf"
    assert (letter["stage"], json.loads(letter["attributes"])) == ("bigquery", {"table": "aggregates"})
    capsys.readouterr()
    assert main(["reconcile", *dataset.flags]) == 1
    assert "1 aggregates were refused by BigQuery, they are among the dead letters" in capsys.readouterr().out


def test_a_missing_dataset_is_found_before_the_job(
    bigquery_server: BigQueryServer, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--bigquery", f"{bigquery_server.project}:nowhere", "--bigquery-endpoint", bigquery_server.endpoint]
    for command in ([*flags, "--input", str(source)], ["reconcile", *flags], ["tables", *flags, "--create"]):
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"error: --bigquery {bigquery_server.project}:nowhere: no such dataset; create it " in line


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ([("device", "INT64", "REQUIRED")], "has column device of type INT64, not STRING"),
        ([("device", "STRING", "REPEATED")], "has column device of type STRING, not STRING"),
        ([("device", "STRING", "REQUIRED")], "has no column metric (ALTER TABLE aggregates ADD COLUMN metric STRING)"),
        ([("site", "STRING", "REQUIRED")], "requires column site, which is not known"),
    ],
)
def test_a_table_that_cannot_take_the_rows_is_found_before_the_job(
    columns: list[tuple[str, str, str]],
    problem: str,
    dataset: Dataset,
    source: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    schema = [bigquery.SchemaField(name, kind, mode) for name, kind, mode in columns]
    dataset.client.create_table(bigquery.Table(dataset.target.table("aggregates"), schema))
    assert job(source, *dataset.flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pipeline: error: --bigquery {dataset.target}: table aggregates ")
    assert problem in line


def test_a_table_with_a_column_more_takes_the_rows(dataset: Dataset, source: Path) -> None:
    (spec,) = (spec for spec in table_specs((), archive=False) if spec.kind == "anomalies")
    modes = {field.name: "NULLABLE" if field.nullable else "REQUIRED" for field in spec.schema}
    columns = [bigquery.SchemaField(field.name, sql_type(field), modes[field.name]) for field in spec.schema]
    columns.insert(0, bigquery.SchemaField("note", "STRING"))
    dataset.client.create_table(bigquery.Table(dataset.target.table("anomalies"), columns))
    assert job(source, *dataset.flags) == 0
    assert oracle.found_hot(dataset.frame("anomalies")) == oracle.hot(frame())


def test_a_server_killed_in_mid_run_loses_nothing(
    start_server: Callable[[type[BigQueryServer]], BigQueryServer], source: Path
) -> None:
    server = start_server(BigQueryServer)
    dataset = Dataset(server)

    def kill_and_restart() -> None:
        while not _has_rows(dataset):
            time.sleep(0.01)
        server.kill()
        time.sleep(1.0)
        server.restart()

    killer = threading.Thread(target=kill_and_restart)
    killer.start()
    assert job(source, *dataset.flags) == 0
    killer.join()
    check(dataset, frame())


def _has_rows(dataset: Dataset) -> bool:
    from google.api_core.exceptions import NotFound

    try:
        return bool(dataset.rows("SELECT COUNT(*) AS n FROM {aggregates}")[0]["n"])
    except NotFound:
        return False


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE {aggregates} SET mean = 999.0 WHERE device = 'd1'", "their values are not those that were read"),
        ("UPDATE {aggregates} SET `max` = 999.0 WHERE device = 'd1'", "their largest value is 999.0, not "),
        ("UPDATE {aggregates} SET job_id = 'another' WHERE metric = 'co'", "job another, hour "),
        ("UPDATE {anomalies} SET value = value + 1 WHERE TRUE", "anomalies, temp-high: their "),
        ("UPDATE {incidents} SET value = value + 1 WHERE value = 33", "transitions of incidents, hot: their largest "),
        ("UPDATE {incidents} SET value = 1 WHERE value IS NULL", "transitions of incidents, silent: their values are "),
        ("UPDATE {incidents} SET job_id = 'another' WHERE TRUE", "transitions of incidents, hot: 0 of "),
        ("DELETE FROM {incidents} WHERE state = 'updated'", "transitions of incidents, hot: 2 of 3, 1 missing"),
        ("DELETE FROM {incidents} WHERE TRUE", "transitions of incidents: 0 of 6, 6 missing"),
        ("DROP TABLE {incidents}", "transitions of incidents: 0 of 6, 6 missing"),
        ("UPDATE {ledger} SET `count` = `count` + 1 WHERE item = 'anomalies'", "anomalies"),
        ("DELETE FROM {ledger} WHERE item = 'incidents' AND detail = 'silent'", "silent: 2 of 0, 2 too many"),
        ("DELETE FROM {readings} WHERE device = 'd1'", "archived readings"),
    ],
)
def test_a_dataset_that_was_edited(
    dataset: Dataset, source: Path, capsys: pytest.CaptureFixture[str], change: str, problem: str
) -> None:
    with incidents_given():
        assert job(source, *dataset.flags, "--archive") == 0
    assert main(["reconcile", *dataset.flags]) == 0
    assert "ledger check passed" in capsys.readouterr().out
    tables = {kind: f"`{dataset.target.table_of(kind)}`" for kind in KINDS}
    dataset.client.query(change.format(**tables)).result()
    assert main(["reconcile", *dataset.flags]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ledger check failed")]
    assert any(problem in line for line in failed), failed
