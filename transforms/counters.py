"""Count what goes in and out of each stage.

==========================  =====================================================================
``messages``                messages that reached the decoder (chunks of files)
``payload_bytes``           their payload bytes, before decompression
``rows_decoded``            lines that became readings, without those that were removed as repeats
``clock_ahead``             readings that are ahead of their publish time by more than the skew; they are kept
``rows_fitted``             readings of CSV whose rows had fewer or more cells than their header
``values_read/<metric>``    values of readings, by metric
``values_unread/<value>``   values of readings that could not be read, by metric and reason (such as temp/not_a_number)
``fields_ignored``          fields that are neither known nor listed as metrics
``fields_ignored/<field>``  those of one name, for the first names that each process finds
``dead_letters/<reason>``   lines (or whole messages) that were rejected
``anomalies/<rule id>``     breaches of each rule
``incidents/<rule id>``     incidents that each rule opened; one that opens again counts once
``incidents_closed``        incidents that were closed
``late_for_rules``          readings that came when incidents of their time were judged already
``rules_refused``           changed rules that could not be used, so that those before them stayed in force
``rows_aggregated``         readings that entered at least one window
``panes``                   panes of windows that were emitted
``aggregates``              records of those panes, one for each device and metric
``rows_archived``           readings that were passed to the archive
``files_written``           result files
``rows_written``            records in those files
``rows_inserted``           rows that BigQuery accepted
``rows_refused``            dead letters and ledger entries that BigQuery or a topic refused and another output keeps
``alerts_published``        transitions of incidents, or anomalies, that the alerts topic accepted
``alerts_sent``             transitions of incidents that a webhook accepted
``webhook_failures``        requests to webhooks that failed for a passing reason and were, or will be, sent again
``letters_published``       dead letters that their topic accepted
``duplicates``              messages that were removed as duplicates
``rows_duplicate``          lines of those messages, and readings that were removed as repeats
==========================  =====================================================================

And distributions, which keep count, sum, smallest and largest value:

==========================  =====================================================================
``message_age_ms``          how long ago the oldest message of each batch was published, when it was decoded
``window_lateness_ms``      how far the watermark was past the end of each window when it took late readings
==========================  =====================================================================

And sets of texts:

==========================  =====================================================================
``unread_examples``         values that could not be read, each behind its metric, the reason and a tab
==========================  =====================================================================

They are Beam's metrics, which belong to one run of a pipeline: runs in one process do not mix, and a runner reports
them whatever processes do the work. Outside of a step nothing is counted. A retried bundle may count twice, so steps
count after the work that can fail.
"""

import functools
from typing import Any, Final

from apache_beam.metrics import Metrics

NAMESPACE: Final = "telemetry"
MESSAGES: Final = "messages"
PAYLOAD_BYTES: Final = "payload_bytes"
ROWS_DECODED: Final = "rows_decoded"
CLOCK_AHEAD: Final = "clock_ahead"
FIELDS_IGNORED: Final = "fields_ignored"
ROWS_FITTED: Final = "rows_fitted"
VALUES_READ: Final = "values_read"
VALUES_UNREAD: Final = "values_unread"
UNREAD_EXAMPLES: Final = "unread_examples"
DEAD_LETTERS: Final = "dead_letters"
ANOMALIES: Final = "anomalies"
INCIDENTS: Final = "incidents"
INCIDENTS_CLOSED: Final = "incidents_closed"
LATE_FOR_RULES: Final = "late_for_rules"
RULES_REFUSED: Final = "rules_refused"
ROWS_AGGREGATED: Final = "rows_aggregated"
PANES: Final = "panes"
AGGREGATES: Final = "aggregates"
ROWS_ARCHIVED: Final = "rows_archived"
FILES_WRITTEN: Final = "files_written"
ROWS_WRITTEN: Final = "rows_written"
ROWS_INSERTED: Final = "rows_inserted"
ROWS_REFUSED: Final = "rows_refused"
ALERTS_PUBLISHED: Final = "alerts_published"
ALERTS_SENT: Final = "alerts_sent"
WEBHOOK_FAILURES: Final = "webhook_failures"
LETTERS_PUBLISHED: Final = "letters_published"
DUPLICATES: Final = "duplicates"
ROWS_DUPLICATE: Final = "rows_duplicate"
MESSAGE_AGE_MS: Final = "message_age_ms"
WINDOW_LATENESS_MS: Final = "window_lateness_ms"
_MOST_NAMED: Final = 200
_MOST_TOLD: Final = 50
_NAMED: Final[dict[str, set[str]]] = {}
_TOLD: Final[dict[str, set[str]]] = {}


def count(name: str, by: int = 1, kind: str = "") -> None:
    """Add to a counter; `kind` (a rule, a reason) makes it ``name/kind``."""
    full = f"{name}/{kind}" if kind else name
    _counter(full).inc(int(by))


@functools.cache
def _counter(full: str) -> Any:
    return Metrics.counter(NAMESPACE, full)


def count_named(name: str, by: int, kind: str) -> None:
    """Add to a counter whose kind comes from the data, as `count`; not if the process counts too many of them already.

    A bound for each process, because a runner keeps every counter: hostile data has any number of names.
    """
    if _is_among_first(_NAMED.setdefault(name, set()), kind, _MOST_NAMED):
        count(name, by, kind)


def tell(name: str, kind: str, text: str) -> None:
    """Add ``kind``, a tab and a text to a set of texts; not if the process has told too many of this kind already."""
    if _is_among_first(_TOLD.setdefault(f"{name}/{kind}", set()), text, _MOST_TOLD):
        _texts(name).add(f"{kind}\t{text}")


def _is_among_first(known: set[str], text: str, most: int) -> bool:
    if text not in known and len(known) < most:
        known.add(text)
    return text in known


@functools.cache
def _texts(name: str) -> Any:
    return Metrics.string_set(NAMESPACE, name)


def observe(name: str, value: int) -> None:
    """Add a value to a distribution."""
    _distribution(name).update(int(value))


@functools.cache
def _distribution(name: str) -> Any:
    return Metrics.distribution(NAMESPACE, name)
