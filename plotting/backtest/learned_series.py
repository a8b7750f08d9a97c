"""Trace what rules that learn made of all readings of a backtest: those whose incidents a picture shows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pipeline.backtest.run_backtest import BacktestReport
from pipeline.backtest.time_order import TimeOrder
from plotting.data.downsample import MetricValues, TimesUs, Windows, thin_points
from plotting.data.learned import LearnedBand
from plotting.data.panels import IncidentSpan, Panel, Points
from plotting.draw.draw_panels import COLUMNS
from telemetry.rules.rule import Rule
from telemetry.rules.timeline import RulesTimeline
from telemetry.rules.unusual import Unusual
from transforms.incidents.learned_trace import LearnedTrace, LearnedTracer

MOST_SERIES: Final = 4
"""Most series of one picture; of more, those with the most incidents are shown."""
_EXPECT: Final = ("jump", "level", "drift")
"""Kinds that expect a value of each reading."""
_ROWS: Final = 200
_NO_TIMES: Final = np.empty(0, np.int64)
_NO_VALUES: Final = np.empty(0, np.float64)
_NO_WINDOWS: Final = Windows(_NO_TIMES, _NO_TIMES, _NO_TIMES, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES)


@dataclass(frozen=True, slots=True)
class TracedSeries:
    """Readings of a device as one rule judged them.

    Attributes:
        rule: the rule.
        panel: usual and unusual readings, incidents, and the band over all of the time.
    """

    rule: Rule
    panel: Panel


def traced_series(order: TimeOrder, timeline: RulesTimeline, report: BacktestReport) -> list[TracedSeries]:
    """Return the series that are worth a picture, by rule in the order of the file, then device.

    The readings of their devices are judged a second time, in slices, and reduced to what a picture can show. Rules
    that changed during the readings are not traced.

    Args:
        order: all readings.
        timeline: the rules.
        report: what they found.
    """
    if len(timeline.changes) != 1:
        return []
    rules = timeline.changes[0].rules
    wanted = _most_incidents(rules.rules, report)
    if not wanted:
        return []
    span = (report.first_us, report.last_us)
    found = {key: _Reduced(span) for key in wanted}
    tracer = LearnedTracer(rules, wanted)
    for part in order.slices():
        for trace in tracer.trace(part):
            found[trace.rule.id, trace.device].add(trace)
    by_id = {rule.id: rule for rule in rules.rules}
    return [TracedSeries(by_id[key[0]], found[key].panel(key[1], _spans(report, key))) for key in wanted]


def _most_incidents(rules: Sequence[Rule], report: BacktestReport) -> list[tuple[str, str]]:
    places = {
        rule.id: place
        for place, rule in enumerate(rules)
        if isinstance(rule.condition, Unusual) and rule.condition.kind in _EXPECT
    }
    number = Counter((one.rule_id, one.device) for one in report.judged.incidents if one.rule_id in places)
    ranked = sorted(number, key=lambda key: (-number[key], places[key[0]], key[1]))[:MOST_SERIES]
    return sorted(ranked, key=lambda key: (places[key[0]], key[1]))


def _spans(report: BacktestReport, key: tuple[str, str]) -> tuple[IncidentSpan, ...]:
    mine = (one for one in report.judged.incidents if (one.rule_id, one.device) == key)
    return tuple(IncidentSpan(one.opened_us, one.closed_us, one.severity) for one in mine)


@dataclass(slots=True)
class _Reduced:
    """The readings of a series so far, as few as a picture needs."""

    span: tuple[int, int]
    usual: list[Points] = field(default_factory=list)
    unusual: list[Points] = field(default_factory=list)
    times: list[TimesUs] = field(default_factory=list)
    expected: list[MetricValues] = field(default_factory=list)
    spread: list[MetricValues] = field(default_factory=list)

    def add(self, trace: LearnedTrace) -> None:
        condition = trace.rule.condition
        assert isinstance(condition, Unusual), "only such rules are traced"
        with np.errstate(invalid="ignore"):
            told = trace.score > condition.sensitivity
        for points, chosen, rows in ((self.usual, ~told, _ROWS), (self.unusual, told, 0)):
            times, values = trace.time_us[chosen], trace.value[chosen]
            kept = thin_points(times, values, self.span, COLUMNS, rows)
            points.append(Points(times[kept], values[kept]))
        column = (trace.time_us - self.span[0]) * COLUMNS // max(self.span[1] - self.span[0], 1)
        first = np.flatnonzero(np.diff(column, prepend=-1))
        self.times.append(trace.time_us[first])
        self.expected.append(trace.expected[first])
        self.spread.append(trace.spread[first])

    def panel(self, device: str, incidents: tuple[IncidentSpan, ...]) -> Panel:
        times = np.append(np.concatenate(self.times), self.span[1])
        band = LearnedBand(times, np.concatenate(self.expected), np.concatenate(self.spread))
        return Panel(device, _joined(self.usual), _NO_WINDOWS, _joined(self.unusual), (), incidents, (band,))


def _joined(parts: Sequence[Points]) -> Points:
    return Points(np.concatenate([one.times for one in parts]), np.concatenate([one.values for one in parts]))
