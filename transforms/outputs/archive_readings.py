"""Convert decoded readings to records, which are stored beside the results."""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.reading_batch import ReadingBatch
from transforms import counters
from transforms.outputs.reading_records import reading_records
from transforms.step import Step


@dataclass
class RecordReadings(Step):
    """Convert batches of readings to records for the sinks. Bounded or unbounded input, any window; at least once.

    Args:
        job_id: the job, for its records.
        catalog: units of the metrics, for the descriptions of their columns.
    """

    job_id: str = ""
    catalog: MetricCatalog = NOT_DESCRIBED

    def expand(self, readings: beam.PCollection) -> beam.PCollection:
        """Return a PCollection of RecordBatch of Reading for one of ReadingBatch."""
        return readings | "Record" >> beam.ParDo(_Records(self.job_id, self.catalog)).with_output_types(pa.RecordBatch)


@dataclass
class _Records(beam.DoFn):
    job_id: str
    catalog: MetricCatalog

    def process(self, batch: ReadingBatch) -> Iterator[pa.RecordBatch]:
        counters.count(counters.ROWS_ARCHIVED, len(batch))
        yield reading_records(batch, self.job_id, self.catalog)
