"""A BigQuery dataset as a store, through a server that speaks its protocol: the same tables as from files."""

import concurrent.futures
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud.bigquery._http import Connection

from telemetry.bigquery import result_store
from telemetry.bigquery.client import prepare_tables
from telemetry.bigquery.result_store import DatasetStore
from telemetry.bigquery.rows import json_rows
from telemetry.bigquery.schema import BigQueryTarget, table_specs
from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter, LedgerEntry
from telemetry.storage.result_store import FileStore, ResultStore, schema_of
from tests.support.datasets import Dataset
from tests.support.emulators import BigQueryServer, bigquery_server
from tests.support.records import incident
from tests.support.runs import MINUTE, T0, anomaly, window, write

__all__ = ["bigquery_server"]
HOUR = 60


def letter(number: int, published: int | None = None, event: int | None = None) -> DeadLetter:
    return DeadLetter("bad_row", 'it\'s "wrong"\n', "decode", "YQ==", None, '{"é":"1"}', f"m{number}", published, event)


ROWS: dict[str, Sequence[msgspec.Struct]] = {
    "aggregates": [window("é", 0, 1 / 3), window("b", 1, -0.0), window("b", 1, 1e-300, pane=3), window("b", 1, 7)],
    "anomalies": [anomaly("a", T0 + 1), anomaly("a", T0 + 1), anomaly("b", T0 - 1, 0.1 + 0.2, upper=40.0, shift=-7)],
    "incidents": [incident("é", 0), incident("é", 1, "closed", value=0.1 + 0.2), incident("b", 0, value=None)],
    "dead_letters": [letter(1), letter(2, T0 + 1), letter(3, None, T0 + 1)],
    "ledger": [LedgerEntry("e", "", "values", "temp", 2**53 - 1, None), LedgerEntry("f", "r", "values", "co", 0, T0)],
}


@pytest.fixture
def dataset(bigquery_server: BigQueryServer) -> Dataset:
    found = Dataset(bigquery_server)
    prepare_tables(found.client, found.target, table_specs(("temp",), archive=False))
    return found


@pytest.fixture
def store(dataset: Dataset) -> ResultStore:
    return DatasetStore(dataset.target)


def insert(dataset: Dataset, kind: str, rows: Sequence[msgspec.Struct]) -> None:
    content = json_rows(from_records(KINDS[kind].record, rows))
    assert dataset.client.insert_rows_json(dataset.target.table_of(kind), content) == []


def ordered(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in table.schema.names])


def names(table: pa.Table, column: str = "device") -> list[str]:
    return sorted(table.column(column).to_pylist())


@pytest.mark.parametrize("kind", ROWS)
def test_a_kind_is_what_files_of_it_are(kind: str, dataset: Dataset, store: ResultStore, tmp_path: Path) -> None:
    """Every column, `count` and texts with quotes among them: the same schema, the same values."""
    insert(dataset, kind, ROWS[kind])
    write(tmp_path, kind, ROWS[kind])
    columns = [field.name for field in msgspec.structs.fields(KINDS[kind].record)]
    found, expected = store.read(kind, columns), FileStore(str(tmp_path)).read(kind, columns)
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert repr(ordered(found).to_pylist()) == repr(ordered(expected).to_pylist())  # repr: -0.0 is not 0.0
    assert len(found) == len(ROWS[kind])
    part = store.read(kind, columns[2:0:-1])
    assert part.schema == schema_of(kind, columns[2:0:-1])


def test_a_table_is_a_page(dataset: Dataset, store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(dataset, "aggregates", [window("a", at) for at in range(25)])
    monkeypatch.setattr(result_store, "PAGE_ROWS", 10)
    tables = list(store.tables("aggregates", ["window_start"]))
    assert [len(table) for table in tables] == [10, 10, 5]
    expected = schema_of("aggregates", ["window_start"])
    assert all(table.schema.equals(expected, check_metadata=True) for table in tables)
    starts = sorted(pa.concat_tables(tables).column("window_start").cast("int64").to_pylist())
    assert starts == [T0 + at * MINUTE for at in range(25)]


def test_a_page_that_fails_is_asked_for_again(
    dataset: Dataset, store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(dataset, "aggregates", [window("a", at) for at in range(25)])
    monkeypatch.setattr(result_store, "PAGE_ROWS", 10)
    answer, failed = Connection.api_request, list[str]()

    def fail_once(self: Connection, **request: Any) -> Any:
        if request["method"] == "GET" and (request.get("query_params") or {}).get("pageToken") and not failed:
            failed.append(request["path"])
            raise ServiceUnavailable("busy")
        return answer(self, **request)

    monkeypatch.setattr(Connection, "api_request", fail_once)
    assert len(store.read("aggregates", ["device"])) == 25
    assert len(failed) == 1


def test_newer_asks_again_for_the_last_hour(dataset: Dataset, store: ResultStore) -> None:
    insert(dataset, "aggregates", [window("old", 0), window("edge", HOUR), window("last", 2 * HOUR)])
    table, position = store.read_new("aggregates", ["device"], None)
    assert names(table) == ["edge", "last", "old"]
    assert table.schema == schema_of("aggregates", ["device"])
    insert(dataset, "aggregates", [window("missed", HOUR - 1), window("late", HOUR + 1), window("new", 4 * HOUR)])
    table, later = store.read_new("aggregates", ["device"], position)
    assert names(table) == ["edge", "last", "late", "new"]
    table, same = store.read_new("aggregates", ["device"], later)
    assert names(table) == ["new"]
    assert names(store.read_new("aggregates", ["device"], same)[0]) == ["new"]
    assert names(store.read_new("aggregates", ["device"], None)[0]) == [
        *("edge", "last", "late", "missed", "new", "old"),
    ]


def test_newer_anomalies_are_by_event_time(dataset: Dataset, store: ResultStore) -> None:
    insert(dataset, "anomalies", [anomaly("old", T0), anomaly("last", T0, shift=2 * HOUR * MINUTE)])
    table, position = store.read_new("anomalies", ["device", "event_time"], None)
    assert names(table) == ["last", "old"]
    table, _ = store.read_new("anomalies", ["device", "event_time"], position)
    assert table.to_pylist() == [
        {"device": "last", "event_time": pa.scalar(T0 + 2 * HOUR * MINUTE, pa.timestamp("us", "UTC")).as_py()}
    ]


def test_newer_letters_have_one_time_or_the_other_and_those_without_come_once(
    dataset: Dataset, store: ResultStore
) -> None:
    insert(dataset, "dead_letters", [letter(1), letter(2, T0), letter(3, None, T0 + 2 * HOUR * MINUTE)])
    table, position = store.read_new("dead_letters", ["message_id"], None)
    assert names(table, "message_id") == ["m1", "m2", "m3"]
    insert(dataset, "dead_letters", [letter(4, T0 + 3 * HOUR * MINUTE), letter(5, T0, T0 + 9 * HOUR * MINUTE)])
    assert names(store.read_new("dead_letters", ["message_id"], position)[0], "message_id") == ["m3", "m4"]


def test_without_any_time_all_is_new_again(dataset: Dataset, store: ResultStore) -> None:
    insert(dataset, "dead_letters", [letter(1)])
    _, position = store.read_new("dead_letters", ["message_id"], None)
    insert(dataset, "dead_letters", [letter(2)])
    assert names(store.read_new("dead_letters", ["message_id"], position)[0], "message_id") == ["m1", "m2"]


def test_a_metric_may_be_called_like_a_word_of_sql(dataset: Dataset, store: ResultStore) -> None:
    prepare_tables(dataset.client, dataset.target, table_specs(("select",), archive=True))
    moment = "2020-07-12T00:00:00.000000Z"
    row = {"device": "a", "event_time": moment, "source_time": moment, "message_id": "m", "line": 1, "select": 0.5}
    assert dataset.client.insert_rows_json(dataset.target.table("readings"), [row]) == []
    assert store.read("readings", ["select", "device"]).to_pylist() == [{"select": 0.5, "device": "a"}]


def test_a_table_that_is_missing_has_no_records(store: ResultStore) -> None:
    assert store.read("readings", ["device", "temp"]).schema == schema_of("readings", ["device", "temp"])
    table, position = store.read_new("readings", ["device", "temp"], None)
    assert len(table) == len(store.read_new("readings", ["device"], position)[0]) == 0


def test_a_table_that_lacks_a_column_is_one_line(dataset: Dataset, store: ResultStore) -> None:
    insert(dataset, "anomalies", ROWS["anomalies"])
    dataset.client.query(f"ALTER TABLE `{dataset.target.table('anomalies')}` DROP COLUMN severity").result()
    with pytest.raises(ConfigError, match=f"^--bigquery {dataset.target}: .*severity") as error:
        store.read("anomalies", ["device", "severity"])
    assert "\n" not in str(error.value)


def test_a_dataset_that_is_missing_or_empty_is_refused(bigquery_server: BigQueryServer, dataset: Dataset) -> None:
    nowhere = DatasetStore(BigQueryTarget(bigquery_server.project, "nowhere", endpoint=bigquery_server.endpoint))
    for ask in (nowhere.check_exists, nowhere.check_has_results, lambda: nowhere.read("anomalies", ["device"])):
        with pytest.raises(ConfigError, match=r"^--bigquery telemetry-test:nowhere: no such dataset; create it "):
            ask()
    store = DatasetStore(dataset.target)
    store.check_exists()
    with pytest.raises(ConfigError, match=f"^--bigquery {dataset.target}: no results in it: no row in a table"):
        store.check_has_results()
    insert(dataset, "ledger", ROWS["ledger"])
    store.check_has_results()


def test_a_server_that_does_not_answer_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
    store = DatasetStore(BigQueryTarget("project-x", "results", endpoint=endpoint))
    for ask in (store.check_exists, store.check_has_results, lambda: store.read("anomalies", ["device"])):
        with pytest.raises(ConfigError, match=r"^--bigquery project-x:results: BigQuery does not answer \(http://127"):
            ask()


def test_a_query_that_does_not_end_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        def result(self, **bounds: object) -> None:
            assert bounds["timeout"] == 300.0
            raise concurrent.futures.TimeoutError

    monkeypatch.setattr("google.cloud.bigquery.Client.query", lambda *_, **bounds: bounds["timeout"] and Endless())
    store = DatasetStore(BigQueryTarget("project-x", "results", endpoint="http://127.0.0.1:9"))
    with pytest.raises(
        ConfigError, match=r"^--bigquery project-x:results: no answer to a query of anomalies within 300 s"
    ):
        store.read("anomalies", ["device"])


def test_a_store_is_named_by_its_dataset() -> None:
    store = DatasetStore(BigQueryTarget("project-x", "results", endpoint="http://127.0.0.1:9"))
    assert (str(store), store.flag) == ("project-x:results", "--bigquery")
