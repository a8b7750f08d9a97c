"""Declare each kind of record that a job stores, once: files, tables, ledger checks and readers derive from it.

To add a kind, add one entry to `KINDS`.
"""

from typing import Final

from telemetry.model import ledger_items
from telemetry.model.dead_letters import drop_payload
from telemetry.model.merge_panes import WINDOW
from telemetry.model.output_kind import OutputKind, TableView
from telemetry.model.records import Anomaly, DeadLetter, Incident, LedgerEntry, Reading, RulesVersion, WindowAggregate

_MINUTE_US: Final = 60_000_000

KINDS: Final = {
    kind.name: kind
    for kind in (
        OutputKind(
            name="anomalies",
            description="One reading that breached one rule.",
            record=Anomaly,
            time_columns=("event_time",),
            identity=("anomaly_id", "message_id", "job_id"),
            cluster=("device", "rule_id"),
            ledger_item=ledger_items.ANOMALIES,
            ledger_detail="rule_id",
            label="anomalies",
            views=(
                TableView(
                    "distinct_anomalies",
                    "each anomaly once, however often its reading was delivered",
                    ("anomaly_id",),
                    "message_id",
                ),
            ),
        ),
        OutputKind(
            name="incidents",
            description="One transition of an incident: opened, updated or closed.",
            record=Incident,
            time_columns=("event_time",),
            identity=("incident_id", "sequence", "job_id"),
            cluster=("device", "rule_id"),
            table="incident_transitions",
            ledger_item=ledger_items.INCIDENTS,
            ledger_detail="rule_id",
            label="transitions of incidents",
            views=(
                TableView(
                    "incidents",
                    "each incident once, as of its latest transition",
                    ("incident_id",),
                    "sequence DESC, job_id",
                ),
                TableView(
                    "open_incidents",
                    "the incidents that are open",
                    ("incident_id",),
                    "sequence DESC, job_id",
                    condition="state != 'closed'",
                ),
            ),
        ),
        OutputKind(
            name="rules",
            description="Rules that came into force, with the event time from which they judge.",
            record=RulesVersion,
            time_columns=("since",),
            identity=("sequence", "version", "job_id"),
            cluster=("version",),
            rare=True,
            ledger_item=ledger_items.RULES,
            ledger_detail="version",
            label="versions of rules",
        ),
        OutputKind(
            name="aggregates",
            description="One metric of one device over one window, as of one pane.",
            record=WindowAggregate,
            time_columns=("window_start",),
            identity=("device", "metric", "window_start", "window_end", "job_id", "pane_index"),
            cluster=("device", "metric"),
            version="pane_index",
            whole_files=True,
            views=(
                TableView(
                    "latest_aggregates",
                    "each window once: the last pane of each job, which holds all of its readings, merged",
                    WINDOW,
                    "pane_index DESC",
                    merged=True,
                ),
            ),
        ),
        OutputKind(
            name="dead_letters",
            description="Something that was received and could not be used, kept whole.",
            record=DeadLetter,
            time_columns=("publish_time", "event_time"),  # the event time often cannot be read
            identity=("message_id", "line", "reason", "stage", "payload", "job_id"),
            cluster=("reason", "stage"),
            rejectable=False,  # a dead letter has no dead letter
            shorten=drop_payload,
            ledger_item=ledger_items.DEAD_LETTERS,
            ledger_detail="reason",
            label="dead letters",
        ),
        OutputKind(
            name="ledger",
            description="What one step of the job did with some rows, so that nothing can be lost without a trace.",
            record=LedgerEntry,
            time_columns=("day",),
            identity=("entry_id", "job_id"),
            cluster=("run_id", "item"),
            partitioned=False,  # BigQuery streams old rows into no partition
            rejectable=False,  # a ledger with a gap proves nothing
            gather_us=_MINUTE_US,
        ),
        OutputKind(
            name="readings",
            description="One reading as the archive keeps it; a column for each metric follows, in its unit, "
            "null where missing.",
            record=Reading,
            time_columns=("event_time",),
            identity=("device", "source_time", "message_id", "line", "job_id"),
            cluster=("device",),
            metric_columns=True,
            optional=True,
            gather_us=_MINUTE_US,
            file_format="parquet",
            ledger_item=ledger_items.ROWS_ARCHIVED,
            label="archived readings",
        ),
    )
}
"""Every kind of record by its name."""


def kinds_of(*, archive: bool) -> list[OutputKind]:
    """Return the kinds that a job stores, the optional ones only with `archive`."""
    return [kind for kind in KINDS.values() if archive or not kind.optional]
