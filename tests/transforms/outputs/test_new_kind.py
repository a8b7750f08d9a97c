"""Add a kind of record with one entry in `KINDS`, and read its records back from files and from BigQuery."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import apache_beam as beam
import msgspec
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from msgspec import Meta

from pipeline.graph import outputs_of
from telemetry.bigquery.client import prepare_tables
from telemetry.bigquery.result_store import DatasetStore
from telemetry.bigquery.rows import json_rows, row_ids
from telemetry.bigquery.schema import table_specs
from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS, kinds_of
from telemetry.model.output_kind import OutputKind, TableView
from telemetry.model.record_batches import FileFormat, from_records
from telemetry.model.records import UtcMicros
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore, ResultStore
from tests.support.datasets import Dataset
from tests.support.emulators import BigQueryServer, bigquery_server
from tests.support.jobs import config_of
from transforms.outputs.insert_rows import InsertRecords
from transforms.outputs.write_files import WriteRecords

__all__ = ["bigquery_server"]
START = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z
HOUR = 3_600_000_000
COLUMNS = ("toy_id", "sequence", "opened_at", "seen_at", "score", "note")


class Toy(msgspec.Struct, frozen=True):
    """A record that no output has ever seen."""

    toy_id: Annotated[str, Meta(description="names it")]
    sequence: Annotated[int, Meta(description="numbers its versions")]
    opened_at: Annotated[UtcMicros | None, Meta(description="may be unknown")]
    seen_at: Annotated[UtcMicros, Meta(description="is always known")]
    score: Annotated[float, Meta(description="may be any number")]
    note: Annotated[str | None, Meta(description="for a person")]


TOY = OutputKind(
    name="toys",
    description="A record that no output has ever seen.",
    record=Toy,
    time_columns=("seen_at", "opened_at"),
    identity=("toy_id", "sequence"),
    cluster=("toy_id",),
    version="sequence",
    views=(TableView("latest_toys", "each toy in its latest version", ("toy_id",), "sequence DESC"),),
)
RECORDS = [
    Toy("a", 0, None, START, 0.1 + 0.2, 'quote " and é'),
    Toy("a", 1, START + 5, START + 10, -0.0, None),
    Toy("b", 0, START, START + HOUR, 1e300, ""),
]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[OutputKind], None]:
    """Return a function that adds an entry to the registry for one test."""
    return lambda kind: monkeypatch.setitem(KINDS, kind.name, kind)


def run(batches: Iterable[pa.RecordBatch], sink: beam.PTransform) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(list(batches)).with_output_types(pa.RecordBatch) | sink


def read(store: ResultStore) -> list[Toy]:
    table = store.read("toys", COLUMNS)
    times = [field.name for field in table.schema if pa.types.is_timestamp(field.type)]
    assert times == ["opened_at", "seen_at"]
    columns = {name: table.column(name).cast("int64") if name in times else table.column(name) for name in COLUMNS}
    rows = zip(*(columns[name].to_pylist() for name in COLUMNS), strict=True)
    return sorted((Toy(*row) for row in rows), key=lambda toy: (toy.toy_id, toy.sequence))


def batches() -> list[pa.RecordBatch]:
    return [from_records(Toy, RECORDS[:2]), from_records(Toy, RECORDS[2:])]


@pytest.mark.parametrize("file_format", ["jsonl", "parquet"])
def test_a_new_kind_is_read_back_from_files(
    file_format: FileFormat, register: Callable[[OutputKind], None], tmp_path: Path
) -> None:
    register(TOY)
    run(batches(), WriteRecords("toys", str(tmp_path), file_format))
    store = FileStore(str(tmp_path))
    store.check_has_results()
    assert read(store) == RECORDS
    assert repr(read(store)) == repr(RECORDS)  # repr: -0.0 is not 0.0
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert [name.rpartition("-")[0] for name in files] == [
        "toys/date=2020-07-12/hour=00/20200712T000000Z-0",
        "toys/date=2020-07-12/hour=00/20200712T000000Z-1",
        "toys/date=2020-07-12/hour=01/20200712T010000Z-0",
    ]


def test_without_a_version_records_of_an_hour_are_one_file(
    register: Callable[[OutputKind], None], tmp_path: Path
) -> None:
    register(replace(TOY, version=""))
    run(batches(), WriteRecords("toys", str(tmp_path)))
    assert len(FileStore(str(tmp_path)).files("toys")) == 2
    assert read(FileStore(str(tmp_path))) == RECORDS


def test_a_new_kind_is_read_back_from_bigquery(
    register: Callable[[OutputKind], None], bigquery_server: BigQueryServer
) -> None:
    register(TOY)
    dataset = Dataset(bigquery_server)
    created = prepare_tables(dataset.client, dataset.target, table_specs((), archive=False))
    assert {"toys", "latest_toys"} <= set(created)
    table = dataset.client.get_table(dataset.target.table("toys"))
    assert (table.time_partitioning.field, table.clustering_fields) == ("seen_at", ["toy_id"])
    run(batches(), InsertRecords("toys", dataset.target))
    store = DatasetStore(dataset.target)
    store.check_has_results()
    assert read(store) == RECORDS
    latest = dataset.rows("SELECT toy_id, sequence FROM {latest_toys} ORDER BY toy_id")
    assert latest == [{"toy_id": "a", "sequence": 1}, {"toy_id": "b", "sequence": 0}]


def test_a_row_has_the_same_id_on_every_run(register: Callable[[OutputKind], None]) -> None:
    register(TOY)
    first, again = (row_ids("toys", json_rows(from_records(Toy, RECORDS))) for _ in range(2))
    assert first == again
    assert len(set(first)) == len(RECORDS)
    other = replace_score(RECORDS[0], 7.0)
    assert row_ids("toys", json_rows(from_records(Toy, [other]))) == first[:1], "a score is not part of the identity"


def replace_score(toy: Toy, score: float) -> Toy:
    return msgspec.structs.replace(toy, score=score)


@pytest.mark.parametrize(("gather_us", "expected"), [(0, 2_000_000), (90_000_000, 90_000_000)])
def test_a_job_has_the_outputs_of_a_new_kind(
    gather_us: int, expected: int, register: Callable[[OutputKind], None]
) -> None:
    register(replace(TOY, gather_us=gather_us, file_format="parquet"))
    flags = ["--output", "out", "--bigquery", "a-project:data", "--flush-interval", "2s"]
    sinks = outputs_of(config_of("--subscription", "projects/p-1/subscriptions/s-1", *flags))["toys"]
    assert list(sinks) == ["Write toys", "Insert toys"]
    write, insert = sinks.values()
    assert isinstance(write, WriteRecords)
    assert isinstance(insert, InsertRecords)
    assert (write.file_format, write.flush_us, insert.flush_us) == ("parquet", expected, expected)


def test_without_an_entry_there_is_no_such_kind(tmp_path: Path, bigquery_server: BigQueryServer) -> None:
    """The tests above prove nothing if an output knew the kind without its entry."""
    assert "toys" not in KINDS
    write_toys(tmp_path)
    with pytest.raises(KeyError):
        FileStore(str(tmp_path)).read("toys", COLUMNS)
    with pytest.raises(StorageError, match="no results in it"):
        FileStore(str(tmp_path)).check_has_results()
    with pytest.raises(ConfigError, match="no results in it"):
        DatasetStore(Dataset(bigquery_server).target).check_has_results()


def write_toys(folder: Path) -> None:
    path = folder / "toys" / "date=2020-07-12" / "hour=00"
    path.mkdir(parents=True)
    (path / "20200712T000000Z-0-0.jsonl").write_text('{"toy_id":"a","sequence":0}\n')


def test_an_optional_kind_is_stored_only_with_the_archive(register: Callable[[OutputKind], None]) -> None:
    register(replace(TOY, optional=True))
    assert "toys" not in {spec.name for spec in table_specs((), archive=False)}
    assert TOY.name in {kind.name for kind in kinds_of(archive=True)}
