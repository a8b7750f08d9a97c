"""Write the transitions of incidents as records."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from telemetry.arrays import IntArray
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import from_columns
from telemetry.model.records import Incident
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.incidents.incident_id import incident_id
from transforms.incidents.incident_state import Episode
from transforms.incidents.reasons import reason
from transforms.series.track import NONE_US

SILENCE: Final = "silence"
"""Name of the condition that no reading comes."""
FIRST_OUT_US: Final = 60_000_000
"""Of the openings of a device in this time, only the earliest is marked as the first."""


@dataclass(slots=True)
class Transition:
    """One transition; times are microseconds UTC.

    Attributes:
        event_us: when it happened.
        device: index of the device.
        rule: position of the rule in its file.
        episode: the incident, as it is after all transitions of the call.
        state: opened, updated or closed.
        sequence: number within the incident, from 1.
        breached_us: latest breaching reading.
        reason: why it closed; None otherwise.
        value: what was judged; None without a value.
        worst: worst value so far; None without a bound.
        threshold: bounds of the rule for the device.
        readings: breaching readings so far.
        stale: whether the device was silent.
        flapping: whether the incident flaps.
        first: whether it opened first; known once all transitions of the call are.
        score: how unusual `value` is; None for a condition that does not learn.
        expected: the usual value, likewise.
        spread: the standard deviation of usual values, likewise.
        breaches: whether `value` breaches.
    """

    event_us: int
    device: int
    rule: int
    episode: Episode
    state: Literal["opened", "updated", "closed"]
    sequence: int
    breached_us: int
    reason: str | None
    value: float | None
    worst: float | None
    threshold: tuple[float | None, float | None]
    readings: int
    stale: bool
    flapping: bool
    first: bool = False
    score: float | None = None
    expected: float | None = None
    spread: float | None = None
    breaches: bool = False


def condition_name(rule: Rule) -> str:
    """Return what a rule looks for, in one to three words."""
    condition = rule.condition
    match condition:
        case Rate():
            return f"rate {rule.comparison}"
        case Stuck():
            return "stuck"
        case Silence():
            return SILENCE
        case WindowStatistic(quantile=None):
            return f"{condition.statistic} {rule.comparison}"
        case WindowStatistic(quantile=0.5):
            return f"median {rule.comparison}"
        case WindowStatistic():
            return f"p{100 * (condition.quantile or 0):g} {rule.comparison}"
        case Combination():
            return condition.how
        case Unusual():
            return condition.kind
        case LearnedStuck():
            return "stuck"
    return rule.comparison


def put_in_order(transitions: list[Transition], names: tuple[str, ...], first_us: IntArray) -> list[Transition]:
    """Return transitions by time, device, rule and sequence, and mark which incidents opened first.

    Args:
        transitions: all those of some time.
        names: name of each device.
        first_us: (D,) time of each device's latest opening that was marked, microseconds UTC; it is changed.
    """
    ordered = sorted(transitions, key=lambda one: (one.event_us, names[one.device], one.rule, one.sequence))
    for one in ordered:
        if one.state == "opened":
            since_us = int(first_us[one.device])
            one.episode.first = since_us == NONE_US or one.event_us - since_us > FIRST_OUT_US
            if one.episode.first:
                first_us[one.device] = one.event_us
        one.first = one.episode.first
    return ordered


@dataclass(frozen=True, slots=True)
class RuleLabel:
    """Fields of a transition that its rule decides."""

    rule_id: str
    severity: str
    condition: str
    metric: str
    learned: Unusual | LearnedStuck | None = None


def label_of(rule: Rule) -> RuleLabel:
    """Return what each transition says of a rule."""
    learned = rule.condition if isinstance(rule.condition, Unusual | LearnedStuck) else None
    return RuleLabel(rule.id, rule.severity, condition_name(rule), rule.metric, learned)


def to_records(
    transitions: Iterable[Transition],
    names: tuple[str, ...],
    labels: list[RuleLabel],
    rules_version: str,
    catalog: MetricCatalog = NOT_DESCRIBED,
) -> pa.RecordBatch | None:
    """Return transitions as `Incident` records, without a job; None if there are none.

    Args:
        transitions: in order.
        names: name of each device.
        labels: of each rule.
        rules_version: hash of the rules that are in force.
        catalog: units of the metrics, for the sentences of rules that learn.
    """
    rows = list(transitions)
    if not rows:
        return None
    said = [labels[one.rule] for one in rows]
    columns: dict[str, Any] = {
        "incident_id": [
            incident_id(label.rule_id, names[one.device], label.metric, one.episode.opened_us)
            for one, label in zip(rows, said, strict=True)
        ],
        "sequence": [one.sequence for one in rows],
        "state": [one.state for one in rows],
        "rule_id": [label.rule_id for label in said],
        "severity": [label.severity for label in said],
        "condition": [label.condition for label in said],
        "device": [names[one.device] for one in rows],
        "metric": [label.metric for label in said],
        "event_time": np.array([one.event_us for one in rows], np.int64),
        "opened_at": np.array([one.episode.opened_us for one in rows], np.int64),
        "last_at": np.array([one.breached_us for one in rows], np.int64),
        "closed_at": [one.event_us if one.state == "closed" else None for one in rows],
        "reason": [one.reason for one in rows],
        "value": [one.value for one in rows],
        "worst": [one.worst for one in rows],
        "threshold": [one.threshold[0] for one in rows],
        "threshold_upper": [one.threshold[1] for one in rows],
        "score": [one.score for one in rows],
        "expected": [one.expected for one in rows],
        "spread": [one.spread for one in rows],
        "why": [
            None
            if label.learned is None or not one.breaches
            else reason(label.learned, label.metric, one.value, one.score, one.expected, one.spread, catalog)
            for one, label in zip(rows, said, strict=True)
        ],
        "readings": [one.readings for one in rows],
        "first": [one.first for one in rows],
        "stale": [one.stale for one in rows],
        "flapping": [one.flapping for one in rows],
        "rules_version": [rules_version] * len(rows),
        "job_id": [""] * len(rows),
    }
    return from_columns(Incident, columns)
