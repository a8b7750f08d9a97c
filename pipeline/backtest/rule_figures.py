"""Describe the incidents of each rule in a few figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from pipeline.backtest.past_incidents import PastIncident
from telemetry.rules.rule_set import RuleSet

_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Figures of the incidents of one rule.

    Attributes:
        rule_id: the rule.
        severity: of the rule.
        incidents: how many.
        per_day: incidents per day of the readings' time; None if that has no length.
        median_us: median length, from the first breaching reading to the closing; of an open one to the last reading.
            Microseconds; None without an incident.
        open_share: share of the readings' time in which at least one incident was open, 0 to 1.
        still_open: incidents that are open at the last reading.
    """

    rule_id: str
    severity: str
    incidents: int
    per_day: float | None
    median_us: float | None
    open_share: float
    still_open: int


def figures_by_rule(
    rules: RuleSet, incidents: Sequence[PastIncident], first_us: int, last_us: int
) -> tuple[RuleFigures, ...]:
    """Return the figures of each rule in the order of the file, of those without an incident, too.

    Args:
        rules: the rules.
        incidents: all that they found.
        first_us: time of the first reading, microseconds UTC.
        last_us: time of the last reading, microseconds UTC.
    """
    span_us = last_us - first_us
    found: dict[str, list[PastIncident]] = {rule.id: [] for rule in rules.rules}
    for one in incidents:
        found[one.rule_id].append(one)
    return tuple(
        RuleFigures(
            rule_id=rule.id,
            severity=rule.severity,
            incidents=len(mine := found[rule.id]),
            per_day=len(mine) * _DAY_US / span_us if span_us else None,
            median_us=median(one.end_us(last_us) - one.opened_us for one in mine) if mine else None,
            open_share=_covered_us((one.opened_us, one.end_us(last_us)) for one in mine) / span_us if span_us else 0.0,
            still_open=sum(one.closed_us is None for one in mine),
        )
        for rule in rules.rules
    )


def _covered_us(spans: Iterable[tuple[int, int]]) -> int:
    """Return the time that at least one span covers."""
    covered_us, until_us = 0, -(2**62)
    for start_us, end_us in sorted(spans):
        covered_us += max(end_us - max(start_us, until_us), 0)
        until_us = max(until_us, end_us)
    return covered_us
