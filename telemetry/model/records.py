"""Define the fields of each record that the job writes.

Every other schema (JSON lines, Arrow and Parquet, BigQuery) is derived from these classes; see
`telemetry.model.record_batches` and `telemetry.model.kinds`. Times are integer microseconds since the Unix epoch, UTC.
In JSON they are RFC 3339 text with six decimals.

A field with a default was added after the first release: older files and tables lack it, and readers fill it in.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

TIMESTAMP: Final = "timestamp"  # marker in `extra`: the column is a timestamp in the derived schemas

UtcMicros = Annotated[int, Meta(extra={"logical": TIMESTAMP})]
JobId = Annotated[str, Meta(description="job that wrote the record; empty for one from before version 0.3")]


class Anomaly(msgspec.Struct, frozen=True):
    """One reading that breached one rule."""

    anomaly_id: Annotated[str, Meta(description="deterministic: the same reading and rule give the same id on any run")]
    rule_id: Annotated[str, Meta(description="id of the rule in the rules file")]
    severity: Annotated[str, Meta(description="info, warning or critical")]
    device: Annotated[str, Meta(description="device that sent the reading")]
    metric: Annotated[str, Meta(description="metric the rule looks at")]
    value: Annotated[float, Meta(description="measured value, in the metric's unit")]
    threshold: Annotated[
        float, Meta(description="bound of the rule, its lower bound for a range, in the metric's unit")
    ]
    threshold_upper: Annotated[
        float | None, Meta(description="upper bound of a range, in the metric's unit; else null")
    ]
    comparison: Annotated[str, Meta(description="above, below, outside or inside")]
    event_time: Annotated[UtcMicros, Meta(description="when the reading was taken, UTC, shifted with a rebased replay")]
    source_time: Annotated[UtcMicros, Meta(description="the reading's own ts, UTC, never shifted")]
    message_id: Annotated[str, Meta(description="Pub/Sub message id, or file path and byte offset")]
    rules_version: Annotated[str, Meta(description="hash of the rules that were in force")]
    job_id: JobId = ""


class Incident(msgspec.Struct, frozen=True):
    """One transition of one incident: it opened, it goes on, or it closed."""

    incident_id: Annotated[str, Meta(description="deterministic: the same rule, device and opening give the same id")]
    sequence: Annotated[int, Meta(description="number of the transition within its incident, from 1")]
    state: Annotated[str, Meta(description="opened, updated or closed")]
    rule_id: Annotated[str, Meta(description="id of the rule in the rules file")]
    severity: Annotated[str, Meta(description="info, warning or critical")]
    condition: Annotated[str, Meta(description="what the rule looks for, such as above, rate above, stuck or silence")]
    device: Annotated[str, Meta(description="the device; empty where the whole source is silent")]
    metric: Annotated[str, Meta(description="metric the rule looks at; empty for the device as a whole")]
    event_time: Annotated[UtcMicros, Meta(description="when the transition happened, UTC event time")]
    opened_at: Annotated[
        UtcMicros, Meta(description="first breaching reading, UTC; for silence the last reading before it")
    ]
    last_at: Annotated[UtcMicros, Meta(description="latest breaching reading, UTC; for silence the last reading")]
    closed_at: Annotated[UtcMicros | None, Meta(description="when the incident closed, UTC; null while it is open")]
    reason: Annotated[str | None, Meta(description="why it closed: clear, rule-changed or shelved; null while open")]
    value: Annotated[float | None, Meta(description="what was judged at this time, in its unit; null without a value")]
    worst: Annotated[float | None, Meta(description="value furthest beyond the bound so far; null without a bound")]
    threshold: Annotated[float | None, Meta(description="bound of the rule, its lower bound for a range; else null")]
    threshold_upper: Annotated[float | None, Meta(description="upper bound of a range; else null")]
    score: Annotated[float | None, Meta(description="how unusual the value is, of a rule that learns; else null")]
    expected: Annotated[float | None, Meta(description="usual value, as far as the rule learned one; else null")]
    spread: Annotated[float | None, Meta(description="standard deviation of usual values, likewise; else null")]
    why: Annotated[str | None, Meta(description="sentence with numbers, of a rule that learns; else null")]
    readings: Annotated[
        int,
        Meta(
            description="breaching readings, or windows, so far; 0 for a silent device, the silent devices for a source"
        ),
    ]
    first: Annotated[bool, Meta(description="whether it was the first of its device to open within a minute")]
    stale: Annotated[bool, Meta(description="whether the device, or the metric, was silent at this time")]
    flapping: Annotated[bool, Meta(description="whether it stays open, without updates, until the series is calm")]
    rules_version: Annotated[str, Meta(description="hash of the rules that were in force")]
    job_id: JobId = ""


class RulesVersion(msgspec.Struct, frozen=True):
    """Rules that came into force."""

    version: Annotated[str, Meta(description="hash of the rules, which their anomalies and incidents name")]
    since: Annotated[
        UtcMicros | None, Meta(description="event time from which they judge, UTC; null from the beginning")
    ]
    sequence: Annotated[int, Meta(description="number of the change within its job, from 1")]
    rules: Annotated[str, Meta(description="the rules as JSON, with all that their file and the files it names say")]
    job_id: JobId = ""


class WindowAggregate(msgspec.Struct, frozen=True):
    """One metric of one device over one window, as of one pane."""

    device: Annotated[str, Meta(description="device that sent the readings")]
    metric: Annotated[str, Meta(description="metric that is aggregated")]
    window_start: Annotated[UtcMicros, Meta(description="start of the window, inclusive, UTC event time")]
    window_end: Annotated[UtcMicros, Meta(description="end of the window, exclusive, UTC event time")]
    count: Annotated[int, Meta(description="readings that carry the metric")]
    mean: Annotated[float, Meta(description="arithmetic mean, in the metric's unit")]
    stddev: Annotated[float, Meta(description="population standard deviation, in the metric's unit")]
    min: Annotated[float, Meta(description="smallest value, in the metric's unit")]
    max: Annotated[float, Meta(description="largest value, in the metric's unit")]
    first: Annotated[float, Meta(description="value at the earliest event time; the smaller one on a tie")]
    last: Annotated[float, Meta(description="value at the latest event time; the larger one on a tie")]
    anomaly_count: Annotated[int, Meta(description="breaches of rules on this metric")]
    timing: Annotated[str, Meta(description="early, on_time or late, of the pane")]
    pane_index: Annotated[int, Meta(description="panes accumulate: a job's highest index of a window is its truth")]
    job_id: JobId = ""
    first_time: Annotated[UtcMicros | None, Meta(description="event time of `first`, UTC; null before version 0.3")] = (
        None
    )
    last_time: Annotated[UtcMicros | None, Meta(description="event time of `last`, UTC; null before version 0.3")] = (
        None
    )


class DeadLetter(msgspec.Struct, frozen=True):
    """Input that could not be used, kept whole."""

    reason: Annotated[str, Meta(description="one of the closed set of reason codes")]
    error: Annotated[str, Meta(description="what is wrong, for a person")]
    stage: Annotated[str, Meta(description="step that gave it up: decode, aggregate, bigquery or alerts")]
    payload: Annotated[str, Meta(description="base64 of the rejected bytes: one line, or the whole message")]
    line: Annotated[int | None, Meta(description="line of the message, from 1; null if the whole message was rejected")]
    attributes: Annotated[
        str, Meta(description="JSON object: the attributes with which the payload is a valid message")
    ]
    message_id: Annotated[str, Meta(description="Pub/Sub message id, or file path and byte offset")]
    publish_time: Annotated[UtcMicros | None, Meta(description="when Pub/Sub received it, UTC; null for files")]
    event_time: Annotated[UtcMicros | None, Meta(description="event time where it is known, UTC")]
    job_id: JobId = ""


class LedgerEntry(msgspec.Struct, frozen=True):
    """Number of rows or records that one step of the job counted; the sums show whether any were lost.

    ============================  ===================================================================
    item                          count, and the meaning of `detail`
    ============================  ===================================================================
    ``rows_decoded``              readings of the run
    ``rows_rejected``             rows that are not readings, by reason
    ``rows_duplicate``            rows of messages, and readings, that were received before
    ``rows_archived``             readings that are kept as records, by hour
    ``values``                    (reading, window) pairs in which the metric has a value, by metric and hour
    ``values_missed``             of them, those whose window had closed before
    ``anomalies``                 anomalies by rule and hour; those of the same reading and message count once
    ``incidents``                 transitions of incidents by rule and hour; one that is repeated counts once
    ``rules``                     versions of rules that came into force
    ``dead_letters``              dead letters by reason and hour
    ============================  ===================================================================
    """

    entry_id: Annotated[str, Meta(description="deterministic: an entry that is stored twice counts once")]
    run_id: Annotated[str, Meta(description="the replay that published the rows; empty where it is not known")]
    item: Annotated[str, Meta(description="what is counted: rows_decoded, rows_rejected, values, …")]
    detail: Annotated[str, Meta(description="reason, metric or rule, where the item has one; else empty")]
    count: Annotated[int, Meta(description="how many")]
    day: Annotated[UtcMicros | None, Meta(description="day, UTC, of the earliest of them; null if unknown")]
    job_id: JobId = ""
    hour_start: Annotated[
        UtcMicros | None,
        Meta(description="start of the hour of the windows or records that are counted, UTC; null if there is none"),
    ] = None
    total: Annotated[float | None, Meta(description="sum of their values, of values and anomalies")] = None
    weighted: Annotated[
        float | None, Meta(description="sum of their values, each by a weight of its device and window")
    ] = None
    low: Annotated[float | None, Meta(description="smallest of their values")] = None
    high: Annotated[float | None, Meta(description="largest of their values")] = None
    checksum: Annotated[
        int | None, Meta(description="sum of a hash of each: of device and window of values, else of the record")
    ] = None


class Reading(msgspec.Struct, frozen=True):
    """One archived reading; a column for each metric follows, in its unit, null where missing."""

    device: Annotated[str, Meta(description="device that sent the reading")]
    event_time: Annotated[UtcMicros, Meta(description="when the reading was taken, UTC, shifted with a rebased replay")]
    source_time: Annotated[UtcMicros, Meta(description="the reading's own ts, UTC, never shifted")]
    message_id: Annotated[str, Meta(description="Pub/Sub message id, or file path and byte offset")]
    line: Annotated[int, Meta(description="line of the message, from 1; 0 where the reading is all of it")]
    job_id: JobId = ""
