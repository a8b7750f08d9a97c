"""Convert records to Arrow batches, and Arrow batches to JSON lines or Parquet.

The sinks receive `pyarrow.RecordBatch`; its schema is derived from the record's class.
"""

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from telemetry.model.records import TIMESTAMP

FileFormat = Literal["jsonl", "parquet"]
"""Formats of files of records."""
_ARROW: Final[dict[type, pa.DataType]] = {
    msgspec.inspect.StrType: pa.string(),
    msgspec.inspect.FloatType: pa.float64(),
    msgspec.inspect.IntType: pa.int64(),
    msgspec.inspect.BoolType: pa.bool_(),
}
_TIME: Final = pa.timestamp("us", tz="UTC")
_DEFAULT: Final = "default"
_Record = TypeVar("_Record", bound=msgspec.Struct)


@lru_cache(maxsize=16)
def arrow_schema(record: type[msgspec.Struct], metrics: tuple[str, ...] = (), units: tuple[str, ...] = ()) -> pa.Schema:
    """Return the Arrow schema of a record: required fields not nullable, descriptions and defaults as metadata.

    Args:
        record: its class.
        metrics: one nullable float64 column for each of them follows the fields.
        units: of each metric, "" for none; without it they have none.
    """
    fields = [_arrow_field(field) for field in msgspec.inspect.type_info(record).fields]  # type: ignore[attr-defined]
    return pa.schema([*fields, *map(_metric_field, metrics, units or [""] * len(metrics))])


def _metric_field(metric: str, unit: str) -> pa.Field:
    description = f"measured value, in {unit}" if unit else "measured value"
    return pa.field(metric, pa.float64(), nullable=True, metadata={"description": description})


def _arrow_field(field: Any) -> pa.Field:
    kind, description, nullable = field.type, "", False
    extra: dict[str, Any] = {}
    while True:
        if isinstance(kind, msgspec.inspect.Metadata):
            extra = extra | (kind.extra or {})
            description = (kind.extra_json_schema or {}).get("description", description)
            kind = kind.type
        elif isinstance(kind, msgspec.inspect.UnionType):
            nullable = True
            (kind,) = (part for part in kind.types if not isinstance(part, msgspec.inspect.NoneType))
        else:
            break
    arrow = _TIME if extra.get("logical") == TIMESTAMP else _ARROW[type(kind)]
    metadata = {"description": description}
    if not field.required:
        metadata[_DEFAULT] = msgspec.json.encode(field.default).decode()
    return pa.field(field.name, arrow, nullable=nullable, metadata=metadata)


def has_default(field: pa.Field) -> bool:
    """Return whether older files and tables may lack a column."""
    return _DEFAULT.encode() in (field.metadata or {})


def default_of(field: pa.Field) -> Any:
    """Return the value of a column in records that lack it; None is null."""
    return msgspec.json.decode(field.metadata[_DEFAULT.encode()])


def from_records(record: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> pa.RecordBatch:
    """Return records of one class as a batch."""
    schema = arrow_schema(record)
    return pa.RecordBatch.from_arrays(
        [pa.array([getattr(row, field.name) for row in rows], field.type) for field in schema], schema=schema
    )


def to_records(record: type[_Record], batch: pa.RecordBatch) -> list[_Record]:
    """Return the records of a batch of one class; fields that it lacks have their defaults."""
    columns = [column.view(pa.int64()) if column.type == _TIME else column for column in batch.columns]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return [record(**dict(zip(batch.schema.names, row, strict=True))) for row in rows]


def from_columns(record: type[msgspec.Struct], columns: Mapping[str, Any]) -> pa.RecordBatch:
    """Return a batch made of one array or sequence for each field; times are integer microseconds."""
    schema = arrow_schema(record)
    if columns.keys() != set(schema.names):
        raise ValueError(f"columns {sorted(columns)} are not those of {record.__name__}")
    return pa.RecordBatch.from_arrays([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def concat_record_batches(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of several batches of one schema as one batch."""
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def with_job(batch: pa.RecordBatch, job_id: str) -> pa.RecordBatch:
    """Return the records of a batch with their job set."""
    index = batch.schema.get_field_index("job_id")
    jobs = pa.repeat(pa.scalar(job_id, pa.string()), len(batch))
    return pa.RecordBatch.from_arrays(
        [jobs if number == index else column for number, column in enumerate(batch.columns)], schema=batch.schema
    )


def record_times(batch: pa.RecordBatch, column: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return a time column as integer microseconds; the smallest int64 stands for null."""
    times = batch.column(column).view(pa.int64())
    if times.null_count:
        times = times.fill_null(np.iinfo(np.int64).min)
    return times.to_numpy()  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def _json_row(names: tuple[str, ...]) -> type[msgspec.Struct]:
    return msgspec.defstruct("JsonRow", [(name, Any) for name in names], gc=False)


def to_json_lines(batch: pa.RecordBatch, rows_at_once: int = 20_000) -> bytes:
    """Return the rows as newline-terminated JSON objects; times as RFC 3339 UTC with six decimals.

    Args:
        batch: records of one kind.
        rows_at_once: how many are converted to Python objects together; bounds the memory for a long file.
    """
    row, encode = _json_row(tuple(batch.schema.names)), msgspec.json.Encoder().encode_lines
    pieces = (batch.slice(start, rows_at_once) for start in range(0, len(batch), rows_at_once))
    return b"".join(encode(list(map(row, *json_columns(piece)))) for piece in pieces)


def json_columns(batch: pa.RecordBatch) -> list[list[Any]]:
    """Return the values of each column, JSON-ready; times as RFC 3339 UTC with six decimals."""
    return [_json_values(column) for column in batch.columns]


def _json_values(column: pa.Array) -> list[Any]:
    if column.type == _TIME:
        distinct = column.dictionary_encode()  # the rows of a window share its times
        moments = np.datetime_as_string(distinct.dictionary.to_numpy(zero_copy_only=False), unit="us")
        texts = np.array([*(f"{moment}Z" for moment in moments.tolist()), None], object)
        return texts[distinct.indices.fill_null(len(moments)).to_numpy()].tolist()  # type: ignore[no-any-return]
    if column.null_count:
        values: list[Any] = column.to_pylist()
        return values
    return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]  # faster than to_pylist


def to_parquet(batch: pa.RecordBatch) -> bytes:
    """Return the rows as a Parquet file (snappy, microsecond UTC timestamps)."""
    target = io.BytesIO()
    with pa.parquet.ParquetWriter(target, batch.schema, compression="snappy") as writer:
        writer.write_batch(batch)
    return target.getvalue()
