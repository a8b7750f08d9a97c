"""A run as far as it is known: what has been read of it, in bounded memory, and what a picture shows of that."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.data.limits import with_limits
from plotting.data.panels import MAX_PANELS, Panel, Points, TimeRange, micros, reading_panels, thresholds_of
from plotting.data.results import AGGREGATE_COLUMNS, ANOMALY_COLUMNS
from plotting.data.summaries import Overview, summarise
from plotting.serve.events import Anomalies, Events
from plotting.serve.series import WindowSeries, split
from telemetry.rules.threshold_rules import RuleSet

LETTER_IDENTITY: Final = ("message_id", "line", "reason", "stage")
LETTER_COLUMNS: Final = (*LETTER_IDENTITY, "event_time")
COLUMNS: Final = {"aggregates": AGGREGATE_COLUMNS, "anomalies": ANOMALY_COLUMNS, "dead_letters": LETTER_COLUMNS}
"""What is read of each kind of record."""
_MOST_WINDOWS: Final = 3_000_000
"""Windows held of all devices and metrics, of 64 bytes each."""
_LONGEST_SERIES, _SHORTEST_SERIES = 20_000, 240

SeriesKey = tuple[str, str]


@dataclass(frozen=True)
class Course:
    """What a scatter or a trend shows.

    Attributes:
        panels: of the devices shown, in order.
        stamps: for each panel a number that is another one when it shows something else.
        devices: how many devices there are to show.
    """

    panels: list[Panel]
    stamps: list[tuple[int, ...]]
    devices: int


@dataclass
class LiveRun:
    """Everything known of a run; times are microseconds, UTC."""

    version: int = 0
    """Another number whenever anything has come in."""
    anomalies: Anomalies = field(default_factory=Anomalies)
    letters: Events = field(default_factory=lambda: Events(LETTER_IDENTITY, ("reason", "event_time")))
    problem: str = ""
    """Why the results could not be read the last time."""
    rules: RuleSet | None = None
    """The job's, if they are known."""
    newest_us: int | None = None
    """End of the newest window, or time of the newest anomaly."""
    _series: dict[SeriesKey, WindowSeries] = field(default_factory=dict)
    _stamps: dict[SeriesKey, int] = field(default_factory=dict)
    _readings: dict[str, tuple[int, pd.DataFrame]] = field(default_factory=dict)

    def take(self, kind: str, table: Any) -> bool:
        """Take records in; returns whether any was new.

        Args:
            kind: ``aggregates``, ``anomalies`` or ``dead_letters``.
            table: Arrow, with the columns of `COLUMNS`; records may have come before.
        """
        if not len(table):
            return False
        version = self.version + 1
        if kind == "dead_letters":
            new = bool(len(self.letters.add(table)))
        elif kind == "anomalies":
            new = self._take_anomalies(table, version)
        else:
            new = self._take_windows(table, version)
        self.version += new
        return new

    def _take_windows(self, table: Any, version: int) -> bool:
        parts = [(key, self._series.setdefault(key, WindowSeries()), rows) for key, rows in split(table)]
        limit = min(max(_MOST_WINDOWS // len(self._series), _SHORTEST_SERIES), _LONGEST_SERIES)
        new = False
        for key, series, rows in parts:
            if series.add(rows, limit):
                self._stamps[key], new = version, True
                self._see(int(rows["end"].max()))
        return new

    def _take_anomalies(self, table: Any, version: int) -> bool:
        new = self.anomalies.add(table)
        for changed in (new, self.anomalies.let_go):
            for key in set(zip(changed["metric"], changed["device"], strict=True)):
                self._stamps[key] = version
        newest = self.anomalies.newest_us()
        if newest is not None:
            self._see(newest)
        return bool(len(new))

    def _see(self, moment_us: int) -> None:
        self.newest_us = moment_us if self.newest_us is None else max(self.newest_us, moment_us)

    def take_readings(self, metric: str, frame: pd.DataFrame) -> None:
        """Take the readings of one metric: `device`, `time` and `value`, as `plotting.data.readings` gives them."""
        self.version += 1
        self._readings[metric] = (self.version, frame)

    def metrics(self) -> list[str]:
        """Return every metric with a window or an anomaly, sorted."""
        return sorted({metric for metric, _ in self._keys()})

    def devices(self, metric: str | None = None) -> list[str]:
        """Return every device with a window or an anomaly, of one metric or of any, sorted."""
        return sorted({device for of, device in self._keys() if metric in (None, of)})

    def _keys(self) -> set[SeriesKey]:
        return self._series.keys() | self.anomalies.keys()

    @property
    def windows(self) -> int:
        """How many windows have come, of all devices and metrics."""
        return sum(series.taken for series in self._series.values())

    def course(self, metric: str, devices: Sequence[str], span: TimeRange, *, readings: bool) -> Course:
        """Return what a scatter or a trend shows; of many devices those with the most anomalies.

        Args:
            metric: the metric.
            devices: those to show, in this order; none means all.
            span: the times to show.
            readings: whether to show readings instead of windows, if they are known.
        """
        known = self.devices(metric)
        wanted = list(devices) or known
        found = self._most_anomalous(metric, wanted, span)
        stamp, frame = self._readings.get(metric, (0, None)) if readings else (0, None)
        if frame is not None and found:
            of = pd.concat([self.anomalies.of(metric, device) for device in found])
            panels = reading_panels(frame, of, found, span)[0]
        else:
            panels = [self._panel(metric, device, span) for device in found]
        kept = [
            panel
            for panel in with_limits(panels, self.rules, metric)
            if devices or panel.points or len(panel.anomalies)
        ]
        range_of = (span.start_us or 0, span.end_us or 0)
        stamps: list[tuple[int, ...]] = [
            (stamp, self._stamps.get((metric, panel.device), 0), *range_of) for panel in kept
        ]
        return Course(kept, stamps, len(wanted))

    def _most_anomalous(self, metric: str, devices: list[str], span: TimeRange) -> list[str]:
        if len(devices) <= MAX_PANELS:
            return devices

        def rank(place: int) -> tuple[int, int, int]:
            device = devices[place]
            found = self.anomalies.of(metric, device)
            readings = found["source_time"][span.of(micros(found["event_time"]))].nunique()
            return -readings, -self._series.get((metric, device), _NO_SERIES).count(span), place

        return [devices[place] for place in sorted(sorted(range(len(devices)), key=rank)[:MAX_PANELS])]

    def _panel(self, metric: str, device: str, span: TimeRange) -> Panel:
        series = self._series.get((metric, device), _NO_SERIES)
        found = self.anomalies.of(metric, device)
        found = found[span.of(micros(found["event_time"]))]
        readings = found.drop_duplicates("source_time")  # a reading that breached two rules is one point
        points = Points(micros(readings["event_time"]), readings["value"].to_numpy(np.float64))
        return Panel(device, _NO_POINTS, series.within(span), points, thresholds_of(found))

    def overview(self, metric: str | None, devices: Sequence[str], span: TimeRange) -> Overview:
        """Return what an overview shows, of one metric or of all; what was let go is not in it."""
        found = self.anomalies.frame
        if metric is not None:
            found = found[found["metric"] == metric]
        return summarise(found, self._covered(metric), self.letters.frame, devices, span)

    def _covered(self, metric: str | None) -> pd.DataFrame:
        """Return `device`, `window_start` and `window_end` of each window, whatever its metric."""
        parts: dict[str, list[Any]] = {}
        for (of, device), series in self._series.items():
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
