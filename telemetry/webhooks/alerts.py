"""Make alerts of transitions, as Alertmanager has them: labels that identify, annotations that explain.

https://prometheus.io/docs/alerting/latest/clients/ and https://prometheus.io/docs/alerting/latest/configuration/.
"""

from typing import Final

from telemetry.model.incident_sentences import number, sentence
from telemetry.model.records import Incident
from telemetry.text.timestamps import format_time

AlertTexts = dict[str, str]
"""Labels or annotations by name."""
FAR_US: Final = 7_258_118_400_000_000
"""2200-01-01T00:00:00Z, the end of an alert that is not over.

Without an end Alertmanager resolves an alert after its `resolve_timeout` (five minutes), unless it is sent again and
again: a job that restarts would tell people that all is well. It keeps times as nanoseconds, which end in 2262.
"""
_MARGIN_US: Final = 60_000_000  # between our clock and that of Alertmanager


def is_over(transition: Incident) -> bool:
    """Return whether an incident is closed as of a transition."""
    return transition.state == "closed"


def labels_of(transition: Incident) -> AlertTexts:
    """Return the labels of an incident's alert: the same at each transition, because they are its identity."""
    labels = {
        "alertname": transition.rule_id,
        "severity": transition.severity,
        "device": transition.device,
        "metric": transition.metric,
        "incident_id": transition.incident_id,
    }
    return {name: text for name, text in labels.items() if text}


def annotations_of(transition: Incident) -> AlertTexts:
    """Return the texts that explain a transition."""
    annotations = {
        "summary": sentence(transition),
        "state": transition.state,
        "sequence": str(transition.sequence),
        "condition": transition.condition,
        "value": number(transition.value),
        "worst": number(transition.worst),
        "threshold": number(transition.threshold),
        "threshold_upper": number(transition.threshold_upper),
        "score": number(transition.score),
        "expected": number(transition.expected),
        "spread": number(transition.spread),
        "why": transition.why or "",
        "readings": str(transition.readings),
        "opened_at": format_time(transition.opened_at),
        "last_at": format_time(transition.last_at),
        "closed_at": "" if transition.closed_at is None else format_time(transition.closed_at),
        "reason": transition.reason or "",
        "first": "true" if transition.first else "false",
        "rules_version": transition.rules_version,
    }
    return {name: text for name, text in annotations.items() if text}


def span_of(transition: Incident, now_us: int) -> tuple[int, int]:
    """Return start and end of an alert in Alertmanager, microseconds UTC.

    Event time may be ahead of the clock (a replay that runs fast, a device's clock). Alertmanager would take an end in
    the future for an alert that fires, and, as it had heard of a later end before, keep that one: the alert would never
    be over. The end of a closed incident is therefore a minute ago at the latest.

    Args:
        transition: of the incident.
        now_us: the current time, microseconds UTC.
    """
    if transition.closed_at is None or not is_over(transition):
        return min(transition.opened_at, now_us), FAR_US
    end_us = min(transition.closed_at, now_us - _MARGIN_US)
    return min(transition.opened_at, end_us), end_us
