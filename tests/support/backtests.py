"""Rules, incidents and reports of tests of backtests."""

from collections.abc import Sequence

from pipeline.backtest.labels import LabelledEpisode, Labels
from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.run_backtest import BacktestReport, run_backtest
from pipeline.backtest.time_order import TimeOrder
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesTimeline
from tests.support.incident_oracle import Sample
from tests.support.incidents import METRICS, at, rows_of

ALL_CONDITIONS = """
version: 2
roster: [a, b, never-seen]
incidents: {reopen: 20s, update_every: 1m}
rules:
- {id: hot, metric: temp, above: 30, clear: 29, for: 10s, keep: 30s, severity: critical}
- {id: rising, metric: temp, rate: {above: 2, per: 1m, over: 30s}, keep: 20s}
- {id: stuck, metric: temp, stuck: {for: 30s}, max_gap: 1m}
- {id: silent, silence: {for: 40s, grace: 1m}, severity: critical}
- {id: irregular, silence: {intervals: 3}}
- {id: mean, metric: temp, window: {statistic: mean, length: 1m}, above: 29.5}
- {id: both, all: [{metric: temp, above: 29}, {metric: humidity, below: 29.5}], within: 30s}
"""
"""A rule of each condition."""
HOT = "{version: 2, rules: [{id: hot, metric: temp, above: 30}]}"


def incident(
    start: float,
    end: float | None,
    *,
    rule: str = "hot",
    device: str = "a",
    told: Sequence[float] | None = None,
    severity: str = "warning",
) -> PastIncident:
    """An incident from a second to another; None while it is open."""
    return PastIncident(
        incident_id=f"{rule}-{device}-{start}",
        rule_id=rule,
        severity=severity,
        device=device,
        metric="temp",
        opened_us=at(start),
        told_us=tuple(map(at, [start] if told is None else told)),
        closed_us=None if end is None else at(end),
        worst=31.5,
        readings=3,
    )


def fault(start: float, end: float, *, kind: str = "spike", device: str = "a") -> LabelledEpisode:
    return LabelledEpisode(device, kind, at(start), at(end))


def report_of(
    samples: Sequence[Sample],
    rules: str = HOT,
    against: str = "",
    faults: Sequence[LabelledEpisode] | None = None,
) -> BacktestReport:
    """The report of a backtest of readings."""
    named = [("rules.yaml", RulesTimeline.always(parse_rules(rules)))]
    named += [("other.yaml", RulesTimeline.always(parse_rules(against)))] if against else []
    with TimeOrder(METRICS) as order:
        order.add(rows_of(samples))
        return run_backtest(
            order, named, sources=["t.csv"], rejected={}, labels=None if faults is None else Labels(tuple(faults))
        )
