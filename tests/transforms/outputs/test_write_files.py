import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry.model.record_batches import arrow_schema, record_times
from telemetry.model.records import Anomaly, WindowAggregate
from telemetry.storage.result_names import file_name, hour_folder
from tests.support.batches import MINUTE
from tests.support.counting import Tally
from tests.support.records import START, aggregate, anomaly, batch_of, dead
from tests.support.run_transform import run_transform, stream_of
from transforms.outputs import write_files
from transforms.outputs.write_files import WriteRecords, encode_records, join_gathered, split_files
from transforms.shuffle.record_batch_bytes import encode_record_batch

HOUR = 60 * MINUTE
UNKNOWN = int(np.iinfo(np.int64).min)
FORMATS = pytest.mark.parametrize("file_format", ["jsonl", "parquet"])


def read_back(path: Path | str, record: type) -> list[Any]:
    """The records of one file, times as integer microseconds."""
    content = Path(path).read_bytes()
    schema = arrow_schema(record)
    times = [field.name for field in schema if field.type == pa.timestamp("us", tz="UTC")]
    if str(path).endswith(".parquet"):
        table = pq.read_table(io.BytesIO(content))
        assert table.schema.equals(schema, check_metadata=True)
        (batch,) = table.combine_chunks().to_batches()
        rows = batch.to_pylist()
        for name in times:
            for row, moment in zip(rows, record_times(batch, name).tolist(), strict=True):
                row[name] = None if moment == UNKNOWN else moment
    else:
        assert content.endswith(b"\n")
        rows = [json.loads(line) for line in content.decode().splitlines()]
        for row in rows:
            assert list(row) == schema.names
            row.update({name: None if row[name] is None else moment_us(row[name]) for name in times})
    return [record(**row) for row in rows]


def moment_us(text: str) -> int:
    assert len(text) == len("2020-07-12T00:00:00.000000Z")
    assert text[-1] == "Z"
    return int(np.datetime64(text[:-1], "us").astype(np.int64))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def run_bounded(batches: list[pa.RecordBatch], transform: WriteRecords) -> None:
    run_transform(batches, transform, pa.RecordBatch)


# Names


@FORMATS
def test_a_name_says_time_and_pane_and_ends_in_the_format(file_format):
    name = file_name(START + HOUR + 2 * MINUTE + 3_000_001, 4, b"content", file_format)
    stem, _, suffix = name.partition(".")
    assert stem.rpartition("-")[0] == "20200712T010203Z-4"
    assert suffix == file_format
    assert len(stem.rpartition("-")[2]) == 20


def test_the_same_content_is_the_same_name_and_another_is_not():
    assert file_name(START, 0, b"content", "jsonl") == file_name(START, 0, b"content", "jsonl")
    names = {file_name(START, pane, content, "jsonl") for pane in (0, 1) for content in (b"", b"a", b"b", b"a\n")}
    assert len(names) == 8


def test_records_without_a_time_have_a_name_too():
    assert file_name(UNKNOWN, 0, b"", "jsonl").startswith("19700101T000000Z-0-")


@pytest.mark.parametrize(
    ("hour_us", "folder"),
    [
        (0, "date=1970-01-01/hour=00"),
        (START + 23 * HOUR, "date=2020-07-12/hour=23"),
        (-HOUR, "date=1969-12-31/hour=23"),
        (UNKNOWN, "date=__HIVE_DEFAULT_PARTITION__/hour=__HIVE_DEFAULT_PARTITION__"),
    ],
)
def test_the_folder_of_an_hour(hour_us, folder):
    assert hour_folder(hour_us) == folder


# Partitions


def split(kind: str, *records: Any) -> dict[tuple[str, int], Any]:
    """The records by (hour of the folder, pane) of their files."""
    whole = [list(row.values()) for row in batch_of(*records).to_pylist()]
    parts = list(split_files(kind, batch_of(*records)))
    found = {
        (hour_folder(hour_us).rpartition("=")[2], pane): [
            records[whole.index(list(row.values()))] for row in part.to_pylist()
        ]
        for hour_us, pane, part in parts
    }
    assert len(found) == len(parts)
    return found


def test_anomalies_go_by_the_hour_of_their_event():
    early, late, next_hour = anomaly(START), anomaly(START + HOUR - 1), anomaly(START + HOUR)
    assert split("anomalies", next_hour, late, early) == {("00", 0): [late, early], ("01", 0): [next_hour]}


def test_panes_of_the_same_hour_are_files_of_their_own():
    first, second, other = aggregate(START, 0), aggregate(START, 1), aggregate(START + MINUTE, 0)
    assert split("aggregates", first, second, other) == {("00", 0): [first, other], ("00", 1): [second]}


def test_dead_letters_go_by_publish_time_else_event_time_else_nowhere():
    published, event, neither = dead(START + HOUR, START), dead(None, START + 2 * HOUR), dead(None, None)
    assert split("dead_letters", neither, event, published) == {
        ("__HIVE_DEFAULT_PARTITION__", 0): [neither],
        ("01", 0): [published],
        ("02", 0): [event],
    }


# Content


@FORMATS
@pytest.mark.parametrize(
    "records",
    [
        [anomaly(START, 0.1 + 0.2), anomaly(START + 1, -0.0, 'quote " and \\ and é'), anomaly(START + 999_999)],
        [aggregate(START, 0), aggregate(START + MINUTE, 1)],
        [dead(None, None), dead(START, None), dead(START + 1, START)],
    ],
)
def test_records_read_back_are_equal(records, file_format, tmp_path):
    path = tmp_path / f"file.{file_format}"
    path.write_bytes(encode_records(batch_of(*records), file_format))
    assert read_back(path, type(records[0])) == records


@FORMATS
def test_the_same_records_are_the_same_bytes(file_format):
    records = [aggregate(START, 0), aggregate(START + MINUTE, 1)]
    joined = pa.concat_batches([batch_of(record) for record in records])
    assert encode_records(joined, file_format) == encode_records(batch_of(*records), file_format)


# Files


def test_a_job_that_cannot_write_fails(tmp_path):
    (tmp_path / "anomalies").write_bytes(b"in the way")
    with pytest.raises(Exception, match=r"--output .*: cannot be written: .*anomalies"):
        run_bounded([batch_of(anomaly(START))], WriteRecords("anomalies", str(tmp_path)))
    assert tree(tmp_path) == {"anomalies": b"in the way"}


# The transform


@FORMATS
def test_bounded_records_become_one_file_an_hour_and_pane(tally: Tally, file_format, tmp_path):
    records = [aggregate(START + MINUTE, 0), aggregate(START, 0), aggregate(START, 1, 3), aggregate(START + HOUR, 0)]
    run_bounded(
        [batch_of(*records[:2]), batch_of(records[2]), batch_of(records[3])],
        WriteRecords("aggregates", str(tmp_path), file_format),
    )
    found = {path: read_back(tmp_path / path, WindowAggregate) for path in tree(tmp_path)}
    assert {path.rpartition("-")[0]: rows for path, rows in found.items()} == {
        "aggregates/date=2020-07-12/hour=00/20200712T000000Z-0": records[:2],
        "aggregates/date=2020-07-12/hour=00/20200712T000000Z-1": records[2:3],
        "aggregates/date=2020-07-12/hour=01/20200712T010000Z-0": records[3:],
    }
    assert {path.rpartition(".")[2] for path in found} == {file_format}
    assert tally.counts == {"files_written": 3, "rows_written": 4}


@FORMATS
def test_a_bundle_that_is_retried_writes_the_same_files(file_format, tmp_path):
    batches = [batch_of(anomaly(START, device="a"), anomaly(START + HOUR, device="b"))]
    transform = WriteRecords("anomalies", str(tmp_path), file_format)
    run_bounded(batches, transform)
    before = tree(tmp_path)
    run_bounded(batches, transform)
    assert tree(tmp_path) == before
    assert len(before) == 2


def test_a_later_pane_overwrites_nothing(tmp_path):
    transform = WriteRecords("aggregates", str(tmp_path))
    run_bounded([batch_of(aggregate(START, 0))], transform)
    before = tree(tmp_path)
    for pane in (1, 2):
        run_bounded([batch_of(aggregate(START, pane))], transform)
    after = tree(tmp_path)
    assert len(after) == 3
    assert before.items() <= after.items()


def test_shards_divide_the_records_of_an_hour_among_files(tmp_path):
    records = [anomaly(START + n) for n in range(40)]
    run_bounded([batch_of(one) for one in records], WriteRecords("anomalies", str(tmp_path), shards=4))
    files = [read_back(tmp_path / path, Anomaly) for path in tree(tmp_path)]
    assert len(files) == 4
    assert sorted((one for file in files for one in file), key=lambda one: one.event_time) == records


@pytest.mark.parametrize(("complete", "files"), [(False, 2), (True, 3)])
def test_an_element_that_is_complete_is_not_gathered_with_others(complete, files, tmp_path):
    batches = [batch_of(aggregate(START, 0), aggregate(START + HOUR, 0)), batch_of(aggregate(START + MINUTE, 0))]
    run_bounded(batches, WriteRecords("aggregates", str(tmp_path), complete=complete))
    found = [read_back(tmp_path / path, WindowAggregate) for path in tree(tmp_path)]
    assert len(found) == files
    written = [one.window_start for file in found for one in file]
    assert sorted(written) == [START, START + MINUTE, START + HOUR]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_what_is_gathered_becomes_several_files_before_it_fills_the_memory(order):
    batches = [batch_of(anomaly(number, START + number), anomaly(number + 10)) for number in range(4)]
    contents = [encode_record_batch(batches[number]) for number in order]
    size = batches[0].nbytes
    assert list(join_gathered(contents, 4 * size + 1)) == [pa.concat_batches(batches)]
    assert list(join_gathered(contents, size + 1)) == [pa.concat_batches(batches[:2]), pa.concat_batches(batches[2:])]
    assert list(join_gathered(contents, 1)) == batches


def test_a_stream_writes_many_records_at_once_without_gathering_them(monkeypatch, tmp_path):
    monkeypatch.setattr(write_files, "_LARGE_BYTES", 1_000)
    small, large = [anomaly(START)], [anomaly(START + number) for number in range(1, 20)]
    batches = stream_of([batch_of(*small)], [batch_of(*large)], [batch_of(*large)])
    write = WriteRecords("anomalies", str(tmp_path), flush_us=3_600_000_000)
    paths = run_transform(batches, write)["main"]
    assert len(set(paths)) == 2
    assert sorted(len(Path(path).read_text().splitlines()) for path in set(paths)) == [1, 19]
