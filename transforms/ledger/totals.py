"""Count stored results and add up their ledger, so that both can be compared."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa

from telemetry.bigquery.rows import TABLE
from telemetry.model.kinds import KINDS
from telemetry.model.ledger_items import LedgerKey
from telemetry.model.output_kind import OutputKind
from telemetry.storage.result_store import FileStore

_AGGREGATES: Final = "aggregates"
_DEAD_LETTERS: Final = "dead_letters"


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
    """

    where: str
    ledger: dict[LedgerKey, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


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
            StorageError: if one cannot be read, or is none of the job's.
        """
        store = FileStore(self.folder)
        store.check_has_results()
        found = StoredTotals(self.folder)
        for row in _distinct(store, KINDS["ledger"], ["run_id", "item", "detail", "count"]).to_pylist():
            _add(found.ledger, (row["run_id"], row["item"], row["detail"]), row["count"])
        found.values = _values(store)
        for kind in counted_kinds():
            found.records[kind.name] = _count(store, kind)
        letters = _distinct(store, KINDS[_DEAD_LETTERS], ["attributes"])
        for attributes in letters.column("attributes").to_pylist():
            if table := msgspec.json.decode(attributes).get(TABLE):
                _add(found.refused, table, 1)
        return found


def counted_kinds() -> list[OutputKind]:
    """Return the kinds of record that the ledger counts."""
    return [kind for kind in KINDS.values() if kind.ledger_item]


def _values(store: FileStore) -> dict[str, int]:
    """Return the number of readings in the last panes by metric."""
    kind = KINDS[_AGGREGATES]
    panes = store.read(kind.name, [*kind.identity, "count"])
    last = panes.sort_by([(kind.version, "descending")]).group_by(list(kind.key), use_threads=False)
    counts: dict[str, int] = {}
    for metric, count in _pairs(last.aggregate([("count", "first")]), "metric", "count_first"):
        _add(counts, metric, count)
    return counts


def _count(store: FileStore, kind: OutputKind) -> dict[str, int]:
    """Return the number of records by their detail; under "" if they have none."""
    if not kind.ledger_detail:
        return {"": len(_distinct(store, kind))}
    return dict(Counter(_distinct(store, kind, [kind.ledger_detail]).column(kind.ledger_detail).to_pylist()))


def _distinct(store: FileStore, kind: OutputKind, more: Sequence[str] = ()) -> pa.Table:
    columns = list(dict.fromkeys((*kind.identity, *more)))
    return store.read(kind.name, columns).group_by(columns).aggregate([])


def _pairs(table: pa.Table, name: str, number: str) -> Iterable[tuple[str, int]]:
    return zip(table.column(name).to_pylist(), table.column(number).to_pylist(), strict=True)


def _add(counts: dict[Any, int], key: Any, number: int) -> None:
    counts[key] = counts.get(key, 0) + number
