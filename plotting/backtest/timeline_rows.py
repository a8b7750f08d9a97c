"""Arrange the incidents of a backtest in rows: one for each rule and device."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.run_backtest import BacktestReport, JudgedRules

MOST_ROWS: Final = 60
BarSpan = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Incidents of one rule and device. Times are microseconds UTC.

    Attributes:
        rule_id: the rule; "" for a device with a fault that no rule has found.
        device: the device; "" for the whole source.
        severity: of the rule.
        incidents: start and end of each.
        against: start and end of each incident of the rules that are compared.
        faults: start and end of each labelled fault of the device.
    """

    rule_id: str
    device: str
    severity: str
    incidents: tuple[BarSpan, ...]
    against: tuple[BarSpan, ...]
    faults: tuple[BarSpan, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows of a picture.

    Attributes:
        rows: from top to bottom, by rule in the order of the file, then device.
        left_out: number of rows beyond `MOST_ROWS`.
    """

    rows: tuple[TimelineRow, ...]
    left_out: int


def timeline_of(report: BacktestReport) -> Timeline:
    """Return the rows of a report."""
    order: dict[str, str] = {}
    for judged in _judged(report):
        for rule in judged.rules.rules:
            order.setdefault(rule.id, rule.severity)
    ours = _spans(report.judged.incidents, report.last_us)
    theirs = _spans(report.against.incidents if report.against is not None else (), report.last_us)
    faults: dict[str, list[BarSpan]] = defaultdict(list)
    for fault in report.labels.faults if report.labels is not None else ():
        faults[fault.device].append((fault.start_us, min(fault.end_us, report.last_us)))
    numbers = {name: number for number, name in enumerate(order)}
    keys = sorted({*ours, *theirs}, key=lambda key: (numbers[key[0]], key[1]))
    keys += [("", device) for device in sorted(faults.keys() - {device for _, device in keys})]
    rows = [
        TimelineRow(
            rule_id,
            device,
            order.get(rule_id, ""),
            tuple(ours.get((rule_id, device), ())),
            tuple(theirs.get((rule_id, device), ())),
            tuple(faults.get(device, ())),
        )
        for rule_id, device in keys[:MOST_ROWS]
    ]
    return Timeline(tuple(rows), max(len(keys) - MOST_ROWS, 0))


def _judged(report: BacktestReport) -> list[JudgedRules]:
    return [judged for judged in (report.judged, report.against) if judged is not None]


def _spans(incidents: Iterable[PastIncident], last_us: int) -> dict[tuple[str, str], list[BarSpan]]:
    found: dict[tuple[str, str], list[BarSpan]] = defaultdict(list)
    for one in incidents:
        found[one.rule_id, one.device].append((one.opened_us, one.end_us(last_us)))
    return found
