"""Evaluate the rules on the readings of a test, as the job does."""

from typing import Any

import pyarrow as pa

from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.device_shard import join_transitions
from transforms.incidents.judge_slices import SliceJudge
from transforms.incidents.rule_tests.rule_test import FoundIncident, RuleTest
from transforms.incidents.time_slices import TimeSlice
from transforms.series.track import NONE_US


def evaluate(rules: RuleSet, test: RuleTest) -> list[FoundIncident]:
    """Return the incidents that the rules have opened when the test ends, in the order of their opening.

    Args:
        rules: those that the test is of.
        test: of whose readings those up to its end are judged.
    """
    rows = test.rows.select(test.rows.event_us <= test.until_us)
    start_us = int(rows.event_us.min()) if len(rows) else NONE_US
    judge = SliceJudge(RulesTimeline.always(rules), start_us)
    transitions = join_transitions([judge.judge(TimeSlice(rows, test.until_us + 1)), judge.finish()])
    incidents = [] if transitions is None else _incidents(transitions)
    return [one for one in incidents if not test.only or one.values["rule"] in test.only]


def _incidents(transitions: pa.RecordBatch) -> list[FoundIncident]:
    noticed: dict[str, int] = {}
    latest: dict[str, dict[str, Any]] = {}
    for record in _records(transitions):
        noticed.setdefault(record["incident_id"], record["event_time"])
        latest[record["incident_id"]] = record
    in_order = sorted(latest, key=noticed.__getitem__)
    return [_incident(latest[name], noticed[name]) for name in in_order]


def _records(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return records with times as integers, microseconds UTC."""
    columns = [column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    return [dict(zip(batch.schema.names, row, strict=True)) for row in rows]


def _incident(record: dict[str, Any], noticed_us: int) -> FoundIncident:
    """Return an incident with the fields that tests name."""
    renamed = {"rule": "rule_id", "opened": "opened_at", "closed": "closed_at"}
    names = ("rule", "device", "opened", "closed", "metric", "severity")
    rest = ("worst", "readings", "stale", "flapping", "reason")
    values = {name: record[renamed.get(name, name)] for name in (*names, *rest)}
    return FoundIncident(values | {"noticed": noticed_us})
