"""Name each kind of output, the record it holds, its time columns and its identity."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from telemetry.model.records import Anomaly, DeadLetter, LedgerEntry, WindowAggregate

READINGS: Final = "readings"
"""Name of the output that archives readings; its columns depend on the metrics."""
RECORDS: Final[Mapping[str, type[msgspec.Struct]]] = MappingProxyType(
    {"anomalies": Anomaly, "aggregates": WindowAggregate, "dead_letters": DeadLetter, "ledger": LedgerEntry}
)
"""Name of each output (folder, table) and the record it holds."""
TIME_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "anomalies": ("event_time",),
        "aggregates": ("window_start",),
        "dead_letters": ("publish_time", "event_time"),  # the event time is what often cannot be read
        "ledger": ("day",),
        READINGS: ("event_time",),
    }
)
"""Of each output the columns that date a record: the first that is not null. Files lie by its day and hour, and
tables are partitioned by the day of the first column."""
IDENTITY: Final = {
    "anomalies": ("anomaly_id", "message_id"),
    "aggregates": ("device", "metric", "window_start", "window_end", "pane_index"),
    "dead_letters": ("message_id", "line", "reason", "stage", "payload"),
    "ledger": ("entry_id",),
    READINGS: ("device", "source_time", "message_id", "line"),
}
"""What tells one record of a kind from another: the same on any run, so that a retry is known as one."""
