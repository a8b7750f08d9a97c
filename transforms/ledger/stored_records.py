"""Total the windows and records that a folder stores, each counted once."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from telemetry.model.merge_panes import PANE, WINDOW, last_panes
from telemetry.model.output_kind import OutputKind
from telemetry.storage.result_names import HOUR_US, UNKNOWN_US
from transforms.ledger.checksums import row_hashes, text_hashes, unit_weights, window_hashes
from transforms.ledger.entries import DECODE, row_count
from transforms.ledger.hour_sums import SUMMED, HourKey, Sums
from transforms.ledger.totals import StoredTotals
from transforms.ledger.verified_files import VerifiedFiles

_DEAD_LETTERS: Final = "dead_letters"
_STATISTICS: Final = ("count", "mean", "stddev", "min", "max", "first", "last", "anomaly_count")


def total_windows(found: StoredTotals, files: VerifiedFiles) -> None:
    """Add the windows of each job to the totals of a store, and note panes that contradict each other."""
    columns = [*PANE, *_STATISTICS]
    schema = pa.schema([entry.with_nullable(True) for entry in KINDS["aggregates"].schema_of(columns)])
    tables = (table.select(columns) for table in files.tables("aggregates", columns))
    panes = pa.concat_tables([schema.empty_table(), *tables])
    last = last_panes(panes)
    if len(last) < len(panes):
        found.damage += _contradictions(panes)
    if not len(last):
        return
    if len(last.column("job_id").unique()) > 1:
        found.shared_windows = len(last) - len(last.group_by(list(WINDOW), use_threads=False).aggregate([]))
    devices = last.column("device").combine_chunks().dictionary_encode()
    start_us = last.column("window_start").cast(pa.int64()).to_numpy()
    hashes = window_hashes(text_hashes(devices.dictionary.to_pylist())[devices.indices.to_numpy()], start_us)
    count = last.column("count").to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        total = last.column("mean").to_numpy() * count
        weighted = total * unit_weights(hashes)
    table = pa.table(
        {
            "job_id": last.column("job_id"),
            "detail": last.column("metric"),
            "hour": start_us - start_us % HOUR_US,
            "count": count,
            "total": total,
            "weighted": weighted,
            "low": last.column("min"),
            "high": last.column("max"),
            "checksum": (hashes * count.astype(np.uint64)).view(np.int64),
        }
    )
    found.found |= _sums_of(table, ledger_items.VALUES)


def _contradictions(panes: pa.Table) -> list[str]:
    """Describe panes that are stored several times with different content; the last digit of a mean may differ."""
    repeated = panes.group_by(list(PANE), use_threads=False).aggregate(
        [(name, how) for name in _STATISTICS for how in ("min", "max")]
    )
    if len(repeated) == len(panes):
        return []
    differs = np.zeros(len(repeated), np.bool_)
    for name in _STATISTICS:
        low, high = (repeated.column(f"{name}_{how}").to_numpy() for how in ("min", "max"))
        differs |= high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high))
    number = int(differs.sum())
    return [f"{number:,} panes are stored several times with different content"] if number else []


def record_sums(files: VerifiedFiles, kind: OutputKind) -> Iterator[tuple[HourKey, Sums]]:
    """Yield the sums of the records of a kind, each record counted once."""
    parts = []
    for table in files.tables(kind.name):
        (batch,) = table.combine_chunks().to_batches() or [None]
        if batch is None:
            continue
        times = kind.times(batch)
        empty = pa.repeat(pa.scalar("", pa.string()), len(batch))
        parts.append(
            pa.table(
                {
                    "job_id": batch.column("job_id"),
                    "detail": batch.column(kind.ledger_detail) if kind.ledger_detail else empty,
                    "hour": pa.array(times - times % HOUR_US, mask=times == UNKNOWN_US),
                    "checksum": row_hashes(batch).view(np.int64),
                    "rows": _rejected_rows(batch) if kind.name == _DEAD_LETTERS else np.zeros(len(batch), np.int64),
                }
            )
        )
    if not parts:
        return
    names = ["job_id", "detail", "hour", "checksum", "rows"]
    distinct = pa.concat_tables(parts).group_by(names, use_threads=False).aggregate([])
    keyed = distinct.append_column("count", pa.array(np.ones(len(distinct), np.int64)))
    yield from _sums_of(keyed, kind.ledger_item).items()
    if kind.name == _DEAD_LETTERS:
        rejected = distinct.filter(pc.greater(distinct.column("rows"), 0))
        for row in rejected.group_by(["job_id", "detail"]).aggregate([("rows", "sum")]).to_pylist():
            key = HourKey(row["job_id"], ledger_items.ROWS_REJECTED, row["detail"], None)
            yield key, Sums(row["rows_sum"])


def _rejected_rows(letters: pa.RecordBatch) -> NDArray[np.int64]:
    """Return how many rows each dead letter stands for that was rejected when it was decoded; 0 for others."""
    texts = letters.column("attributes").dictionary_encode()
    rows = np.array([row_count(msgspec.json.decode(text)) for text in texts.dictionary.to_pylist()], np.int64)
    decoded = pc.equal(letters.column("stage"), DECODE).to_numpy(zero_copy_only=False)
    return np.where(decoded, rows[texts.indices.to_numpy()], 0)


def _sums_of(table: pa.Table, item: str) -> dict[HourKey, Sums]:
    """Return the sums of a table with the columns `job_id`, `detail`, `hour` and some of those of `Sums`."""
    summed = [(name, how) for name, how in SUMMED.items() if name in table.schema.names]
    grouped = table.group_by(["job_id", "detail", "hour"], use_threads=False).aggregate(summed)
    return {
        HourKey(row["job_id"], item, row["detail"], row["hour"]): Sums(
            **{name: row[f"{name}_{how}"] for name, how in summed}
        )
        for row in grouped.to_pylist()
    }
