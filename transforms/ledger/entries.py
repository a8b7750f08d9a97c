"""Make ledger entries of the outputs of a job's steps.

Each function counts the elements themselves (readings, dead letters, records), not a counter. The id of an entry is a
hash of the counted elements and their content, so that a retried bundle writes the same entries, and others never do;
its second half is a hash of the entry itself, so that an entry that was edited is recognised.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.kinds import KINDS
from telemetry.model.ledger_items import (
    ANOMALIES,
    DEAD_LETTERS,
    INCIDENTS,
    ROWS_ARCHIVED,
    ROWS_DECODED,
    ROWS_DUPLICATE,
    ROWS_REJECTED,
    RULES,
    VALUES,
    VALUES_MISSED,
    LedgerKey,
)
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import ROWS, RUN_ID
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import LedgerEntry
from telemetry.storage.result_names import HOUR_US, UNKNOWN_US
from transforms.decode.payloads import rows_of
from transforms.ledger.checksums import HashArray, row_hashes, signed
from transforms.ledger.value_sums import ValueSums, sums_of_readings, sums_of_table
from transforms.windows.late import MissedValues
from transforms.windows.window_spec import WindowSpec

DECODE: Final = "decode"
"""Stage of the dead letters that stand for rows that were not decoded."""
_DAY_US: Final = 24 * HOUR_US


def reading_entries(batch: ReadingBatch, windows: WindowSpec, job_id: str = "") -> pa.RecordBatch:
    """Return entries for decoded readings.

    Args:
        batch: the readings.
        windows: the windows that they belong to.
        job_id: the job, for the entries.
    """
    arrays = (batch.event_us, batch.values, batch.device, batch.message)  # equal readings come in several messages
    counted = (str(int(batch.line[0])), *batch.devices, *(_crc(part) for part in arrays))
    digest = _digest((*_messages_of(batch), *counted))
    first_us = int(batch.event_us.min())
    entries = []
    for run, rows in _rows_by_run(batch):
        number = len(batch) if rows is None else int(np.count_nonzero(rows))
        entries.append(_entry(job_id, digest, (run, ROWS_DECODED, ""), number, first_us))
        sums = sums_of_readings(batch, windows, rows)
        entries += [_entry_of_values(job_id, digest, (run, VALUES, one.metric), one) for one in sums]
    return from_records(LedgerEntry, entries)


def repeat_entries(batch: ReadingBatch, job_id: str = "") -> pa.RecordBatch:
    """Return entries for readings that were removed as repeats."""
    arrays = (batch.event_us, batch.device, batch.message, batch.line)  # of one message, repeats differ in their lines
    digest = _digest((*_messages_of(batch), *batch.devices, *(_crc(part) for part in arrays)))
    first_us = int(batch.event_us.min())
    counts = ((run, len(batch) if rows is None else int(np.count_nonzero(rows))) for run, rows in _rows_by_run(batch))
    entries = [_entry(job_id, digest, (run, ROWS_DUPLICATE, ""), count, first_us) for run, count in counts]
    return from_records(LedgerEntry, entries)


def missed_entries(missed: MissedValues, job_id: str = "") -> pa.RecordBatch:
    """Return entries for values whose windows had closed before their readings arrived."""
    table = missed.table
    arrays = (table.window_us, table.floats, table.ints)
    content = (_crc(part) for part in arrays)
    digest = _digest((*missed.message_ids, *table.devices, *content))
    return from_records(
        LedgerEntry,
        [_entry_of_values(job_id, digest, ("", VALUES_MISSED, one.metric), one) for one in sums_of_table(table)],
    )


def archived_entries(records: pa.RecordBatch, job_id: str = "") -> pa.RecordBatch:
    """Return entries for archived readings."""
    return _record_entries(job_id, "readings", records, row_hashes(records), [("", ROWS_ARCHIVED, "")] * len(records))


def anomaly_entries(anomalies: pa.RecordBatch, job_id: str = "") -> pa.RecordBatch:
    """Return entries for a batch of anomalies; a repeated one counts once."""
    hashes, first = np.unique(row_hashes(anomalies), return_index=True)
    distinct = anomalies.take(pa.array(first))
    keys = [("", ANOMALIES, rule) for rule in distinct.column("rule_id").to_pylist()]
    return _record_entries(job_id, "anomalies", distinct, hashes, keys, distinct.column("value").to_numpy())


def incident_entries(transitions: pa.RecordBatch, job_id: str = "") -> pa.RecordBatch:
    """Return an entry for each transition of incidents; repeated in any batch, it has the same entry and counts once.

    The batch in which a transition leaves its step depends on when the watermark moved, so that the same transitions
    may come in other batches when they are made again.
    """
    hashes, first = np.unique(row_hashes(transitions), return_index=True)
    distinct = transitions.take(pa.array(first))
    keys = [("", INCIDENTS, rule) for rule in distinct.column("rule_id").to_pylist()]
    values = distinct.column("value").to_numpy(zero_copy_only=False)
    return _record_entries(job_id, "incidents", distinct, hashes, keys, values, apart=True)


def rules_entries(versions: pa.RecordBatch, job_id: str = "") -> pa.RecordBatch:
    """Return an entry for each version of the rules that came into force."""
    keys = [("", RULES, version) for version in versions.column("version").to_pylist()]
    return _record_entries(job_id, "rules", versions, row_hashes(versions), keys, apart=True)


def dead_letter_entries(letters: pa.RecordBatch, job_id: str = "") -> pa.RecordBatch:
    """Return entries for a batch of dead letters of any step."""
    hashes = row_hashes(letters)
    keys = []
    rejected: Counter[LedgerKey] = Counter()
    names = ("reason", "stage", "attributes")
    for reason, stage, attributes in zip(*(letters.column(name).to_pylist() for name in names), strict=True):
        fields: Mapping[str, str] = msgspec.json.decode(attributes)
        run = fields.get(RUN_ID, "")
        keys.append((run, DEAD_LETTERS, reason))
        if stage == DECODE:
            rejected[run, ROWS_REJECTED, reason] += row_count(fields)
    known = [time for time in KINDS["dead_letters"].times(letters).tolist() if time != UNKNOWN_US]
    digest = _digest([str(hashes.sum()), str(len(hashes))])
    rows = [
        _entry(job_id, digest, key, count, min(known, default=None)) for key, count in sorted(rejected.items()) if count
    ]
    return pa.concat_batches(
        [_record_entries(job_id, "dead_letters", letters, hashes, keys), from_records(LedgerEntry, rows)]
    )


def duplicate_entries(messages: MessageBatch, job_id: str = "") -> pa.RecordBatch:
    """Return entries for messages that were removed as duplicates."""
    counts: Counter[LedgerKey] = Counter()
    counted, times = [], []
    for message in messages:
        counts[message.attributes.get(RUN_ID, ""), ROWS_DUPLICATE, ""] += rows_of(message)
        counted.append(f"{message.message_id}\0{message.publish_us}\0{zlib.crc32(message.payload)}")
        if message.publish_us is not None:
            times.append(message.publish_us)
    digest = _digest(counted)
    rows = [
        _entry(job_id, digest, key, count, min(times, default=None)) for key, count in sorted(counts.items()) if count
    ]
    return from_records(LedgerEntry, rows)


def sealed_id(digest: str, *fields: object) -> str:
    """Return the id of an entry: the digest of what it counts, and a hash of that and its own fields.

    Args:
        digest: 16 hexadecimal digits.
        fields: those of `LedgerEntry` after its id, in their order, times as microseconds.
    """
    content = "\0".join([digest, *map(str, fields)])
    return digest + hashlib.blake2b(content.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def row_count(attributes: Mapping[str, str]) -> int:
    """Return the number of rows in a dead letter: 1, or the number that the attributes of a whole message state."""
    text = attributes.get(ROWS, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def _messages_of(batch: ReadingBatch) -> Iterator[str]:
    """Yield the id and the publish time of each message of a batch."""
    published = (None if us == UNKNOWN_US else us for us in batch.messages.publish_us.tolist())
    return (f"{name}\0{us}" for name, us in zip(batch.messages.ids, published, strict=True))


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


def _record_entries(
    job_id: str,
    kind: str,
    records: pa.RecordBatch,
    hashes: HashArray,
    keys: Sequence[LedgerKey],
    values: NDArray[np.float64] | None = None,
    *,
    apart: bool = False,
) -> pa.RecordBatch:
    """Return an entry for each key and hour of some records.

    Args:
        job_id: the job, for the entries.
        kind: of the records.
        records: N records.
        hashes: (N,) hash of each.
        keys: N keys.
        values: (N,) value of each, where the kind has one; NaN for none.
        apart: whether each record has an entry of its own, which does not depend on the others.
    """
    times = KINDS[kind].times(records)
    hours = np.where(times == UNKNOWN_US, UNKNOWN_US, times - times % HOUR_US)
    rows: dict[tuple[LedgerKey, int], list[int]] = {}
    if len(set(keys)) == 1 and (hours == hours[0]).all():
        rows[keys[0], int(hours[0])] = list(range(len(hours)))
    else:
        for row, place in enumerate(zip(keys, hours.tolist(), strict=True)):
            rows.setdefault(place, []).append(row)
    groups = [(place, [row]) for place, of in rows.items() for row in of] if apart else list(rows.items())
    digest = _digest_of_records(kind, hashes)
    entries = []
    for (key, hour_us), of in sorted(groups):
        if apart:
            digest = _digest_of_records(kind, hashes[of])
        numbers: dict[str, Any] = {"checksum": signed(hashes[of].sum())}
        if values is not None:
            numbers |= _sums_of(values[of])
        moment = None if hour_us == UNKNOWN_US else hour_us
        entries.append(_entry(job_id, digest, key, len(of), moment, hour_start=moment, **numbers))
    return from_records(LedgerEntry, entries)


def _digest_of_records(kind: str, hashes: HashArray) -> str:
    return _digest([kind, str(hashes.sum()), str(np.bitwise_xor.reduce(hashes))])


def _sums_of(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return the sum of some values, the smallest and the largest; those that are NaN do not count."""
    known = values[~np.isnan(values)]
    if not len(known):
        return {"total": 0.0, "low": None, "high": None}
    sums = {"total": known.sum(), "low": known.min(), "high": known.max()}
    return {name: _finite(float(number)) for name, number in sums.items()}


def _entry_of_values(job_id: str, digest: str, key: LedgerKey, sums: ValueSums) -> LedgerEntry:
    return _entry(
        job_id, digest, key, sums.count, sums.hour_us, hour_start=sums.hour_us, total=_finite(sums.total),
        weighted=_finite(sums.weighted), low=sums.low, high=sums.high, checksum=sums.checksum,
    )  # fmt: skip


def _finite(number: float) -> float | None:
    """Return a number; None if it is infinite, which JSON cannot hold."""
    return number if np.isfinite(number) else None


def _entry(job_id: str, digest: str, key: LedgerKey, count: int, time_us: int | None, **sums: Any) -> LedgerEntry:
    day = None if time_us is None else time_us - time_us % _DAY_US
    entry = LedgerEntry("", *key, count, day, job_id, **sums)
    return msgspec.structs.replace(entry, entry_id=sealed_id(digest, *msgspec.structs.astuple(entry)[1:]))


def _crc(array: NDArray[Any]) -> str:
    return str(zlib.crc32(np.ascontiguousarray(array).data))


def _digest(counted: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(counted).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
