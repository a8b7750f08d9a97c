"""Convert batches of readings to record batches for the archive."""

import numpy as np
import pyarrow as pa

from telemetry.arrays import CodeArray
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import arrow_schema
from telemetry.model.records import Reading


def reading_records(batch: ReadingBatch, job_id: str = "", catalog: MetricCatalog = NOT_DESCRIBED) -> pa.RecordBatch:
    """Return readings as a RecordBatch of Reading with one column for each metric; a missing value is null."""
    schema = arrow_schema(Reading, batch.metrics, tuple(map(catalog.unit, batch.metrics)))
    columns = [
        _texts(batch.device, batch.devices),
        pa.array(batch.event_us, schema.field("event_time").type),
        pa.array(batch.source_us, schema.field("source_time").type),
        _texts(batch.message, batch.messages.ids),
        pa.array(batch.line.astype(np.int64)),
        pa.repeat(pa.scalar(job_id, pa.string()), len(batch)),
        *(pa.array(values, from_pandas=True) for values in batch.values),  # NaN becomes null
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _texts(codes: CodeArray, names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).dictionary_decode()
