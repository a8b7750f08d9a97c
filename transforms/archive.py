"""ArchiveReadings: every decoded reading as Parquet, so that charts and later analysis need no CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import apache_beam as beam
import pyarrow as pa

from transforms import counters
from transforms.batch import ReadingBatch
from transforms.records import READINGS
from transforms.results import reading_records
from transforms.write import WriteRecords

_GATHERED_US: Final = 60_000_000  # of a stream: the archive is no alert, and small files are expensive to read


@dataclass
class ArchiveReadings(beam.PTransform):
    """Write readings to ``<output>/readings/date=…/hour=…/*.parquet``, by event time.

    Bounded or unbounded input in the global window. Unbounded: readings of an hour are gathered for a
    minute of processing time, or `flush_us` if that is longer. At least once: a file written twice is the same file.

    Args:
        output: folder, on any Beam filesystem.
        flush_us: how long unbounded readings are gathered at least, microseconds.
        shards: how many files are gathered at a time.
    """

    output: str
    flush_us: int = _GATHERED_US
    shards: int = 1

    def __post_init__(self) -> None:
        """Let Beam set its own fields up."""
        super().__init__()

    def expand(self, readings: beam.PCollection) -> beam.PCollection:
        """Return the paths written for a PCollection of ReadingBatch."""
        records = readings | "Records" >> beam.ParDo(_Records()).with_output_types(pa.RecordBatch)
        gathered_us = max(self.flush_us, _GATHERED_US)
        return records | "Write" >> WriteRecords(READINGS, self.output, "parquet", gathered_us, self.shards)


class _Records(beam.DoFn):
    def process(self, batch: ReadingBatch) -> Iterator[pa.RecordBatch]:
        counters.count(counters.ROWS_ARCHIVED, len(batch))
        yield reading_records(batch)
