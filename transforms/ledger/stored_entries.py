"""Total the ledger entries that a folder stores, and find those that were edited."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from telemetry.model import ledger_items
from telemetry.model.kinds import KINDS
from transforms.ledger.entries import sealed_id
from transforms.ledger.hour_sums import SUMMED
from transforms.ledger.totals import StoredTotals, add_entries

LEDGER_COLUMNS: Final = (
    *("entry_id", "run_id", "item", "detail", "count", "day", "job_id"),
    *("hour_start", "total", "weighted", "low", "high", "checksum"),
)
"""Columns of an entry, in the order of `LedgerEntry`."""


def distinct_entries(tables: Iterator[pa.Table]) -> pa.Table:
    """Return the entries of tables with `LEDGER_COLUMNS`, each once."""
    columns = list(LEDGER_COLUMNS)
    schema = pa.schema([entry.with_nullable(True) for entry in KINDS["ledger"].schema_of(columns)])
    whole = pa.concat_tables([schema.empty_table(), *(table.select(columns) for table in tables)])
    return whole.group_by(columns, use_threads=False).aggregate([])


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


def total_entries(found: StoredTotals, entries: pa.Table) -> None:
    """Add distinct entries to the totals of a store."""
    keys = ["job_id", "run_id", "item", "detail", "hour_start"]
    options = pc.ScalarAggregateOptions(skip_nulls=False)
    summed = [(name, how, options) for name, how in SUMMED.items()]
    table = entries.group_by(keys, use_threads=False).aggregate(summed)
    table = table.rename_columns([name.rsplit("_", 1)[0] if name not in keys else name for name in table.schema.names])
    index = table.schema.get_field_index("hour_start")
    table = table.set_column(index, "hour", table.column("hour_start").cast(pa.int64()))
    add_entries(found, iter(table.to_pylist()))
