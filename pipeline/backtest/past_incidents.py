"""Reduce transitions to incidents: when each opened, how often, and when it closed."""

from dataclasses import dataclass

import pyarrow as pa

from telemetry.model.record_batches import to_records
from telemetry.model.records import Incident


@dataclass(frozen=True, slots=True)
class PastIncident:
    """One incident of a backtest, as of the last reading. Times are microseconds UTC.

    Attributes:
        incident_id: as in the records of a job.
        rule_id: the rule.
        severity: of the rule.
        device: the device; "" for the whole source.
        metric: the metric; "" for the device as a whole.
        opened_us: first breaching reading; for silence the last reading before it.
        told_us: when its opening was told, and each time that it opened again.
        closed_us: when it closed; None while it is open.
        worst: value furthest beyond the bound; None without a bound.
        readings: breaching readings, or windows; 0 for silence.
    """

    incident_id: str
    rule_id: str
    severity: str
    device: str
    metric: str
    opened_us: int
    told_us: tuple[int, ...]
    closed_us: int | None
    worst: float | None
    readings: int

    @property
    def series(self) -> tuple[str, str, str]:
        """Rule, device and metric."""
        return self.rule_id, self.device, self.metric

    def end_us(self, last_us: int) -> int:
        """Return when it closed, or the time of the last reading while it is open."""
        return last_us if self.closed_us is None else self.closed_us


class IncidentCollector:
    """Incidents, from their transitions in the order of time."""

    def __init__(self) -> None:
        self._found: dict[str, PastIncident] = {}

    def add(self, transitions: pa.RecordBatch | None) -> None:
        """Take transitions; None is none."""
        if transitions is None:
            return
        for one in to_records(Incident, transitions):
            known = self._found.get(one.incident_id)
            told_us = () if known is None else known.told_us
            self._found[one.incident_id] = PastIncident(
                incident_id=one.incident_id,
                rule_id=one.rule_id,
                severity=one.severity,
                device=one.device,
                metric=one.metric,
                opened_us=one.opened_at,
                told_us=(*told_us, one.event_time) if one.state == "opened" else told_us,
                closed_us=one.closed_at,
                worst=one.worst,
                readings=one.readings,
            )

    def incidents(self) -> list[PastIncident]:
        """Return the incidents by opening, device and rule."""
        return sorted(self._found.values(), key=lambda one: (one.told_us[:1], one.device, one.rule_id))
