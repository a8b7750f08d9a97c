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
``rows_archived``           readings on their way to the archive
``files_written``           result files
``rows_written``            records in them
``rows_inserted``           rows that BigQuery took
``rows_refused``            dead letters and ledger entries that it, or a topic, refused and another output keeps
``alerts_published``        anomalies that the alerts topic took
``letters_published``       dead letters that their topic took
``duplicates``              messages that were removed because they had come before
``rows_duplicate``          their lines
==========================  =====================================================================

And its distributions, of which count, sum, smallest and largest are kept:

==========================  =====================================================================
``message_age_ms``          how long ago the oldest message of each batch was published, when it was decoded
``window_lateness_ms``      how far the watermark was past the end of each window that took late readings
==========================  =====================================================================

Beam's own metrics are what a remote runner shows. The local streaming runner (2.77) loses most of them: it
caches a step's state sampler with the metrics container of the step's first bundle, so that only that
bundle is counted. Every count is therefore kept in this process as well; a local run reads it there. A
retried bundle counts twice there, so steps count after the work that can fail.
"""

import functools
import threading
from collections import Counter
from dataclasses import dataclass
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
ROWS_ARCHIVED: Final = "rows_archived"
FILES_WRITTEN: Final = "files_written"
ROWS_WRITTEN: Final = "rows_written"
ROWS_INSERTED: Final = "rows_inserted"
ROWS_REFUSED: Final = "rows_refused"
ALERTS_PUBLISHED: Final = "alerts_published"
LETTERS_PUBLISHED: Final = "letters_published"
DUPLICATES: Final = "duplicates"
ROWS_DUPLICATE: Final = "rows_duplicate"
MESSAGE_AGE_MS: Final = "message_age_ms"
WINDOW_LATENESS_MS: Final = "window_lateness_ms"


_TALLY: Final[Counter[str]] = Counter()
_OBSERVED: Final[dict[str, list[int]]] = {}
_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is kept of many values: how many, their sum, the smallest and the largest."""

    count: int
    sum: int
    min: int
    max: int


def count(name: str, by: int = 1, kind: str = "") -> None:
    """Add to a counter; `kind` (a rule, a reason) makes it ``name/kind``."""
    full = f"{name}/{kind}" if kind else name
    _counter(full).inc(int(by))
    with _LOCK:
        _TALLY[full] += int(by)


@functools.cache
def _counter(full: str) -> Any:
    return Metrics.counter(NAMESPACE, full)


def observe(name: str, value: int) -> None:
    """Add a value to a distribution."""
    distribution: Any = Metrics.distribution(NAMESPACE, name)
    distribution.update(int(value))
    with _LOCK:
        known = _OBSERVED.setdefault(name, [0, 0, int(value), int(value)])
        known[:] = known[0] + 1, known[1] + int(value), min(known[2], int(value)), max(known[3], int(value))


def start_tally() -> None:
    """Begin to count from zero in this process."""
    with _LOCK:
        _TALLY.clear()
        _OBSERVED.clear()


def tally() -> dict[str, int]:
    """Return what was counted in this process since `start_tally`."""
    with _LOCK:
        return dict(_TALLY)


def observed() -> dict[str, Distribution]:
    """Return the distributions of this process since `start_tally`."""
    with _LOCK:
        return {name: Distribution(*known) for name, known in _OBSERVED.items()}
