"""The servers of `tests/support/emulators.py` work through the libraries that the job uses, and survive a kill."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.support import needs
from tests.support.emulators import (
    PROJECT,
    AmazonStorage,
    AzureStorage,
    BigQueryServer,
    GoogleStorage,
    Lake,
    Server,
    amazon_storage,
    azure_storage,
    bigquery_server,
    google_storage,
    lake,
    start_server,
)
from tests.support.needs import program

# Fixtures, found by name.
__all__ = ["amazon_storage", "azure_storage", "bigquery_server", "google_storage", "lake", "start_server"]
pytestmark = pytest.mark.xdist_group("stores")  # one worker, so that each server starts once

NESTED = "a/date=2020-07-12/hour=00/x.jsonl"


@pytest.fixture(autouse=True)
def options(monkeypatch: pytest.MonkeyPatch) -> None:
    # A job sets options; azfs:// does not work without.
    monkeypatch.setattr(FileSystems, "_pipeline_options", PipelineOptions([]))


def write(path: str, content: bytes) -> None:
    folder = path.rpartition("/")[0]
    if "://" not in path:
        os.makedirs(folder, exist_ok=True)
    with FileSystems.create(path, compression_type="uncompressed") as file:
        file.write(content)


def read(path: str) -> bytes:
    with FileSystems.open(path, compression_type="uncompressed") as file:
        content: bytes = file.read()
    return content


def listed(pattern: str) -> dict[str, int]:
    (found,) = FileSystems.match([pattern])
    return {one.path: one.size_in_bytes for one in found.metadata_list}


class TestLake:
    def test_what_is_written_is_read(self, lake: Lake) -> None:
        write(f"{lake.root}/{NESTED}", b"one\ntwo\n")
        assert read(f"{lake.root}/{NESTED}") == b"one\ntwo\n"

    def test_a_listing_goes_down_into_folders(self, lake: Lake) -> None:
        names = ["a/top.jsonl", NESTED, "a/date=2020-07-12/hour=01/y.jsonl", "a/date=2020-07-13/hour=00/z.jsonl"]
        for size, name in enumerate(names, 1):  # not empty: Beam cannot write an empty file to s3://
            write(f"{lake.root}/{name}", b"." * size)
        write(f"{lake.root}/b/elsewhere.jsonl", b"one\n")
        assert listed(f"{lake.root}/a/**") == {f"{lake.root}/{name}": size for size, name in enumerate(names, 1)}

    def test_nothing_is_listed_where_nothing_is(self, lake: Lake) -> None:
        assert listed(f"{lake.root}/none/**") == {}

    def test_what_is_deleted_is_gone(self, lake: Lake) -> None:
        write(f"{lake.root}/{NESTED}", b"one\n")
        FileSystems.delete([f"{lake.root}/{NESTED}"])
        assert listed(f"{lake.root}/**") == {}  # FileSystems.exists of a missing file raises on azfs://

    def test_a_rename_moves(self, lake: Lake) -> None:
        write(f"{lake.root}/a/old", b"one\n")
        FileSystems.rename([f"{lake.root}/a/old"], [f"{lake.root}/a/new"])
        assert listed(f"{lake.root}/a/**") == {f"{lake.root}/a/new": 4}

    def test_two_tests_do_not_meet(self, lake: Lake) -> None:
        assert listed(f"{lake.root}/**") == {}


StartServer = Callable[[type[Server]], Server]


@pytest.mark.parametrize("kind", [GoogleStorage, AmazonStorage, AzureStorage])
def test_a_killed_store_comes_back_with_what_it_had(
    kind: type[GoogleStorage | AmazonStorage | AzureStorage], start_server: StartServer
) -> None:
    server = start_server(kind)
    write(f"{kind.root}/{NESTED}", b"before\n")
    server.kill()
    server.restart()
    if kind.keeps_data:
        assert read(f"{kind.root}/{NESTED}") == b"before\n"
    write(f"{kind.root}/a/after", b"after\n")
    assert listed(f"{kind.root}/**") == {f"{kind.root}/a/after": 6} | (
        {f"{kind.root}/{NESTED}": 7} if kind.keeps_data else {}
    )


def test_a_server_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = AmazonStorage(tmp_path)
    monkeypatch.setattr(server, "arguments", lambda: ["--no-such-flag"])
    with pytest.raises(AssertionError, match=r"s3:// exited with 2:\n(.|\n)*--no-such-flag"):
        server.start()


def test_a_missing_program_skips_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AmazonStorage, "need", replace(needs.AMAZON_STORAGE, find=program("no-such-server")))
    with pytest.raises(pytest.skip.Exception, match=r"needs the emulator of s3:// \(make emulators\)"):
        AmazonStorage(tmp_path).start()


class TestBigQuery:
    @pytest.fixture
    def client(self, bigquery_server: BigQueryServer) -> Iterator[bigquery.Client]:
        with client_of(bigquery_server) as client:
            yield client

    @pytest.fixture
    def table(self, client: bigquery.Client) -> bigquery.Table:
        dataset = f"d_{uuid.uuid4().hex}"
        client.create_dataset(dataset)
        return client.create_table(table_of(dataset))

    def test_a_table_reads_back_as_it_was_made(self, client: bigquery.Client, table: bigquery.Table) -> None:
        found, asked = client.get_table(table.reference), table_of(table.dataset_id)
        assert found.schema == asked.schema
        assert found.description == asked.description
        assert found.clustering_fields == ["device"]
        assert (found.time_partitioning.type_, found.time_partitioning.field) == ("DAY", "event_time")

    def test_rows_are_inserted_and_queried(self, client: bigquery.Client, table: bigquery.Table) -> None:
        rows = [row("b", 1.5), row("a", None)]
        assert client.insert_rows_json(table, rows, row_ids=["1", "2"], skip_invalid_rows=True) == []
        query = f"SELECT device, event_time, value FROM `{table.reference}` ORDER BY device"
        found = [(one.device, one.event_time.isoformat(), one.value) for one in client.query_and_wait(query)]
        assert found == [("a", "2020-07-12T00:00:01+00:00", None), ("b", "2020-07-12T00:00:01+00:00", 1.5)]

    def test_a_view_keeps_the_last_of_each(self, client: bigquery.Client, table: bigquery.Table) -> None:
        assert client.insert_rows_json(table, [row("a", 1.0), row("a", 3.0), row("b", 2.0)]) == []
        latest = "ROW_NUMBER() OVER (PARTITION BY device ORDER BY value DESC) = 1"
        view = f"{PROJECT}.{table.dataset_id}.latest"
        client.query_and_wait(f"CREATE VIEW `{view}` AS SELECT * FROM `{table.reference}` WHERE TRUE QUALIFY {latest}")
        found = client.query_and_wait(f"SELECT device, value FROM `{view}` ORDER BY device")
        assert [tuple(one) for one in found] == [("a", 3.0), ("b", 2.0)]

    def test_a_table_is_read_as_arrow(self, client: bigquery.Client, table: bigquery.Table) -> None:
        client.insert_rows_json(table, [row("a", 1.0)])
        arrow = client.list_rows(client.get_table(table.reference)).to_arrow(create_bqstorage_client=False)
        assert arrow.select(["device", "value"]).to_pylist() == [{"device": "a", "value": 1.0}]


def test_a_killed_bigquery_comes_back_with_what_it_had(start_server: StartServer) -> None:
    server = start_server(BigQueryServer)
    with client_of(server) as client:
        client.create_dataset("d")
        table = client.create_table(table_of("d"))
        client.insert_rows_json(table, [row("a", 1.0)])
        server.kill()
        server.restart()
        found = client.query_and_wait(f"SELECT device FROM `{table.reference}`")
        assert [tuple(one) for one in found] == [("a",)]
        assert client.get_table(table.reference).description == table_of("d").description


def client_of(server: Server) -> bigquery.Client:
    options = {"api_endpoint": server.endpoint}
    return bigquery.Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)


def table_of(dataset: str) -> bigquery.Table:
    schema = [
        bigquery.SchemaField("device", "STRING", "REQUIRED", description="which sensor"),
        bigquery.SchemaField("event_time", "TIMESTAMP", "REQUIRED", description="when, UTC"),
        bigquery.SchemaField("value", "FLOAT", description="°C"),
        bigquery.SchemaField("count", "INTEGER"),
    ]
    table = bigquery.Table(f"{PROJECT}.{dataset}.readings", schema)
    table.description = "what was measured"
    table.time_partitioning = bigquery.TimePartitioning(field="event_time")
    table.clustering_fields = ["device"]
    return table


def row(device: str, value: float | None) -> dict[str, object]:
    return {"device": device, "event_time": "2020-07-12T00:00:01.000000Z", "value": value, "count": 1}
