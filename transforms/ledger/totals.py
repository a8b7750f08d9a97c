"""Hold the totals of stored results and of their ledger, so that both can be compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from telemetry.model.ledger_items import LedgerKey
from telemetry.model.output_kind import OutputKind
from transforms.ledger.hour_sums import SUMMED, HourKey, Sums, added


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
        sums = Sums(**{name: row[name] for name in SUMMED})
        found.expected[key] = added(found.expected[key], sums) if key in found.expected else sums
