"""Sum up stored results and their ledger by job and hour, so that both can be compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from telemetry.model.ledger_items import LedgerKey
from telemetry.model.merge_panes import PANE, WINDOW, last_panes
from telemetry.model.output_kind import OutputKind
from telemetry.storage.files import exists, join
from telemetry.storage.job_markers import read_markers
from telemetry.storage.result_names import HOUR_US, UNKNOWN_US
from telemetry.storage.result_store import FileStore
from transforms.ledger.checksums import row_hashes, text_hashes, unit_weights, window_hashes
from transforms.ledger.entries import DECODE, row_count, sealed_id
from transforms.ledger.verified_files import VerifiedFiles

_DEAD_LETTERS: Final = "dead_letters"
_STATE: Final = ".state"
_LEDGER: Final = (
    *("entry_id", "run_id", "item", "detail", "count", "day", "job_id"),
    *("hour_start", "total", "weighted", "low", "high", "checksum"),
)
"""Columns of an entry, in the order of `LedgerEntry`."""
_SUMMED: Final = {"count": "sum", "total": "sum", "weighted": "sum", "low": "min", "high": "max", "checksum": "sum"}
_STATISTICS: Final = ("count", "mean", "stddev", "min", "max", "first", "last", "anomaly_count")


class HourKey(NamedTuple):
    """Key by which sums are compared.

    Attributes:
        job: id of the job; "" for one of an older release.
        item: of the ledger.
        detail: metric, rule or reason; "" where the item has none.
        hour_us: start of the hour, microseconds UTC; None where it is not known.
    """

    job: str
    item: str
    detail: str
    hour_us: int | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of some values or records. Those that a store or an older release does not have are None.

    Attributes:
        count: how many.
        total: sum of the values.
        weighted: sum of the values, each by a weight of its device and window.
        low: smallest of the values.
        high: largest of the values.
        checksum: of devices and windows, or of whole records; a signed integer that wraps around.
    """

    count: int
    total: float | None = None
    weighted: float | None = None
    low: float | None = None
    high: float | None = None
    checksum: int | None = None


@dataclass(slots=True)
class StoredTotals:
    """Totals of one store; a record that is stored twice counts once.

    Attributes:
        where: the store, for a person.
        ledger: sum of the ledger entries by run, item and detail.
        values: readings in the last panes of all windows, by metric.
        records: number of records by kind and, within it, by the detail that the ledger counts them by; only of kinds
            with a ledger item.
        refused: rows that a table refused, by table; they are among the dead letters.
        expected: sums of the ledger by job, item, detail and hour.
        found: the same of the results: of values, and of the items of the kinds of record.
        damage: descriptions of files that are not as a job wrote them, and of records that contradict each other.
        jobs: each job that has written there, and its input where it is known.
        shared_windows: number of windows with readings of several jobs.
        counts_rejected: whether `found` has the rejected rows of the dead letters.
        open_windows: folder in which a local stream keeps open windows; "" if there is none.
    """

    where: str
    ledger: dict[LedgerKey, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    expected: dict[HourKey, Sums] = field(default_factory=dict)
    found: dict[HourKey, Sums] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)
    jobs: dict[str, str] = field(default_factory=dict)
    shared_windows: int = 0
    counts_rejected: bool = False
    open_windows: str = ""

    def count_found(self) -> None:
        """Set the numbers of values and records from the sums that were found."""
        for kind in counted_kinds():
            self.records.setdefault(kind.name, {})
        names = {kind.ledger_item: kind.name for kind in counted_kinds()}
        for key, sums in self.found.items():
            if key.item == ledger_items.ROWS_REJECTED:
                continue
            counts = self.values if key.item == ledger_items.VALUES else self.records[names[key.item]]
            counts[key.detail] = counts.get(key.detail, 0) + sums.count


class Store(Protocol):
    """Store of results that can be counted."""

    def totals(self) -> StoredTotals:
        """Return the totals; raises a TelemetryError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class FolderTotals:
    """Totals of a folder of files.

    Attributes:
        folder: what the job was given as ``--output``, on any Beam filesystem.
    """

    folder: str

    def totals(self) -> StoredTotals:
        """Read all files and return the totals.

        Raises:
            StorageError: if one cannot be fetched, or the folder holds no results.
        """
        FileStore(self.folder).check_has_results()
        files = VerifiedFiles(self.folder)
        found = StoredTotals(self.folder)
        entries = _distinct(files.tables("ledger", _LEDGER), _LEDGER)
        found.damage += edited_entries(entries)
        _add_ledger(found, entries)
        _add_windows(found, _concat("aggregates", [*PANE, *_STATISTICS], files))
        for kind in counted_kinds():
            for keys, sums in _record_sums(files, kind):
                found.found[keys] = sums
        found.counts_rejected = True
        found.count_found()
        found.damage[:0] = files.problems()
        sources = {job: marker.source for job, marker in read_markers(self.folder).items()}
        seen = {key.job for key in (*found.expected, *found.found)}
        found.jobs = {job: sources.get(job, "") for job in sorted(seen)}
        state = join(self.folder, _STATE)
        found.open_windows = state if exists(state) else ""
        return found


def counted_kinds() -> list[OutputKind]:
    """Return the kinds of record that the ledger counts."""
    return [kind for kind in KINDS.values() if kind.ledger_item]


def add_entries(found: StoredTotals, rows: Iterator[Mapping[str, Any]]) -> None:
    """Add ledger entries that are summed by job, run, item, detail and hour.

    Args:
        found: what to add them to.
        rows: `job_id`, `run_id`, `item`, `detail`, `hour` (microseconds or None) and the fields of `Sums`.
    """
    for row in rows:
        ledger_key = (row["run_id"], row["item"], row["detail"])
        found.ledger[ledger_key] = found.ledger.get(ledger_key, 0) + row["count"]
        key = HourKey(row["job_id"], row["item"], row["detail"], row["hour"])
        sums = Sums(**{name: row[name] for name in _SUMMED})
        found.expected[key] = added(found.expected[key], sums) if key in found.expected else sums


def edited_entries(entries: pa.Table) -> list[str]:
    """Describe entries whose id is not that of their content, and batches without their number of rows.

    Entries of older releases tell neither.

    Args:
        entries: the columns of `LedgerEntry`, in their order.
    """
    columns = [
        (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
        for column in entries.columns
    ]
    job = entries.schema.names.index("job_id")
    edited = sum(row[job] != "" and sealed_id(row[0][:16], *row[1:]) != row[0] for row in zip(*columns, strict=True))
    damage = [f"{edited:,} entries of the ledger are not as a job wrote them"] if edited else []
    item = entries.schema.names.index("item")
    digests = {
        name: {row[0][:16] for row in zip(*columns, strict=True) if row[job] != "" and row[item] == name}
        for name in (ledger_items.ROWS_DECODED, ledger_items.VALUES)
    }
    missing = len(digests[ledger_items.VALUES] - digests[ledger_items.ROWS_DECODED])
    return damage + ([f"{missing:,} entries of decoded rows are missing from the ledger"] if missing else [])


def added(first: Sums, second: Sums) -> Sums:
    """Return the sums of both."""
    return Sums(
        first.count + second.count,
        _plus(first.total, second.total),
        _plus(first.weighted, second.weighted),
        _least(first.low, second.low),
        _greatest(first.high, second.high),
        None if first.checksum is None or second.checksum is None else wrapped(first.checksum + second.checksum),
    )


def wrapped(number: int) -> int:
    """Return an integer as a signed one of 64 bits that wraps around."""
    return (number + 2**63) % 2**64 - 2**63


def _plus(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second


def _least(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else min(first, second)


def _greatest(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else max(first, second)


def _concat(kind: str, columns: list[str], files: VerifiedFiles) -> pa.Table:
    schema = pa.schema([entry.with_nullable(True) for entry in KINDS[kind].schema_of(columns)])
    return pa.concat_tables([schema.empty_table(), *(table.select(columns) for table in files.tables(kind, columns))])


def _distinct(tables: Iterator[pa.Table], columns: tuple[str, ...]) -> pa.Table:
    schema = pa.schema([entry.with_nullable(True) for entry in KINDS["ledger"].schema_of(columns)])
    whole = pa.concat_tables([schema.empty_table(), *(table.select(list(columns)) for table in tables)])
    return whole.group_by(list(columns), use_threads=False).aggregate([])


def _add_ledger(found: StoredTotals, entries: pa.Table) -> None:
    keys = ["job_id", "run_id", "item", "detail", "hour_start"]
    options = pc.ScalarAggregateOptions(skip_nulls=False)
    summed = [(name, how, options) for name, how in _SUMMED.items()]
    table = entries.group_by(keys, use_threads=False).aggregate(summed)
    table = table.rename_columns([name.rsplit("_", 1)[0] if name not in keys else name for name in table.schema.names])
    index = table.schema.get_field_index("hour_start")
    table = table.set_column(index, "hour", table.column("hour_start").cast(pa.int64()))
    add_entries(found, iter(table.to_pylist()))


def _add_windows(found: StoredTotals, panes: pa.Table) -> None:
    """Add the windows of each job, and note panes that contradict each other."""
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


def _record_sums(files: VerifiedFiles, kind: OutputKind) -> Iterator[tuple[HourKey, Sums]]:
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
    summed = [(name, how) for name, how in _SUMMED.items() if name in table.schema.names]
    grouped = table.group_by(["job_id", "detail", "hour"], use_threads=False).aggregate(summed)
    return {
        HourKey(row["job_id"], item, row["detail"], row["hour"]): Sums(
            **{name: row[f"{name}_{how}"] for name, how in summed}
        )
        for row in grouped.to_pylist()
    }
