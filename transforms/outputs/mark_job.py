"""Set the job of records that steps make without knowing it."""

from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from telemetry.model.record_batches import with_job
from transforms.step import Step


@dataclass
class MarkJob(Step):
    """Set the job of each record. Bounded or unbounded input, any window; element by element.

    Dead letters are made in many steps, some of them sinks; one step marks all of them.

    Args:
        job_id: the job.
    """

    job_id: str

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Return a PCollection of RecordBatch for one of RecordBatch."""
        return batches | "Mark" >> beam.Map(with_job, self.job_id).with_output_types(pa.RecordBatch)
