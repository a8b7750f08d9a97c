"""Insert record batches into a BigQuery table through Beam's sink for the Storage Write API.

The sink is written in Java: building a pipeline with it starts Beam's expansion service, which needs Java and, the
first time, a network.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Timestamp

from telemetry.bigquery.rows import JsonRow, dead_row
from telemetry.bigquery.schema import BigQueryTarget, TableSpec, is_required, sql_type
from telemetry.errors import OutputError
from telemetry.model.dead_letters import Reason
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from telemetry.text.timestamps import format_time
from transforms import counters
from transforms.outputs.sink_result import SinkResult
from transforms.step import Step


@dataclass
class InsertByStorageApi(Step):
    """Insert each record as a row, by BigQuery's Storage Write API.

    Bounded or unbounded input in the global window. Exactly once; with the target's method
    ``storage_write_api_at_least_once`` at least once, which costs less. A row that the table refuses becomes a dead
    letter; a refused record of a kind that is not rejectable fails the job.

    Args:
        spec: the table.
        target: the dataset and the method.
    """

    spec: TableSpec
    target: BigQueryTarget

    @no_annotations
    def expand(self, batches: beam.PCollection) -> SinkResult:
        """Return the dead letters of a PCollection of RecordBatch."""
        rows = batches | "Rows" >> beam.FlatMap(storage_rows).with_output_types(dict)
        written = rows | "Write" >> beam.io.WriteToBigQuery(
            f"{self.target}.{self.spec.name}",
            schema={"fields": [_field(field) for field in self.spec.schema]},
            method=beam.io.WriteToBigQuery.Method.STORAGE_WRITE_API,
            use_at_least_once=self.target.method == "storage_write_api_at_least_once",
            create_disposition=beam.io.BigQueryDisposition.CREATE_NEVER,
            write_disposition=beam.io.BigQueryDisposition.WRITE_APPEND,
        )
        refused = written.failed_rows_with_errors | "Refused" >> beam.Map(
            refused_row, self.spec.kind, self.spec.partition, self.target
        ).with_output_types(pa.RecordBatch)
        return SinkResult(refused)


def storage_rows(batch: pa.RecordBatch) -> Iterator[JsonRow]:
    """Yield the records as the sink expects them, with times as Beam timestamps."""
    names = batch.schema.names
    columns = [
        [None if value is None else Timestamp(micros=value) for value in column.cast(pa.int64()).to_pylist()]
        if pa.types.is_timestamp(column.type)
        else column.to_pylist()
        for column in batch.columns
    ]
    counters.count(counters.ROWS_INSERTED, len(batch))
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def refused_row(answer: JsonRow, kind: str, partition: str, target: BigQueryTarget) -> pa.RecordBatch:
    """Return the dead letter of a row that the sink could not write.

    Args:
        answer: ``failed_row`` and ``error_message``.
        kind: name of the output.
        partition: the column by which it is partitioned.
        target: the dataset.

    Raises:
        OutputError: if it is of a kind that has no dead letters.
    """
    failed: JsonRow = answer["failed_row"]
    problem = f"{target.table_of(kind)}: {answer['error_message']}"
    if not KINDS[kind].rejectable:
        raise OutputError(f"--bigquery {target}: refuses a row: {problem}")
    moment = failed.get(partition)
    row = {name: format_time(v.micros) if isinstance(v, Timestamp) else v for name, v in failed.items()}
    counters.count(counters.ROWS_INSERTED, -1)  # it was counted on its way
    counters.count(counters.DEAD_LETTERS, 1, Reason.NOT_STORED.value)
    return from_records(DeadLetter, [dead_row(kind, row, problem, moment.micros if moment is not None else None)])


def _field(field: pa.Field) -> JsonRow:
    return {"name": field.name, "type": sql_type(field), "mode": "REQUIRED" if is_required(field) else "NULLABLE"}
