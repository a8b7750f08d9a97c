"""Judge stored readings with one or two sets of rules, and collect what is to be said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.backtest.difference import IncidentDifference, compare_incidents
from pipeline.backtest.labels import Labels
from pipeline.backtest.past_incidents import IncidentCollector, PastIncident
from pipeline.backtest.rule_figures import RuleFigures, figures_by_rule
from pipeline.backtest.score import LabelScore, score_incidents
from pipeline.backtest.time_order import TimeOrder
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.judge_slices import SliceJudge
from transforms.incidents.time_slices import SLICE_ROWS


@dataclass(frozen=True, slots=True)
class JudgedRules:
    """A set of rules, and what it found.

    Attributes:
        name: of its file.
        rules: every rule that was in force at any time.
        incidents: by opening.
        figures: of each rule.
        score: None without labels.
    """

    name: str
    rules: RuleSet
    incidents: tuple[PastIncident, ...]
    figures: tuple[RuleFigures, ...]
    score: LabelScore | None


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """All that a backtest found. Times are microseconds UTC.

    Attributes:
        sources: what was read.
        readings: how many were judged.
        devices: how many sent them.
        rejected: rows that could not be used, by reason.
        first_us: time of the first reading.
        last_us: time of the last reading.
        judged: the rules.
        against: the rules that are compared with them; None for none.
        difference: what these add and drop; None for none.
        labels: faults and benign events that begin in the time of the readings; None without labels.
        faults_outside: labelled faults that do not.
    """

    sources: tuple[str, ...]
    readings: int
    devices: int
    rejected: Mapping[str, int]
    first_us: int
    last_us: int
    judged: JudgedRules
    against: JudgedRules | None
    difference: IncidentDifference | None
    labels: Labels | None
    faults_outside: int


def run_backtest(
    order: TimeOrder,
    named_rules: Sequence[tuple[str, RulesTimeline]],
    *,
    sources: Sequence[str],
    rejected: Mapping[str, int],
    labels: Labels | None = None,
    catalog: MetricCatalog = NOT_DESCRIBED,
    slice_rows: int = SLICE_ROWS,
) -> BacktestReport:
    """Judge readings and return the report.

    Args:
        order: all readings, at least one.
        named_rules: name and rules; a second pair is compared with the first.
        sources: what was read.
        rejected: rows that could not be used, by reason.
        labels: known faults and benign events; None to score nothing.
        catalog: units of the metrics, for sentences.
        slice_rows: about how many readings are judged at a time. It makes no difference to the report.
    """
    judges = [(SliceJudge(rules, order.first_us, catalog=catalog), IncidentCollector()) for _, rules in named_rules]
    for part in order.slices(slice_rows):
        for judge, collector in judges:
            collector.add(judge.judge(part))
    for judge, collector in judges:
        collector.add(judge.finish())
    first_us, last_us = order.first_us, order.last_us
    within = None
    if labels is not None:
        within = Labels(*(tuple(one for one in some if first_us <= one.start_us <= last_us)
                          for some in (labels.faults, labels.benign)))  # fmt: skip
    judged = []
    for (name, timeline), (_, collector) in zip(named_rules, judges, strict=True):
        rules = timeline.overall
        incidents = tuple(collector.incidents())
        figures = figures_by_rule(rules, incidents, first_us, last_us)
        score = None if within is None else score_incidents([rule.id for rule in rules.rules], incidents, within)
        judged.append(JudgedRules(name, rules, incidents, figures, score))
    against = judged[1] if len(judged) > 1 else None
    return BacktestReport(
        sources=tuple(sources),
        readings=order.readings,
        devices=len(order.devices),
        rejected=dict(rejected),
        first_us=first_us,
        last_us=last_us,
        judged=judged[0],
        against=against,
        difference=None if against is None else compare_incidents(judged[0].incidents, against.incidents, last_us),
        labels=within,
        faults_outside=0 if within is None or labels is None else len(labels.faults) - len(within.faults),
    )
