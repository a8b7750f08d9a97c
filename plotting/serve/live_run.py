"""Hold the records of a run read so far, in bounded memory, and select the content of its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.incidents import INCIDENT_COLUMNS, with_incidents
from plotting.data.overview_counts import Overview, count_overview
from plotting.data.panels import (
    MAX_PANELS,
    Panel,
    Points,
    TimeRange,
    breached_thresholds,
    reading_panels,
    to_microseconds,
)
from plotting.data.results import AGGREGATE_COLUMNS, ANOMALY_COLUMNS
from plotting.data.rule_bounds import with_rule_bounds
from plotting.serve.incident_buffer import IncidentBuffer
from plotting.serve.record_buffer import AnomalyBuffer, RecordBuffer
from plotting.serve.window_series import WindowSeries, split_by_series
from telemetry.model.kinds import KINDS
from telemetry.rules.rule_set import RuleSet

LETTER_IDENTITY: Final = tuple(name for name in KINDS["dead_letters"].identity if name != "payload")  # it may be large
LETTER_COLUMNS: Final = (*LETTER_IDENTITY, "event_time")
COLUMNS: Final = {
    "aggregates": AGGREGATE_COLUMNS,
    "anomalies": ANOMALY_COLUMNS,
    "incidents": INCIDENT_COLUMNS,
    "dead_letters": LETTER_COLUMNS,
}
"""Columns read of each kind of record."""
SeriesKey = tuple[str, str]


@dataclass(frozen=True)
class PanelContent:
    """Content of a scatter or a trend.

    Attributes:
        panels: panels of the devices shown, in order.
        versions: version of each panel's content; it changes when the content changes.
        devices: number of devices, including those not shown.
    """

    panels: list[Panel]
    versions: list[tuple[int, ...]]
    devices: int


@dataclass
class LiveRun:
    """Records of a run read so far; times are microseconds, UTC."""

    version: int = 0
    """Number that increases with every new record."""
    anomalies: AnomalyBuffer = field(default_factory=AnomalyBuffer)
    incidents: IncidentBuffer = field(default_factory=IncidentBuffer)
    letters: RecordBuffer = field(default_factory=lambda: RecordBuffer(LETTER_IDENTITY, ("reason", "event_time")))
    problem: str = ""
    """Error of the last poll; "" if it succeeded."""
    rules: RuleSet | None = None
    """The job's rules, if given."""
    newest_us: int | None = None
    """End of the newest window or event time of the newest anomaly, whichever is later."""
    max_windows: int = 3_000_000
    """Windows kept of all devices and metrics, 64 bytes each."""
    longest_series: int = 20_000
    """Windows kept of one metric of one device, at most."""
    shortest_series: int = 240
    """Windows kept of one metric of one device, even if `max_windows` is exceeded."""
    series_by_key: dict[SeriesKey, WindowSeries] = field(default_factory=dict)
    _versions: dict[SeriesKey, int] = field(default_factory=dict)
    _incident_versions: dict[str, int] = field(default_factory=dict)
    _readings: dict[str, tuple[int, pd.DataFrame]] = field(default_factory=dict)

    def add(self, kind: str, table: Any) -> bool:
        """Add records; return whether any is new.

        Args:
            kind: ``aggregates``, ``anomalies``, ``incidents`` or ``dead_letters``.
            table: Arrow table with the columns of `COLUMNS`; records may be repeated.
        """
        if not len(table):
            return False
        version = self.version + 1
        if kind == "dead_letters":
            new = bool(len(self.letters.add(table)))
        elif kind == "anomalies":
            new = self._take_anomalies(table, version)
        elif kind == "incidents":
            changed = self.incidents.add(table)
            self._incident_versions |= dict.fromkeys(changed, version)
            new = bool(changed)
        else:
            new = self._take_windows(table, version)
        self.version += new
        return new

    def _take_windows(self, table: Any, version: int) -> bool:
        parts = [
            (key, self.series_by_key.setdefault(key, WindowSeries()), rows) for key, rows in split_by_series(table)
        ]
        limit = min(max(self.max_windows // len(self.series_by_key), self.shortest_series), self.longest_series)
        new = False
        for key, series, rows in parts:
            if series.add(rows, limit):
                self._versions[key], new = version, True
                self._note_time(int(rows["end"].max()))
        return new

    def _take_anomalies(self, table: Any, version: int) -> bool:
        new = self.anomalies.add(table)
        for changed in (new, self.anomalies.evicted):
            for key in set(zip(changed["metric"], changed["device"], strict=True)):
                self._versions[key] = version
        newest = self.anomalies.newest_us()
        if newest is not None:
            self._note_time(newest)
        return bool(len(new))

    def _note_time(self, moment_us: int) -> None:
        self.newest_us = moment_us if self.newest_us is None else max(self.newest_us, moment_us)

    def set_readings(self, metric: str, frame: pd.DataFrame) -> None:
        """Set the readings of one metric: a frame with `device`, `time` and `value` from `plotting.data.readings`."""
        self.version += 1
        self._readings[metric] = (self.version, frame)

    def metrics(self) -> list[str]:
        """Return every metric with a window or an anomaly, sorted."""
        return sorted({metric for metric, _ in self._keys()})

    def devices(self, metric: str | None = None) -> list[str]:
        """Return every device with a window or an anomaly, of one metric or of any, sorted."""
        return sorted({device for of, device in self._keys() if metric in (None, of)})

    def _keys(self) -> set[SeriesKey]:
        return self.series_by_key.keys() | self.anomalies.keys()

    @property
    def windows(self) -> int:
        """Return the number of windows added, of all devices and metrics."""
        return sum(series.received for series in self.series_by_key.values())

    def panel_content(self, metric: str, devices: Sequence[str], span: TimeRange, *, readings: bool) -> PanelContent:
        """Return the content of a scatter or a trend; of many devices, those with the most anomalies.

        Args:
            metric: name of the metric.
            devices: devices to show, in this order; empty means all.
            span: time range to show.
            readings: whether to show readings instead of windows, if there are any.
        """
        known = self.devices(metric)
        wanted = list(devices) or known
        found = self._most_anomalous(metric, wanted, span)
        readings_version, frame = self._readings.get(metric, (0, None)) if readings else (0, None)
        if frame is not None and found:
            of = pd.concat([self.anomalies.of(metric, device) for device in found])
            panels = reading_panels(frame, of, found, span)[0]
        else:
            panels = [self._panel(metric, device, span) for device in found]
        kept = [
            panel
            for panel in with_rule_bounds(panels, self.rules, metric)
            if devices or panel.points or len(panel.anomalies)
        ]
        kept = with_incidents(kept, self.incidents.within(span), metric)
        range_of = (span.start_us or 0, span.end_us or 0)
        versions: list[tuple[int, ...]] = [
            (readings_version, self._versions.get((metric, panel.device), 0), *self._told(panel.device), *range_of)
            for panel in kept
        ]
        return PanelContent(kept, versions, len(wanted))

    def _told(self, device: str) -> tuple[int, int]:
        """Return the versions of the incidents of a device and of the whole source."""
        return self._incident_versions.get(device, 0), self._incident_versions.get("", 0)

    def _most_anomalous(self, metric: str, devices: list[str], span: TimeRange) -> list[str]:
        if len(devices) <= MAX_PANELS:
            return devices

        def rank(place: int) -> tuple[int, int, int]:
            device = devices[place]
            found = self.anomalies.of(metric, device)
            readings = found["source_time"][span.of(to_microseconds(found["event_time"]))].nunique()
            return -readings, -self.series_by_key.get((metric, device), _NO_SERIES).count(span), place

        return [devices[place] for place in sorted(sorted(range(len(devices)), key=rank)[:MAX_PANELS])]

    def _panel(self, metric: str, device: str, span: TimeRange) -> Panel:
        series = self.series_by_key.get((metric, device), _NO_SERIES)
        found = self.anomalies.of(metric, device)
        found = found[span.of(to_microseconds(found["event_time"]))]
        readings = found.drop_duplicates("source_time")  # a reading that breached two rules is one point
        points = Points(to_microseconds(readings["event_time"]), readings["value"].to_numpy(np.float64))
        return Panel(device, _NO_POINTS, series.within(span), points, breached_thresholds(found))

    def overview(self, metric: str | None, devices: Sequence[str], span: TimeRange) -> Overview:
        """Return the content of an overview of one metric or of all, without evicted anomalies."""
        found = self.anomalies.frame
        if metric is not None:
            found = found[found["metric"] == metric]
        return count_overview(found, self._covered(metric), self.letters.frame, devices, span)

    def _covered(self, metric: str | None) -> pd.DataFrame:
        """Return `device`, `window_start` and `window_end` of each window of one metric or of all."""
        parts: dict[str, list[Any]] = {}
        for (of, device), series in self.series_by_key.items():
            if metric in (None, of):
                parts.setdefault(device, []).append(series.rows[["start", "end"]])
        rows = {device: np.unique(np.concatenate(found)) for device, found in parts.items()}
        starts, ends = (
            np.concatenate([_NO_TIMES, *(found[name] for found in rows.values())]).astype("M8[us]")
            for name in ("start", "end")
        )
        names = np.repeat(np.array(list(rows), dtype=object), [len(found) for found in rows.values()])
        frame = pd.DataFrame({"device": names, "window_start": starts, "window_end": ends})
        return frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in ("window_start", "window_end")})


_NO_SERIES: Final = WindowSeries()
_NO_TIMES: Final = np.empty(0, dtype=np.int64)
_NO_POINTS: Final = Points(_NO_TIMES, _NO_TIMES.astype(np.float64))
