"""Files of results as a store: by parts, and only what is new."""

from pathlib import Path

import pytest

from telemetry.model.record_batches import from_records, to_json_lines, to_parquet
from telemetry.model.records import WindowAggregate
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore, ReadPosition, ResultStore, schema_of
from tests.support.runs import MINUTE, T0, anomaly, window, write

COLUMNS = ("device", "window_start", "count")


def store(folder: Path) -> ResultStore:
    return FileStore(str(folder))


def devices(table) -> list[str]:
    return sorted(table.column("device").to_pylist())


def test_a_table_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, "aggregates", [window("a"), window("b")], name="a")
    write(tmp_path, "aggregates", [window("c", 5)], name="b", kind="parquet")
    write(tmp_path, "anomalies", [anomaly("d")])
    tables = list(store(tmp_path).tables("aggregates", COLUMNS))
    assert [devices(table) for table in tables] == [["a", "b"], ["c"]]
    assert [table.schema for table in tables] == [schema_of("aggregates", COLUMNS)] * 2
    assert devices(store(tmp_path).read("aggregates", COLUMNS)) == ["a", "b", "c"]


def test_newer_is_what_lies_in_files_that_were_not_there(tmp_path: Path) -> None:
    """Also a file that is sorted before the known ones, of an older hour; and a known one is not opened again."""
    files = store(tmp_path)
    table, nothing = files.read_new("aggregates", COLUMNS, None)
    assert (len(table), table.schema) == (0, schema_of("aggregates", COLUMNS))
    first = write(tmp_path, "aggregates", [window("a"), window("b")], name="m", hour="05")
    table, position = files.read_new("aggregates", COLUMNS, nothing)
    assert devices(table) == ["a", "b"]
    first.write_text("no longer a file of the job")
    write(tmp_path, "aggregates", [window("c")], name="a", hour="01")
    table, later = files.read_new("aggregates", COLUMNS, position)
    assert devices(table) == ["c"]
    assert len(files.read_new("aggregates", COLUMNS, later)[0]) == 0
    assert devices(files.read_new("aggregates", COLUMNS, position)[0]) == ["c"]


def test_newer_from_the_beginning_is_all(tmp_path: Path) -> None:
    write(tmp_path, "aggregates", [window("a", at) for at in range(3)])
    table, position = store(tmp_path).read_new("aggregates", COLUMNS, None)
    assert isinstance(position, ReadPosition)
    assert sorted(table.column("window_start").cast("int64").to_pylist()) == [T0 + at * MINUTE for at in range(3)]


def test_a_file_that_cannot_be_read_comes_with_the_next_time_that_it_can(tmp_path: Path) -> None:
    files = store(tmp_path)
    _, position = files.read_new("aggregates", COLUMNS, None)
    broken = write(tmp_path, "aggregates", [window("a")])
    content = broken.read_bytes()
    broken.write_bytes(content[:20])
    with pytest.raises(StorageError, match="not a file of aggregates of the job"):
        files.read_new("aggregates", COLUMNS, position)
    broken.write_bytes(content)
    assert devices(files.read_new("aggregates", COLUMNS, position)[0]) == ["a"]


def test_a_store_is_named_by_its_folder(tmp_path: Path) -> None:
    assert str(store(tmp_path)) == str(tmp_path)


def test_files_of_the_first_release_have_no_job_and_no_times_of_first_and_last(tmp_path: Path) -> None:
    added = ["job_id", "first_time", "last_time"]
    batch = from_records(WindowAggregate, [window("a")]).drop_columns(added)
    (tmp_path / "aggregates").mkdir()
    (tmp_path / "aggregates/a.jsonl").write_bytes(to_json_lines(batch))
    (tmp_path / "aggregates/b.parquet").write_bytes(to_parquet(batch))
    found = store(tmp_path).read("aggregates", ("device", *added)).to_pylist()
    assert found == [{"device": "a", "job_id": "", "first_time": None, "last_time": None}] * 2
