"""What each sink takes: the job's own results, handed to the functions that its sinks call, without Beam."""

import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, get_args

import grpc
import pyarrow as pa
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from benchmarks.answers import METRICS, WINDOW_US, BenchmarkError
from benchmarks.contender import Contender
from benchmarks.data import Rows
from benchmarks.in_process import cut_messages
from publisher.broker import Broker
from telemetry.bigquery.client import connect, prepare_tables
from telemetry.bigquery.schema import BigQueryTarget, table_specs
from telemetry.model.record_batches import FileFormat, concat_record_batches
from telemetry.pubsub.outbox import Outbox
from telemetry.rules.parse import load_rules
from telemetry.storage.files import join, write_file
from telemetry.storage.result_store import FileStore
from transforms.decode.codec import decode
from transforms.detect.evaluate import detect
from transforms.outputs.insert_rows import insert_batch
from transforms.outputs.publish_messages import alert_messages
from transforms.outputs.reading_records import reading_records
from transforms.outputs.write_files import (
    encode_records,
    file_name,
    hour_folder,
    partition_times,
    split_files,
)
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch, merge_tables, split_table

_ROWS_PER_MESSAGE: Final = 8_000  # about the megabyte that the job reads of a file at a time
_HOUR_US: Final = 3_600_000_000
Results = dict[str, list[pa.RecordBatch]]


def results_of(rows: Rows) -> Results:
    """Return what the job makes of some rows: batches as they reach the sinks, by kind."""
    rules = load_rules(None)
    found: Results = {"anomalies": [], "aggregates": [], "readings": []}
    tables = []
    for (message,) in cut_messages(rows.read_lines(), _ROWS_PER_MESSAGE):
        readings = decode([message], METRICS).readings
        if readings is None:
            continue
        detected = detect(readings, rules)
        if detected.anomalies is not None:
            found["anomalies"].append(detected.anomalies)
        found["readings"].append(reading_records(readings))
        tables.append(aggregate_batch(detected.readings, WINDOW_US))
    for _, _, part in split_table(merge_tables(tables), 1, _HOUR_US):
        found["aggregates"].append(aggregates(part, WINDOW_US, "on_time", 0))
    return found


@contextmanager
def contenders(rows: Rows, places: Sequence[str], target: BigQueryTarget | None) -> Iterator[list[Contender]]:
    """Give the sinks: folders (a temporary one, and those given), a topic of an embedded broker, a dataset."""
    found = results_of(rows)
    with tempfile.TemporaryDirectory(prefix="sinks-") as here, Broker() as broker:
        some = [contender for place in (here, *places) for contender in _folders(found, place, place == here)]
        some.append(_topic(found, broker.address))
        if target is not None:
            some += _dataset(found, target)
        yield some


def _count(found: Results, kinds: Sequence[str]) -> int:
    return sum(len(batch) for kind in kinds for batch in found[kind])


def _folders(found: Results, place: str, local: bool) -> Iterator[Contender]:
    where = "a local folder" if local else place
    small = ("anomalies", "aggregates")
    for file_format in get_args(FileFormat):
        name = f"anomalies and aggregates as {file_format} into {where}"
        yield Contender(
            name, _count(found, small), partial(_write, found, small, place, file_format), "files by hour", True
        )
    name = f"all readings as parquet into {where}"
    yield Contender(
        name, _count(found, ("readings",)), partial(_write, found, ("readings",), place, "parquet"), "", True
    )


def _write(found: Results, kinds: Sequence[str], place: str, file_format: FileFormat) -> float:
    folder = join(place, uuid.uuid4().hex)
    began = time.perf_counter()
    for kind in kinds:
        gathered: dict[tuple[int, int], list[pa.RecordBatch]] = {}
        for batch in found[kind]:
            for hour, pane, part in split_files(kind, batch):
                gathered.setdefault((hour, pane), []).append(part)
        for (hour, pane), parts in gathered.items():
            records = concat_record_batches(parts)
            content = encode_records(records, file_format)
            first_us = int(partition_times(kind, records).min())
            write_file(join(folder, kind, hour_folder(hour), file_name(first_us, pane, content, file_format)), content)
    seconds = time.perf_counter() - began
    for kind in kinds:
        stored = len(FileStore(folder).read(kind, ["device"]))
        if stored != _count(found, (kind,)):
            raise BenchmarkError(f"{folder}: {stored} of {_count(found, (kind,))} {kind} stored")
    return seconds


def _topic(found: Results, address: str) -> Contender:
    topic = f"projects/benchmark/topics/alerts-{uuid.uuid4().hex[:8]}"
    with grpc.insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=topic)
    rows = _count(found, ("anomalies",))
    name = "anomalies into a topic of the embedded broker"
    return Contender(name, rows, partial(_publish, found, topic, address), "one message an anomaly", True)


def _publish(found: Results, topic: str, address: str) -> float:
    before = os.environ.get("PUBSUB_EMULATOR_HOST")
    os.environ["PUBSUB_EMULATOR_HOST"] = address
    try:
        began = time.perf_counter()
        outbox = Outbox(topic, 100_000)
        for batch in found["anomalies"]:
            outbox.add(alert_messages(batch))
        taken = sum(settled.taken for settled in outbox.finish())
        seconds = time.perf_counter() - began
    finally:
        os.environ.pop("PUBSUB_EMULATOR_HOST")
        if before is not None:
            os.environ["PUBSUB_EMULATOR_HOST"] = before
    if taken != _count(found, ("anomalies",)):
        raise BenchmarkError(f"{topic}: {taken} anomalies taken")
    return seconds


def _dataset(found: Results, target: BigQueryTarget) -> Iterator[Contender]:
    client = connect(target)
    prepare_tables(client, target, table_specs(METRICS, archive=True))

    def stored(kind: str) -> int:
        (row,) = client.query(f"SELECT COUNT(*) AS n FROM `{target.table(kind)}`").result()
        return int(row["n"])

    def insert(kind: str) -> float:
        before = stored(kind)
        began = time.perf_counter()
        for batch in found[kind]:
            insert_batch(kind, target, batch)
        seconds = time.perf_counter() - began
        if stored(kind) - before != _count(found, (kind,)):
            raise BenchmarkError(f"{target}: {stored(kind) - before} of {_count(found, (kind,))} {kind} stored")
        return seconds

    for kind in ("anomalies", "aggregates"):
        yield Contender(
            f"{kind} into {target}", _count(found, (kind,)), partial(insert, kind), "streaming inserts", True
        )
