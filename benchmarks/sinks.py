"""Measure each sink: pass results of the job to the functions that the sinks call, without Beam."""

import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeAlias, get_args

import grpc
import pyarrow as pa
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from benchmarks.cases import BenchmarkCase
from benchmarks.data import Rows
from benchmarks.expected_output import METRICS, WINDOW_US, BenchmarkError
from benchmarks.in_process import make_bundles
from publisher.broker import Broker
from telemetry.bigquery.client import connect, prepare_tables
from telemetry.bigquery.schema import BigQueryTarget, table_specs
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import FileFormat, concat_record_batches
from telemetry.pubsub.outbox import Outbox
from telemetry.rules.parse import load_rules
from telemetry.storage.files import join, write_file
from telemetry.storage.result_names import file_name, hour_folder
from telemetry.storage.result_store import FileStore
from transforms.decode.codec import decode
from transforms.decode.decode_spec import DecodeSpec
from transforms.detect.evaluate import detect
from transforms.outputs.alert_messages import anomaly_messages
from transforms.outputs.insert_rows import insert_batch
from transforms.outputs.reading_records import reading_records
from transforms.outputs.write_files import (
    encode_records,
    split_files,
)
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch, merge_tables, split_table
from transforms.windows.window_spec import WindowSpec

_ROWS_PER_MESSAGE: Final = 8_000  # about one megabyte, the block size of the job for files
_HOUR_US: Final = 3_600_000_000
_WINDOWS: Final = WindowSpec(WINDOW_US, WINDOW_US)
ResultBatches: TypeAlias = dict[str, list[pa.RecordBatch]]


def make_results(rows: Rows) -> ResultBatches:
    """Compute the results of the job for rows: record batches by kind."""
    rules = load_rules(None)
    results: ResultBatches = {"anomalies": [], "aggregates": [], "readings": []}
    tables = []
    for bundle in make_bundles(rows.read_lines(), _ROWS_PER_MESSAGE):
        readings = decode(bundle, DecodeSpec(METRICS)).readings
        if readings is None:
            continue
        detected = detect(readings, rules)
        if detected.anomalies is not None:
            results["anomalies"].append(detected.anomalies)
        results["readings"].append(reading_records(readings))
        tables.append(aggregate_batch(detected.readings, _WINDOWS))
    for _, _, shard in split_table(merge_tables(tables), 1, _HOUR_US):
        results["aggregates"].append(aggregates(shard, _WINDOWS, "on_time", 0))
    return results


@contextmanager
def cases(rows: Rows, folders: Sequence[str], target: BigQueryTarget | None) -> Iterator[list[BenchmarkCase]]:
    """Yield the sinks: a temporary folder, the given folders, a topic of an embedded broker, and a dataset."""
    results = make_results(rows)
    with tempfile.TemporaryDirectory(prefix="sinks-") as temporary, Broker() as broker:
        sinks = [case for folder in (temporary, *folders) for case in _folders(results, folder, folder == temporary)]
        sinks.append(_topic(results, broker.address))
        if target is not None:
            sinks += _dataset(results, target)
        yield sinks


def _count(results: ResultBatches, kinds: Sequence[str]) -> int:
    return sum(len(batch) for kind in kinds for batch in results[kind])


def _folders(results: ResultBatches, root: str, local: bool) -> Iterator[BenchmarkCase]:
    where = "a local folder" if local else root
    small = ("anomalies", "aggregates")
    for file_format in get_args(FileFormat):
        name = f"anomalies and aggregates as {file_format} into {where}"
        yield BenchmarkCase(
            name, _count(results, small), partial(_write, results, small, root, file_format), "files by hour", True
        )
    name = f"all readings as parquet into {where}"
    yield BenchmarkCase(
        name, _count(results, ("readings",)), partial(_write, results, ("readings",), root, "parquet"), "", True
    )


def _write(results: ResultBatches, kinds: Sequence[str], root: str, file_format: FileFormat) -> float:
    folder = join(root, uuid.uuid4().hex)
    began = time.perf_counter()
    for kind in kinds:
        batches_of: dict[tuple[int, int], list[pa.RecordBatch]] = {}
        for batch in results[kind]:
            for hour, pane, records in split_files(kind, batch):
                batches_of.setdefault((hour, pane), []).append(records)
        for (hour, pane), batches in batches_of.items():
            records = concat_record_batches(batches)
            content = encode_records(records, file_format)
            first_us = int(KINDS[kind].times(records).min())
            write_file(join(folder, kind, hour_folder(hour), file_name(first_us, pane, content, file_format)), content)
    seconds = time.perf_counter() - began
    for kind in kinds:
        stored = len(FileStore(folder).read(kind, ["device"]))
        if stored != _count(results, (kind,)):
            raise BenchmarkError(f"{folder}: {stored} of {_count(results, (kind,))} {kind} stored")
    return seconds


def _topic(results: ResultBatches, address: str) -> BenchmarkCase:
    topic = f"projects/benchmark/topics/alerts-{uuid.uuid4().hex[:8]}"
    with grpc.insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=topic)
    rows = _count(results, ("anomalies",))
    name = "anomalies into a topic of the embedded broker"
    return BenchmarkCase(name, rows, partial(_publish, results, topic, address), "one message per anomaly", True)


def _publish(results: ResultBatches, topic: str, address: str) -> float:
    before = os.environ.get("PUBSUB_EMULATOR_HOST")
    os.environ["PUBSUB_EMULATOR_HOST"] = address
    try:
        began = time.perf_counter()
        outbox = Outbox(topic, 100_000)
        for batch in results["anomalies"]:
            outbox.add(anomaly_messages(batch))
        taken = sum(settled.taken for settled in outbox.finish())
        seconds = time.perf_counter() - began
    finally:
        os.environ.pop("PUBSUB_EMULATOR_HOST")
        if before is not None:
            os.environ["PUBSUB_EMULATOR_HOST"] = before
    if taken != _count(results, ("anomalies",)):
        raise BenchmarkError(f"{topic}: {taken} anomalies taken")
    return seconds


def _dataset(results: ResultBatches, target: BigQueryTarget) -> Iterator[BenchmarkCase]:
    client = connect(target)
    prepare_tables(client, target, table_specs(METRICS, archive=True))

    def stored(kind: str) -> int:
        (row,) = client.query(f"SELECT COUNT(*) AS n FROM `{target.table_of(kind)}`").result()
        return int(row["n"])

    def insert(kind: str) -> float:
        before = stored(kind)
        began = time.perf_counter()
        for batch in results[kind]:
            insert_batch(kind, target, batch)
        seconds = time.perf_counter() - began
        if stored(kind) - before != _count(results, (kind,)):
            raise BenchmarkError(f"{target}: {stored(kind) - before} of {_count(results, (kind,))} {kind} stored")
        return seconds

    for kind in ("anomalies", "aggregates"):
        yield BenchmarkCase(
            f"{kind} into {target}", _count(results, (kind,)), partial(insert, kind), "streaming inserts", True
        )
