"""Name the items that a ledger counts."""

from typing import Final

ROWS_DECODED: Final = "rows_decoded"
ROWS_REJECTED: Final = "rows_rejected"
ROWS_DUPLICATE: Final = "rows_duplicate"
ROWS_ARCHIVED: Final = "rows_archived"
VALUES: Final = "values"
VALUES_MISSED: Final = "values_missed"
ANOMALIES: Final = "anomalies"
INCIDENTS: Final = "incidents"
RULES: Final = "rules"
DEAD_LETTERS: Final = "dead_letters"

LedgerKey = tuple[str, str, str]
"""(run, item, detail)."""
