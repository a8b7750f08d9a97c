"""Say a transition of an incident in one sentence."""

from typing import Final

from telemetry.model.records import Incident
from telemetry.text.timestamps import format_time

_WORDS: Final = {"silence": "silent", "all": "all parts true", "any": "one part true", "not": "the part not true"}
"""Words for conditions whose names alone do not say enough."""


def sentence(transition: Incident) -> str:
    """Return a line like ``temp-high: temp of b8:27:eb above 30, worst 33.5, since 2020-07-12T00:00:00Z``."""
    device = transition.device or "the source"
    subject = f"{transition.metric} of {device}" if transition.metric else device
    bounds = " to ".join(filter(None, map(number, (transition.threshold, transition.threshold_upper))))
    said = [f"{transition.rule_id}: {subject}", _WORDS.get(transition.condition, transition.condition), bounds]
    worst = f", worst {number(transition.worst)}" if transition.worst is not None else ""
    return f"{' '.join(filter(None, said))}{worst}, {_span(transition)}"


def number(value: float | None) -> str:
    """Return a value with at most six digits, "" for none."""
    return "" if value is None else f"{value:.6g}"


def _span(transition: Incident) -> str:
    opened = _moment(transition.opened_at)
    if transition.closed_at is not None:
        reason = f" ({transition.reason})" if transition.reason not in (None, "clear") else ""
        return f"from {opened} to {_moment(transition.closed_at)}{reason}"
    marks = [word for word, marked in (("flapping", transition.flapping), ("no new data", transition.stale)) if marked]
    return f"since {opened}" + (f" ({', '.join(marks)})" if marks else "")


def _moment(microseconds: int) -> str:
    return f"{format_time(microseconds)[:19]}Z"
