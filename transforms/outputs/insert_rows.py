"""Insert record batches into a BigQuery table by streaming inserts."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.bigquery.inserts import insert_rows, shared_client
from telemetry.bigquery.rows import MAX_REQUEST_ROWS, json_rows, not_stored, row_ids, split_requests, unfit_rows
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.errors import OutputError
from telemetry.model.dead_letters import Reason
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import concat_record_batches
from transforms import counters
from transforms.outputs.sink_result import SinkResult
from transforms.shuffle.processing_time import now_s
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.step import Step

_MOST_BATCHES: Final = 10_000  # gathered into one request, however long the interval


@dataclass
class InsertRecords(Step):
    """Insert each record as a row, by BigQuery's streaming inserts.

    Bounded or unbounded input in the global window. Unbounded: records are gathered for `flush_us` of processing
    time. At least once, with the record's id as insertId, by which the service drops rows that are sent again soon.
    A row that the table refuses becomes a dead letter. The job fails if no row can be written for a minute, or if a
    record of a kind that is not rejectable is refused and no other output keeps it.

    Args:
        kind: name of the output.
        target: the dataset.
        flush_us: how long unbounded records are gathered, microseconds of processing time.
        shards: how many requests are made at a time.
        kept_elsewhere: whether another output keeps the same records. Then a record that is too large for a row is
            shortened if its kind allows it, and a refused record of a kind that is not rejectable is only counted.
    """

    kind: str
    target: BigQueryTarget
    flush_us: int = 500_000
    shards: int = 1
    kept_elsewhere: bool = False

    @no_annotations
    def expand(self, batches: beam.PCollection) -> SinkResult:
        """Return the dead letters of a PCollection of RecordBatch."""
        if not batches.is_bounded:
            keyed = batches | "Key" >> beam.Map(_shard, self.shards).with_output_types(tuple[int, bytes])
            gather = beam.GroupIntoBatches(_MOST_BATCHES, max_buffering_duration_secs=self.flush_us / 1e6, clock=now_s)
            batches = keyed | "Gather" >> gather | "Join" >> beam.Map(_join).with_output_types(pa.RecordBatch)
        insert = _Insert(self.kind, self.target, self.kept_elsewhere)
        return SinkResult(batches | "Insert" >> beam.ParDo(insert).with_output_types(pa.RecordBatch))


def _shard(batch: pa.RecordBatch, shards: int) -> tuple[int, bytes]:
    shard = zlib.crc32(str(batch.slice(0, 1).to_pylist()).encode()) % shards if shards > 1 else 0
    return shard, encode_record_batch(batch)


def _join(gathered: tuple[int, Iterable[bytes]]) -> pa.RecordBatch:
    return concat_record_batches([decode_record_batch(content) for content in gathered[1]])


@dataclass
class _Insert(beam.DoFn):
    """Inserts the records of a bundle; small batches share a request."""

    kind: str
    target: BigQueryTarget
    kept_elsewhere: bool
    waiting: list[pa.RecordBatch] = field(default_factory=list)

    def start_bundle(self) -> None:
        self.waiting = []

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        self.waiting.append(batch)
        if sum(map(len, self.waiting)) >= MAX_REQUEST_ROWS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[Any]:
        for letters in self._flush():
            yield WindowedValue(letters, MIN_TIMESTAMP, (GlobalWindow(),))

    def _flush(self) -> Iterator[pa.RecordBatch]:
        batches, self.waiting = self.waiting, []
        if not batches:
            return
        batch = concat_record_batches(batches)
        refused = insert_batch(self.kind, self.target, batch, kept_elsewhere=self.kept_elsewhere)
        counters.count(counters.ROWS_INSERTED, len(batch) - len(refused))
        if refused and not KINDS[self.kind].rejectable:
            counters.count(counters.ROWS_REFUSED, len(refused))
        elif refused:
            counters.count(counters.DEAD_LETTERS, len(refused), Reason.NOT_STORED.value)
            yield not_stored(self.kind, batch, refused, self.target.table_of(self.kind))


def insert_batch(
    kind: str, target: BigQueryTarget, batch: pa.RecordBatch, *, kept_elsewhere: bool = False
) -> dict[int, str]:
    """Insert a batch of records of one kind; return the problem of each refused record, by index.

    Raises:
        OutputError: if no row can be written, or a record is refused that cannot become a dead letter.
    """
    table = target.table_of(kind)
    rows = json_rows(batch)
    ids = row_ids(kind, rows)
    refused = unfit_rows(batch.schema, rows)
    requests, oversized = split_requests(rows)
    shorten = KINDS[kind].shorten
    for index, size in oversized.items():
        problem = f"row of {size} bytes, BigQuery takes 10 MB"
        if shorten is not None and kept_elsewhere:
            rows[index] = shorten(rows[index], problem)
            requests.append([index])
        else:
            refused[index] = problem
    client = shared_client(target)
    for request in requests:
        fit = [index for index in request if index not in refused]
        if fit:
            answers = insert_rows(client, table, [rows[index] for index in fit], [ids[index] for index in fit])
            refused |= {fit[index]: problem for index, problem in answers.items()}
    if refused and not KINDS[kind].rejectable and not kept_elsewhere:
        problem = next(iter(refused.values()))
        raise OutputError(f"--bigquery {target}: {table} refuses a row: {problem} (give --output, too, to keep it)")
    return refused
