"""Names of the job's counters: what goes in and out of each stage.

==========================  =====================================================================
``messages``                messages that reached the decoder (chunks, for files)
``payload_bytes``           their payload bytes, before decompression
``rows_decoded``            lines that became readings
``fields_ignored``          fields that are neither known nor listed as metrics
``dead_letters/<reason>``   lines (or whole messages) that could not be used
``anomalies/<rule id>``     breaches of each rule
``rows_aggregated``         readings that entered at least one window
``panes``                   panes of windows that were emitted
``aggregates``              records of those panes, one a device and metric
``files_written``           result files
``rows_written``            records in them
==========================  =====================================================================
"""

from typing import Any, Final

from apache_beam.metrics import Metrics

NAMESPACE: Final = "telemetry"
MESSAGES: Final = "messages"
PAYLOAD_BYTES: Final = "payload_bytes"
ROWS_DECODED: Final = "rows_decoded"
FIELDS_IGNORED: Final = "fields_ignored"
DEAD_LETTERS: Final = "dead_letters"
ANOMALIES: Final = "anomalies"
ROWS_AGGREGATED: Final = "rows_aggregated"
PANES: Final = "panes"
AGGREGATES: Final = "aggregates"
FILES_WRITTEN: Final = "files_written"
ROWS_WRITTEN: Final = "rows_written"


def count(name: str, by: int = 1, kind: str = "") -> None:
    """Add to a counter; `kind` (a rule, a reason) makes it ``name/kind``."""
    counter: Any = Metrics.counter(NAMESPACE, f"{name}/{kind}" if kind else name)
    counter.inc(int(by))
