"""Readings and rules of tests of incidents."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.records import Incident
from telemetry.rules.conditions import Silence
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from telemetry.storage.result_store import FileStore
from tests.support.incident_oracle import Sample
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.roster_shard import RosterShard, roster_rows
from transforms.incidents.rows_bytes import ShardRows
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state
from transforms.incidents.watched_rows import WatchedRows

METRICS = ("temp", "humidity")
SECOND = 1_000_000
START = 1_600_002_000 * SECOND
"""Where the time of examples begins, microseconds UTC: a full hour."""


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def seconds(time_us: int | None) -> float | None:
    return None if time_us is None else (time_us - START) / SECOND


def temps(*values: float | tuple[float, float], device: str = "a", every: float = 10) -> list[Sample]:
    """Return readings of temp, one each `every` seconds; a pair is a time in seconds and a value."""
    pairs = [pair if isinstance(pair, tuple) else (number * every, pair) for number, pair in enumerate(values)]
    return [Sample(device, at(second), {"temp": value}) for second, value in pairs]


def rows_of(samples: Sequence[Sample]) -> WatchedRows:
    devices = tuple(dict.fromkeys(sample.device for sample in samples))
    return WatchedRows(
        METRICS,
        devices,
        np.array([devices.index(sample.device) for sample in samples], np.int32),
        np.array([sample.time for sample in samples], np.int64),
        np.array(
            [[sample.values.get(metric, math.nan) for sample in samples] for metric in METRICS], np.float64
        ).reshape(len(METRICS), len(samples)),
    )


def evaluate(
    rules: RuleSet, samples: Sequence[Sample], watermarks: Iterable[int], roster: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return the transitions of advancing to each watermark in turn, the state encoded in between."""
    state, none = with_rules(rules, expected=roster)
    assert none is None
    told = []
    before = -(2**62)
    for watermark in watermarks:
        now = [sample for sample in samples if before <= sample.time < watermark]
        state, batch = advance(rules, state, rows_of(now), watermark, DEFAULT_CATALOG)
        state = decode_incident_state(encode_incident_state(state))
        told += transitions(batch)
        before = max(before, watermark)
    return told


def is_apart(rules: RuleSet, one: dict[str, Any]) -> bool:
    """Return whether a transition is of the silence of a roster, which is told for all of its devices together."""
    silence = {rule.id for rule in rules.rules if isinstance(rule.condition, Silence)}
    roster = () if rules.roster is None else ("", *rules.roster.devices)
    return one["rule_id"] in silence and one["device"] in roster


def told_of_roster(rules: RuleSet, rows: WatchedRows, last_us: int) -> list[dict[str, Any]]:
    """Return the transitions of the silence of a roster at once, up to the last reading."""
    shard = RosterShard(RulesTimeline.always(rules))
    state, _ = shard.begin(None)
    start_us = int(rows.event_us.min())
    judged = shard.judge(state, [ShardRows(roster_rows(rows, rules), start_us)], last_us + 1)
    return transitions(judged.transitions) + transitions(shard.finish(judged.state)[1])


def step(
    rules: RuleSet, state: IncidentState, samples: Sequence[Sample], watermark: float
) -> tuple[IncidentState, list[dict[str, Any]]]:
    state, batch = advance(rules, state, rows_of(samples), at(watermark), DEFAULT_CATALOG)
    return state, transitions(batch)


def transitions(batch: pa.RecordBatch | None) -> list[dict[str, Any]]:
    """Return records with times as integer microseconds."""
    if batch is None:
        return []
    arrays = [column.view(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
    return [
        dict(zip(batch.schema.names, row, strict=True)) for row in zip(*(a.to_pylist() for a in arrays), strict=True)
    ]


def plain(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what the oracle says of transitions; values that are sums or quotients are rounded."""
    names = (
        "device", "rule_id", "state", "sequence", "event_time", "opened_at", "last_at", "closed_at", "reason", "value",
        "worst", "threshold", "threshold_upper", "readings", "stale", "flapping", "first",
    )  # fmt: skip
    return [
        {name: round(one[name], 9) if isinstance(one[name], float) else one[name] for name in names} for one in told
    ]


def stored_incidents(output: Path) -> list[dict[str, Any]]:
    """Return the transitions in the folder of a job without their job, as they are stored; see `transitions`."""
    columns = [name for name in Incident.__struct_fields__ if name != "job_id"]
    stored = FileStore(str(output)).read("incidents", columns)
    return [one for batch in stored.to_batches() for one in transitions(batch)]


def brief(told: Iterable[dict[str, Any]]) -> list[tuple[str, float | None]]:
    """Return state and time in seconds of each transition."""
    return [(one["state"], seconds(one["event_time"])) for one in told]
