"""What stored results say in numbers: the ledger, and beside it what can be counted in the results themselves."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa

from telemetry.bigquery.rows import TABLE
from telemetry.model.kinds import IDENTITY, READINGS
from telemetry.storage.result_store import FileStore

LedgerKey = tuple[str, str, str]
"""(run, item, detail); see `telemetry.model.records.LedgerEntry`."""
_WINDOW: Final = ["device", "metric", "window_start", "window_end"]


@dataclass(slots=True)
class StoredTotals:
    """Numbers of one store; a record that is stored twice counts once.

    Attributes:
        where: the store, for a person.
        ledger: sum of the entries by run, item and detail.
        values: readings in the last panes of all windows, by metric.
        anomalies: by rule.
        dead_letters: by reason.
        refused: of them, rows that a table refused, by table.
        readings: archived readings.
    """

    where: str
    ledger: dict[LedgerKey, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    anomalies: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    readings: int = 0


class Store(Protocol):
    """Where results are."""

    def figures(self) -> StoredTotals:
        """Return its numbers; raises a TelemetryError if it cannot be read."""


@dataclass(frozen=True, slots=True)
class FolderTotals:
    """The numbers of a folder of files.

    Attributes:
        folder: what the job was given as ``--output``, on any Beam filesystem.
    """

    folder: str

    def figures(self) -> StoredTotals:
        """Read all files.

        Raises:
            StorageError: if one cannot be read, or is none of the job's.
        """
        store = FileStore(self.folder)
        store.check()
        found = StoredTotals(self.folder)
        for row in _distinct(store, "ledger", ["entry_id", "run_id", "item", "detail", "count"]):
            _add(found.ledger, (row["run_id"], row["item"], row["detail"]), row["count"])
        panes = store.read("aggregates", [*_WINDOW, "pane_index", "count"])
        last = panes.sort_by([("pane_index", "descending")]).group_by(_WINDOW, use_threads=False)
        for metric, count in _pairs(last.aggregate([("count", "first")]), "metric", "count_first"):
            _add(found.values, metric, count)
        found.anomalies = Counter(
            row["rule_id"] for row in _distinct(store, "anomalies", [*IDENTITY["anomalies"], "rule_id"])
        )
        for row in _distinct(store, "dead_letters", [*IDENTITY["dead_letters"], "attributes"]):
            _add(found.dead_letters, row["reason"], 1)
            if table := msgspec.json.decode(row["attributes"]).get(TABLE):
                _add(found.refused, table, 1)
        found.readings = len(_distinct_table(store, READINGS, IDENTITY[READINGS]))
        return found


def _distinct_table(store: FileStore, kind: str, columns: Sequence[str]) -> pa.Table:
    return store.read(kind, columns).group_by(list(columns)).aggregate([])


def _distinct(store: FileStore, kind: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _distinct_table(store, kind, columns).to_pylist()
    return rows


def _pairs(table: pa.Table, name: str, number: str) -> Iterable[tuple[str, int]]:
    return zip(table.column(name).to_pylist(), table.column(number).to_pylist(), strict=True)


def _add(counts: dict[Any, int], key: Any, number: int) -> None:
    counts[key] = counts.get(key, 0) + number
