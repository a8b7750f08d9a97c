"""Score incidents by the dropouts and excursions that they find, and by how many come elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.score.founding.excursions import ExcursionSpan, TemperatureSeries
from pipeline.backtest.past_incidents import PastIncident


@dataclass(frozen=True, slots=True)
class FoundingScore:
    """Incidents of a rule on a metric.

    Attributes:
        rule_id: the rule; "" for all rules.
        metric: the metric; "" for the device as a whole.
        incidents: how many there are.
        dropouts: readings that are dropouts during an incident of their device.
        excursion_rows: readings that are part of an excursion, during an incident of their device.
        excursions: excursions with such a reading.
        elsewhere_per_day: incidents that open at no excursion, a day, by device.
    """

    rule_id: str
    metric: str
    incidents: int
    dropouts: int
    excursion_rows: int
    excursions: int
    elsewhere_per_day: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as one object."""
        return {
            "rule": self.rule_id,
            "metric": self.metric,
            "incidents": self.incidents,
            "dropout_rows_found": self.dropouts,
            "excursion_rows_found": self.excursion_rows,
            "excursions_found": self.excursions,
            "elsewhere_per_day": dict(self.elsewhere_per_day),
        }


def score_series(
    rule_id: str,
    metric: str,
    incidents: Sequence[PastIncident],
    series: Mapping[str, TemperatureSeries],
    excursions: Mapping[str, Sequence[ExcursionSpan]],
) -> FoundingScore:
    """Return the score of the incidents of a rule on a metric.

    Args:
        rule_id: the rule.
        metric: the metric.
        incidents: of this rule and metric.
        series: temperatures by device.
        excursions: by device.
    """
    dropouts = found_rows = found = 0
    elsewhere = {}
    for device, temperatures in series.items():
        mine = [one for one in incidents if one.device == device]
        dropouts += sum(any(is_open(one, time) for one in mine) for time in temperatures.dropouts_us.tolist())
        spans = excursions[device]
        by_span = [sum(any(is_open(one, time) for one in mine) for time in span.times_us) for span in spans]
        found_rows += sum(by_span)
        found += sum(map(bool, by_span))
        others = sum(not any(opens_in(one, span) for span in spans) for one in mine)
        days = (int(temperatures.times_us[-1]) - int(temperatures.times_us[0])) / 86.4e9
        elsewhere[device] = others / days if days else 0.0
    return FoundingScore(rule_id, metric, len(incidents), dropouts, found_rows, found, elsewhere)


def is_open(incident: PastIncident, time_us: int) -> bool:
    """Return whether an incident is open at a time, or opens then."""
    since = incident.told_us[0]
    ended = incident.closed_us is not None and time_us >= incident.closed_us
    return time_us in incident.told_us or (since <= time_us and not ended)


def opens_in(incident: PastIncident, span: ExcursionSpan) -> bool:
    """Return whether an incident was told, or began, between an excursion and the reading behind it."""
    return any(span.times_us[0] <= time <= span.until_us for time in (incident.opened_us, *incident.told_us))
