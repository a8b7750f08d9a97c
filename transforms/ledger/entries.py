"""Make ledger entries of the outputs of a job's steps.

Each function counts the elements themselves (readings, dead letters, anomalies), not a counter. The id of an entry is a
hash of the counted elements, so that a retried bundle writes the same entries.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from telemetry.model.ledger_items import (
    ANOMALIES,
    DEAD_LETTERS,
    ROWS_ARCHIVED,
    ROWS_DECODED,
    ROWS_DUPLICATE,
    ROWS_REJECTED,
    VALUES,
    VALUES_MISSED,
    LedgerKey,
)
from telemetry.model.message_batch import UNKNOWN_US, MessageBatch
from telemetry.model.messages import ROWS, RUN_ID
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records, record_times
from telemetry.model.records import LedgerEntry
from transforms.decode.payloads import rows_of
from transforms.windows.aggregate_table import COUNT
from transforms.windows.late import MissedValues

_DECODE: Final = "decode"
_DAY_US: Final = 86_400_000_000
_UNKNOWN: Final = np.iinfo(np.int64).min


def reading_entries(batch: ReadingBatch, windows: int) -> pa.RecordBatch:
    """Return entries for decoded readings.

    Args:
        batch: the readings.
        windows: number of windows that each reading belongs to: 1, or more for sliding windows.
    """
    present = ~np.isnan(batch.values)
    counts: dict[LedgerKey, int] = {}
    for run, rows in _rows_by_run(batch):
        counts[run, ROWS_DECODED, ""] = len(batch) if rows is None else int(np.count_nonzero(rows))
        values = present.sum(axis=1) if rows is None else present[:, rows].sum(axis=1)
        for metric, number in zip(batch.metrics, values.tolist(), strict=True):
            counts[run, VALUES, metric] = number * windows
    published = (None if us == UNKNOWN_US else us for us in batch.messages.publish_us.tolist())
    counted = (f"{name}\0{us}" for name, us in zip(batch.messages.ids, published, strict=True))
    return _entries(counts, (*counted, str(int(batch.line[0])), str(len(batch))), int(batch.event_us.min()))


def missed_entries(missed: MissedValues) -> pa.RecordBatch:
    """Return entries for values whose windows had closed before their readings arrived."""
    table = missed.table
    numbers = table.ints[COUNT].sum(axis=1).tolist()
    counts = {("", VALUES_MISSED, metric): number for metric, number in zip(table.metrics, numbers, strict=True)}
    digest = hashlib.blake2b(table.window_us.tobytes() + table.floats.tobytes(), digest_size=16).hexdigest()
    return _entries(counts, (*missed.message_ids, *table.devices, digest), int(table.window_us.min()))


def archived_entries(records: pa.RecordBatch) -> pa.RecordBatch:
    """Return entries for archived readings."""
    messages = records.column("message_id")
    counted = (*messages.unique().to_pylist(), str(len(records)), str(records.slice(0, 1).to_pylist()))
    counts = {("", ROWS_ARCHIVED, ""): len(records)}
    return _entries(counts, counted, int(record_times(records, "event_time").min()))


def anomaly_entries(anomalies: pa.RecordBatch) -> pa.RecordBatch:
    """Return entries for a batch of anomalies."""
    columns = (anomalies.column(name).to_pylist() for name in ("anomaly_id", "message_id", "rule_id"))
    distinct = sorted(set(zip(*columns, strict=True)))
    counts = {("", ANOMALIES, rule): number for rule, number in Counter(rule for _, _, rule in distinct).items()}
    counted = [f"{anomaly}\0{message}" for anomaly, message, _ in distinct]
    return _entries(counts, counted, int(record_times(anomalies, "event_time").min()))


def dead_letter_entries(letters: pa.RecordBatch) -> pa.RecordBatch:
    """Return entries for a batch of dead letters of any step."""
    counts: Counter[LedgerKey] = Counter()
    names = ("reason", "stage", "attributes", "line", "message_id", "payload")
    counted = []
    for reason, stage, attributes, line, message, payload in zip(
        *(letters.column(name).to_pylist() for name in names), strict=True
    ):
        fields: Mapping[str, str] = msgspec.json.decode(attributes)
        run = fields.get(RUN_ID, "")
        counts[run, DEAD_LETTERS, reason] += 1
        if stage == _DECODE:
            counts[run, ROWS_REJECTED, reason] += row_count(fields)
        counted.append(f"{message}\0{line}\0{reason}\0{payload[:100]}")
    published, event = (record_times(letters, name) for name in ("publish_time", "event_time"))
    times = np.where(published == _UNKNOWN, event, published)
    known = times[times != _UNKNOWN]
    return _entries(counts, counted, int(known.min()) if len(known) else None)


def duplicate_entries(messages: MessageBatch) -> pa.RecordBatch:
    """Return entries for messages that were removed as duplicates."""
    counts: Counter[LedgerKey] = Counter()
    counted, times = [], []
    for message in messages:
        counts[message.attributes.get(RUN_ID, ""), ROWS_DUPLICATE, ""] += rows_of(message)
        counted.append(f"{message.message_id}\0{message.publish_us}")
        if message.publish_us is not None:
            times.append(message.publish_us)
    return _entries(counts, counted, min(times, default=None))


def row_count(attributes: Mapping[str, str]) -> int:
    """Return the number of rows in a dead letter: 1, or the number that the attributes of a whole message state."""
    text = attributes.get(ROWS, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _rows_by_run(batch: ReadingBatch) -> Iterable[tuple[str, Any]]:
    """Yield each run with a mask of its rows; None where all are of one run."""
    runs = [attributes.get(RUN_ID, "") for attributes in batch.messages.attributes]
    names = sorted(set(runs))
    if len(names) == 1:
        yield names[0], None
        return
    codes = np.array([names.index(run) for run in runs], np.int32)[batch.message]
    for code, name in enumerate(names):
        rows = codes == code
        if rows.any():
            yield name, rows


def _entries(counts: Mapping[LedgerKey, int], counted: Iterable[str], earliest_us: int | None) -> pa.RecordBatch:
    digest = hashlib.blake2b("\n".join(counted).encode("utf-8", "backslashreplace"), digest_size=16).digest()
    day = None if earliest_us is None else earliest_us - earliest_us % _DAY_US
    entries = [
        LedgerEntry(
            entry_id=hashlib.blake2b(digest + "\0".join(item).encode(), digest_size=16).hexdigest(),
            run_id=item[0],
            item=item[1],
            detail=item[2],
            count=count,
            day=day,
        )
        for item, count in sorted(counts.items())
        if count
    ]
    return from_records(LedgerEntry, entries)
