"""Convert records to JSON-ready rows with ids, and check them before they are sent."""

import base64
import hashlib
import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from telemetry.model.dead_letters import Reason
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import from_records, json_columns, record_times
from telemetry.model.records import DeadLetter

JsonRow = dict[str, Any]
MAX_ROW_BYTES: Final = 9_500_000
"""Largest row that is sent, as JSON; BigQuery accepts requests of 10 MB (https://cloud.google.com/bigquery/quotas)."""
MAX_REQUEST_ROWS: Final = 500
MAX_REQUEST_BYTES: Final = 5_000_000
STAGE: Final = "bigquery"
TABLE: Final = "table"
"""Attribute of the dead letter of a row: the table that refused it."""
_UNKNOWN: Final = -(2**63)


def json_rows(batch: pa.RecordBatch) -> list[JsonRow]:
    """Return the records as JSON-ready objects, times as RFC 3339 UTC."""
    names = batch.schema.names
    return [dict(zip(names, values, strict=True)) for values in zip(*json_columns(batch), strict=True)]


def row_ids(kind: str, rows: Sequence[JsonRow]) -> list[str]:
    """Return the id of each row, 32 hexadecimal digits: a hash of its identity."""
    columns = KINDS[kind].identity
    return [
        hashlib.blake2b(msgspec.json.encode([row[name] for name in columns]), digest_size=16).hexdigest()
        for row in rows
    ]


def unfit_rows(schema: pa.Schema, rows: Sequence[JsonRow]) -> dict[int, str]:
    """Return the problem of each row that the table's schema forbids, by index; some servers would accept it."""
    required = [field.name for field in schema if not field.nullable]
    floats = [field.name for field in schema if pa.types.is_floating(field.type)]
    found = {}
    for index, row in enumerate(rows):
        missing = [name for name in required if row[name] is None]
        unreal = [name for name in floats if row[name] is not None and not math.isfinite(row[name])]
        if missing:
            found[index] = f"{missing[0]}: is required"
        elif unreal:
            found[index] = f"{unreal[0]}: is {row[unreal[0]]}"
    return found


def split_requests(rows: Sequence[JsonRow]) -> tuple[list[list[int]], dict[int, int]]:
    """Return the indices of the rows of each request, and the size of each row that is too large for any, by index."""
    requests: list[list[int]] = []
    oversized = {}
    size = 0
    for index, row in enumerate(rows):
        row_bytes = len(msgspec.json.encode(row))
        if row_bytes > MAX_ROW_BYTES:
            oversized[index] = row_bytes
            continue
        if not requests or len(requests[-1]) == MAX_REQUEST_ROWS or size + row_bytes > MAX_REQUEST_BYTES:
            requests.append([])
            size = 0
        requests[-1].append(index)
        size += row_bytes
    return requests, oversized


def not_stored(kind: str, batch: pa.RecordBatch, refused: dict[int, str], table: str) -> pa.RecordBatch:
    """Return dead letters for the records of a batch that a table has refused, given the problem of each by index."""
    indices = sorted(refused)
    part = batch.take(pa.array(indices))
    times = record_times(part, KINDS[kind].time_columns[0]).tolist()
    return from_records(
        DeadLetter,
        [
            dead_row(kind, row, f"{table}: {refused[index]}", None if moment == _UNKNOWN else moment)
            for index, row, moment in zip(indices, json_rows(part), times, strict=True)
        ],
    )


def dead_row(kind: str, row: JsonRow, error: str, event_us: int | None) -> DeadLetter:
    """Return the dead letter of a refused row; its payload is the record as JSON, an attribute names the table."""
    return DeadLetter(
        reason=Reason.NOT_STORED.value,
        error=error,
        stage=STAGE,
        payload=base64.b64encode(msgspec.json.encode(row)).decode("ascii"),
        line=None,
        attributes=msgspec.json.encode({TABLE: KINDS[kind].table_name}).decode(),
        message_id=row.get("message_id", ""),
        publish_time=None,
        event_time=event_us,
    )
