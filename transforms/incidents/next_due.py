"""Find the next time at which rules have something to judge though no reading comes."""

import numpy as np

from telemetry.rules.conditions import Condition, Silence, WindowStatistic
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import Unusual
from transforms.incidents.incident_state import IncidentState, RuleState
from transforms.incidents.judge_silence import limits_of
from transforms.series.track import NONE_US


def next_due_us(rules: RuleSet, state: IncidentState) -> int | None:
    """Return the earliest deadline of a silence, or end of a window, that is not judged yet; None if there is none.

    Microseconds UTC of event time. It is judged when the watermark is past it.
    """
    times = []
    for rule in rules.rules:
        remembered = state.rules[rule.id]
        if isinstance(rule.condition, Silence):
            times.append(_deadline_us(rule.condition, remembered, state))
        elif length_us := _window_us(rule.condition):
            begun = remembered.columns["window_us"][remembered.columns["count"] > 0]
            times.append(int(begun.min()) + length_us if len(begun) else None)
    known = [time_us for time_us in times if time_us is not None]
    return max(min(known), state.watermark_us) if known else None


def _window_us(condition: Condition) -> int:
    """Return the length of the windows that a condition judges; 0 if it judges none."""
    if isinstance(condition, Unusual):
        return condition.window_us
    return condition.length_us if isinstance(condition, WindowStatistic) else 0


def _deadline_us(condition: Silence, remembered: RuleState, state: IncidentState) -> int | None:
    """Return the earliest time at which a device that is not silent yet becomes so."""
    columns = remembered.columns
    seen_us, waiting = columns["seen_us"], ~columns["open"]
    due_us = seen_us + limits_of(condition, columns)
    start_us = max(state.start_us, remembered.since_us)
    never = (seen_us == NONE_US) & state.expected[remembered.members] & (start_us != NONE_US)
    due_us[never] = start_us + condition.grace_us
    known = due_us[waiting & ((seen_us != NONE_US) | never)]
    return int(np.maximum(known, remembered.since_us).min()) if len(known) else None
