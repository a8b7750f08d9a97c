"""Write record batches to immutable files, partitioned by day and hour of the records' own time.

``<folder>/date=YYYY-MM-DD/hour=HH/<first time>-<version>-<hash>.jsonl``: the hash is of the content, so that a retried
bundle writes the same file again and two different files never have the same name. A late pane is a new file beside the
earlier ones.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
import numpy as np
import pyarrow as pa

from telemetry.errors import OutputError
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import FileFormat, concat_record_batches, to_json_lines, to_parquet
from telemetry.storage.files import StorageError, join, write_file
from telemetry.storage.result_names import HOUR_US, UNKNOWN_US, file_name, hour_folder
from transforms import counters
from transforms.shuffle.key_pool import pooled_key
from transforms.shuffle.processing_time import now_s
from transforms.shuffle.record_batch_bytes import decode_record_batch, encode_record_batch
from transforms.step import Step

_MOST_BATCHES: Final = 10_000  # gathered at a time, however long the interval
_FILE_BYTES: Final = 32 << 20  # of records in memory, at which a file is full; as text they are two to three times that
_LARGE_BYTES: Final = 8 << 20  # of records in memory, from which a stream gathers a batch with no other
_LARGE, _SMALL = "large", "small"
FileKey = tuple[int, int]
"""Key by which batches are gathered: (shard, number of the hour); in a stream the number is that of a pooled key."""


@dataclass
class WriteRecords(Step):
    """Write elements to files, after gathering small ones.

    Bounded or unbounded input in the global window. Unbounded: records of the same hour are gathered for `flush_us` of
    processing time, unless there are many at once; the end of the stream writes the rest. At least once: a file that
    is written twice is the same file.

    Args:
        kind: name of the output, one of `KINDS`.
        output: folder, on any Beam filesystem.
        file_format: jsonl or parquet.
        flush_us: how long unbounded records are gathered, microseconds of processing time.
        shards: how many files are gathered at a time.
        complete: whether an element holds all records of its files, so that nothing has to be gathered.
    """

    kind: str
    output: str
    file_format: FileFormat = "jsonl"
    flush_us: int = 500_000
    shards: int = 1
    complete: bool = False

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Return the paths written for a PCollection of RecordBatch."""
        if self.complete:
            write = beam.ParDo(_Write(self.kind, self.output, self.file_format)).with_output_types(str)
            return batches | "Write" >> write
        key = _KeyByHour(self.kind, self.shards, unbounded=not batches.is_bounded)
        write = beam.ParDo(_WriteGathered(self.kind, self.output, self.file_format)).with_output_types(str)
        keyed = beam.ParDo(key).with_output_types(tuple[FileKey, bytes])
        if batches.is_bounded:
            return batches | "Key" >> keyed | "Gather" >> beam.GroupByKey() | "Write" >> write
        parts = batches | "Key" >> keyed.with_outputs(_LARGE, main=_SMALL)
        parts[_LARGE].element_type = pa.RecordBatch
        gather = beam.GroupIntoBatches(_MOST_BATCHES, max_buffering_duration_secs=self.flush_us / 1e6, clock=now_s)
        large = beam.ParDo(_Write(self.kind, self.output, self.file_format)).with_output_types(str)
        written = parts[_SMALL] | "Gather" >> gather | "Write" >> write
        return (written, parts[_LARGE] | "Write large" >> large) | "Files" >> beam.Flatten()


def split_files(kind: str, batch: pa.RecordBatch) -> Iterator[tuple[int, int, pa.RecordBatch]]:
    """Yield (start of the hour, version, records) for each hour and each version in a batch.

    The start is in microseconds UTC; the smallest int64 for records without a time.
    """
    times = KINDS[kind].times(batch)
    hours = np.where(times == UNKNOWN_US, UNKNOWN_US, times - times % HOUR_US)
    version = KINDS[kind].version
    panes = batch.column(version).to_numpy() if version else np.zeros(len(batch), np.int64)
    if len(batch) and (hours == hours[0]).all() and (panes == panes[0]).all():
        yield int(hours[0]), int(panes[0]), batch
        return
    for hour, pane in np.unique(np.stack([hours, panes]), axis=1).T.tolist():
        rows = np.flatnonzero((hours == hour) & (panes == pane))
        yield hour, pane, batch.take(pa.array(rows))


def encode_records(batch: pa.RecordBatch, file_format: FileFormat) -> bytes:
    """Return the content of a file of records."""
    return to_json_lines(batch) if file_format == "jsonl" else to_parquet(batch)


@dataclass
class _KeyByHour(beam.DoFn):
    kind: str
    shards: int
    unbounded: bool

    def process(self, batch: pa.RecordBatch) -> Iterator[Any]:
        for hour_us, _, part in split_files(self.kind, batch):
            if self.unbounded and part.nbytes >= _LARGE_BYTES:  # gathered ones are all in memory until they are written
                yield beam.pvalue.TaggedOutput(_LARGE, part)
                continue
            shard = zlib.crc32(encode_records(part.slice(0, 1), "jsonl")) % self.shards if self.shards > 1 else 0
            hour = hour_us // HOUR_US
            yield (shard, pooled_key(hour) if self.unbounded else hour), encode_record_batch(part)


@dataclass
class _Write(beam.DoFn):
    kind: str
    output: str
    file_format: FileFormat

    def process(self, batch: pa.RecordBatch) -> Iterator[str]:
        for hour_us, pane, part in split_files(self.kind, batch):
            yield self._write(hour_us, pane, part)

    def _write(self, hour_us: int, pane: int, batch: pa.RecordBatch) -> str:
        content = encode_records(batch, self.file_format)
        name = file_name(int(KINDS[self.kind].times(batch).min()), pane, content, self.file_format)
        path = join(self.output, self.kind, hour_folder(hour_us), name)
        try:
            write_file(path, content)
        except StorageError as error:
            raise OutputError(f"--output {self.output}: cannot be written: {error}") from error
        counters.count(counters.FILES_WRITTEN)
        counters.count(counters.ROWS_WRITTEN, len(batch))
        return path


class _WriteGathered(_Write):
    """Write batches that were gathered, as one, or as several where one would be too large."""

    def process(self, element: tuple[FileKey, Iterable[bytes]]) -> Iterator[str]:
        for batch in join_gathered(element[1], _FILE_BYTES):
            yield from super().process(batch)


def join_gathered(contents: Iterable[bytes], most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield encoded batches joined in the order of their first records; the same ones give the same, in any order.

    Args:
        contents: encoded batches of one kind, at least one.
        most_bytes: size, decoded, from which a joined batch takes no other one.
    """
    contents = list(contents)
    if len(contents) > 1:  # they are decoded one by one, as all of them may be larger than the memory
        contents.sort(key=lambda content: _first_record(decode_record_batch(content)))
    joined: list[pa.RecordBatch] = []
    size = 0
    for batch in map(decode_record_batch, contents):
        joined.append(batch)
        size += batch.nbytes
        if size >= most_bytes:
            yield concat_record_batches(joined)
            joined, size = [], 0
    if joined:
        yield concat_record_batches(joined)


def _first_record(batch: pa.RecordBatch) -> str:
    """Return the sort key of a batch: batches are gathered in any order, and the same ones must be the same file."""
    return str(batch.slice(0, 1).to_pylist())
