"""Select the content of each panel: one device's readings or windows, its anomalies and its thresholds."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from plotting.data.downsample import MetricValues, TimesUs, Windows
from plotting.data.learned import LearnedBand

MAX_PANELS: Final = 12
"""Most panels of one picture; of more devices, those with the most anomalies are shown."""
MAX_THRESHOLDS: Final = 4
"""Most threshold lines of one panel: a rule whose bound changes with every reading has no line to draw."""

_BLOCK: Final = 1 << 18


@dataclass(frozen=True)
class Points:
    """Times (microseconds since the epoch, UTC) and values (the metric's unit), of equal length."""

    times: TimesUs
    values: MetricValues

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.times)


@dataclass(frozen=True)
class IncidentSpan:
    """Time of an incident, microseconds since the epoch, UTC.

    Attributes:
        start_us: its opening.
        end_us: its closing; None while it is open.
        severity: of its rule.
        rule_id: its rule; "" where that is not told.
        score: the highest one, of a rule that learns; None otherwise.
        why: the sentence with it, likewise.
    """

    start_us: int
    end_us: int | None
    severity: str
    rule_id: str = ""
    score: float | None = None
    why: str | None = None


@dataclass(frozen=True)
class Panel:
    """Content of one device's panel; either `readings` or `windows` is empty.

    `learned` has what rules had learned in the time of some of the incidents.
    """

    device: str
    readings: Points
    windows: Windows
    anomalies: Points
    thresholds: tuple[float, ...]
    incidents: tuple[IncidentSpan, ...] = ()
    learned: tuple[LearnedBand, ...] = ()

    @property
    def points(self) -> int:
        """Return the number of windows, or of readings including anomalous ones."""
        return len(self.windows) if len(self.windows) else len(self.readings) + len(self.anomalies)


@dataclass(frozen=True)
class TimeRange:
    """Half-open range [start, end) of microseconds since the epoch; None leaves a side open."""

    start_us: int | None = None
    end_us: int | None = None

    def of(self, times: TimesUs, ends: TimesUs | None = None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return a mask of the times, or of the intervals [times, ends), that overlap the range."""
        inside = np.ones(len(times), dtype=np.bool_)
        if self.start_us is not None:
            inside &= times >= self.start_us if ends is None else ends > self.start_us
        if self.end_us is not None:
            inside &= times < self.end_us
        return inside


def reading_panels(
    readings: pd.DataFrame, anomalies: pd.DataFrame, devices: list[str], span: TimeRange, *, block_rows: int = _BLOCK
) -> tuple[list[Panel], int]:
    """Return one panel per device, and the number of anomalies that match none of the readings.

    A reading matches an anomaly if both have the same device and `source_time` (to the microsecond). Readings are
    matched `block_rows` at a time, so that temporary arrays stay small.
    """
    panels, unmatched = [], 0
    rows_of, found_of = _rows_by_device(readings), _rows_by_device(anomalies)
    every_time, every_value = to_microseconds(readings["time"]), readings["value"].to_numpy(np.float64)
    for device in devices:
        rows, found = rows_of.get(device, _NO_ROWS), anomalies.iloc[found_of.get(device, _NO_ROWS)]
        times = every_time[rows]
        marked = to_microseconds(found["source_time"])
        red, inside = _is_in(times, marked, block_rows), span.of(times)
        unmatched += int((span.of(marked) & ~np.isin(marked, times[red])).sum())
        anomalous = Points(times[inside & red], every_value[rows[inside & red]])
        normal = Points(times[inside & ~red], every_value[rows[inside & ~red]])
        lines = breached_thresholds(found[np.isin(marked, anomalous.times)])
        panels.append(Panel(device, normal, _NO_WINDOWS, anomalous, lines))
    return panels, unmatched


def window_panels(
    aggregates: pd.DataFrame, anomalies: pd.DataFrame, devices: list[str], span: TimeRange
) -> list[Panel]:
    """Return one panel per device: its windows, and its anomalies at their event time."""
    panels = []
    windows_of, found_of = _rows_by_device(aggregates), _rows_by_device(anomalies)
    for device in devices:
        frame = aggregates.iloc[windows_of.get(device, _NO_ROWS)]
        found = anomalies.iloc[found_of.get(device, _NO_ROWS)]
        starts, ends = to_microseconds(frame["window_start"]), to_microseconds(frame["window_end"])
        shown = frame[span.of(starts, ends)].sort_values("window_start")
        found = found[span.of(to_microseconds(found["event_time"]))]
        readings = found.drop_duplicates("source_time")  # a reading that breached two rules is one point
        windows = Windows(
            start=to_microseconds(shown["window_start"]),
            end=to_microseconds(shown["window_end"]),
            count=shown["count"].to_numpy(np.int64),
            mean=shown["mean"].to_numpy(np.float64),
            min=shown["min"].to_numpy(np.float64),
            max=shown["max"].to_numpy(np.float64),
            stddev=shown["stddev"].to_numpy(np.float64),
        )
        points = Points(to_microseconds(readings["event_time"]), readings["value"].to_numpy(np.float64))
        panels.append(Panel(device, _NO_POINTS, windows, points, breached_thresholds(found)))
    return panels


def most_anomalous(panels: list[Panel], limit: int = MAX_PANELS) -> list[Panel]:
    """Return the `limit` panels with the most anomalies, then the most points, in their original order."""
    ranked = sorted(range(len(panels)), key=lambda i: (-len(panels[i].anomalies), -panels[i].points, i))
    return [panels[i] for i in sorted(ranked[:limit])]


def to_microseconds(times: pd.Series) -> TimesUs:
    """Return datetimes as microseconds since the epoch, UTC."""
    whole: TimesUs = times.to_numpy("M8[us]").view(np.int64)
    return whole


def _rows_by_device(frame: pd.DataFrame) -> dict[str, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return the row numbers of each device in the frame, ascending."""
    kinds = frame["device"].astype("category").cat
    codes, names = kinds.codes.to_numpy(), kinds.categories
    order = np.argsort(codes, kind="stable")
    lengths = np.bincount(codes, minlength=len(names))
    return dict(zip(names, np.split(order, np.cumsum(lengths)[:-1]), strict=bool(len(names))))


def _is_in(times: TimesUs, marked: TimesUs, block_rows: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return a mask of the times that occur in `marked`, which is short and therefore the array that is sorted."""
    if not len(marked):
        return np.zeros(len(times), dtype=np.bool_)
    marked, found = np.sort(marked), np.empty(len(times), dtype=np.bool_)
    for start in range(0, len(times), block_rows):
        some = times[start : start + block_rows]
        at = np.searchsorted(marked, some)
        at[at == len(marked)] = 0  # later than every marked time, so unequal to the first one
        found[start : start + block_rows] = marked[at] == some
    return found


def breached_thresholds(anomalies: pd.DataFrame) -> tuple[float, ...]:
    """Return the bounds stored with the anomalies, ascending; empty if there are more than `MAX_THRESHOLDS`."""
    bounds = {*anomalies["threshold"], *anomalies["threshold_upper"].dropna()}
    return tuple(sorted(bounds)) if len(bounds) <= MAX_THRESHOLDS else ()


_NO_ROWS: Final = np.empty(0, dtype=np.intp)
_NO_TIMES: Final = np.empty(0, dtype=np.int64)
_NO_VALUES: Final = np.empty(0, dtype=np.float64)
_NO_POINTS: Final = Points(_NO_TIMES, _NO_VALUES)
_NO_WINDOWS: Final = Windows(_NO_TIMES, _NO_TIMES, _NO_TIMES, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES)
