"""What each panel of a picture shows: one device's readings or windows, its anomalies, its thresholds."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from plotting.data.reduce import Times, Values, Windows

MAX_PANELS: Final = 12
"""Panels of one picture; of more devices those with the most anomalies are shown."""
MAX_THRESHOLDS: Final = 4
"""Lines of one panel: a rule whose bound moves with every reading has no line to draw."""

_BLOCK: Final = 1 << 18  # times looked up at once: what that takes is small beside the times


@dataclass(frozen=True)
class Points:
    """Times (microseconds since the epoch, UTC) and values (the metric's unit) of one length."""

    times: Times
    values: Values

    def __len__(self) -> int:
        """Return how many points these are."""
        return len(self.times)


@dataclass(frozen=True)
class Panel:
    """One device. Either `readings` or `windows` holds its course; the other is empty."""

    device: str
    readings: Points
    windows: Windows
    anomalies: Points
    thresholds: tuple[float, ...]

    @property
    def points(self) -> int:
        """Readings (normal and anomalous), or windows."""
        return len(self.windows) if len(self.windows) else len(self.readings) + len(self.anomalies)


@dataclass(frozen=True)
class TimeRange:
    """Half-open range [start, end) of microseconds since the epoch; None leaves a side open."""

    start_us: int | None = None
    end_us: int | None = None

    def of(self, times: Times, ends: Times | None = None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which times, or intervals [times, ends), meet the range."""
        inside = np.ones(len(times), dtype=np.bool_)
        if self.start_us is not None:
            inside &= times >= self.start_us if ends is None else ends > self.start_us
        if self.end_us is not None:
            inside &= times < self.end_us
        return inside


def reading_panels(
    readings: pd.DataFrame, anomalies: pd.DataFrame, devices: list[str], span: TimeRange
) -> tuple[list[Panel], int]:
    """Return a panel a device, and how many anomalies belong to none of the readings.

    A reading is an anomaly if its device and its own time (`source_time`, to the microsecond) are an anomaly's.
    """
    panels, unmatched = [], 0
    rows_of, found_of = _rows_by_device(readings), _rows_by_device(anomalies)
    every_time, every_value = micros(readings["time"]), readings["value"].to_numpy(np.float64)
    for device in devices:
        rows, found = rows_of.get(device, _NO_ROWS), anomalies.iloc[found_of.get(device, _NO_ROWS)]
        times = every_time[rows]
        marked = micros(found["source_time"])
        red, inside = _among(times, marked), span.of(times)
        unmatched += int((span.of(marked) & ~np.isin(marked, times[red])).sum())
        anomalous = Points(times[inside & red], every_value[rows[inside & red]])
        normal = Points(times[inside & ~red], every_value[rows[inside & ~red]])
        lines = thresholds_of(found[np.isin(marked, anomalous.times)])
        panels.append(Panel(device, normal, _NO_WINDOWS, anomalous, lines))
    return panels, unmatched


def window_panels(
    aggregates: pd.DataFrame, anomalies: pd.DataFrame, devices: list[str], span: TimeRange
) -> list[Panel]:
    """Return a panel a device: its windows, and its anomalies at their event time."""
    panels = []
    windows_of, found_of = _rows_by_device(aggregates), _rows_by_device(anomalies)
    for device in devices:
        frame = aggregates.iloc[windows_of.get(device, _NO_ROWS)]
        found = anomalies.iloc[found_of.get(device, _NO_ROWS)]
        starts, ends = micros(frame["window_start"]), micros(frame["window_end"])
        shown = frame[span.of(starts, ends)].sort_values("window_start")
        found = found[span.of(micros(found["event_time"]))]
        readings = found.drop_duplicates("source_time")  # a reading that breached two rules is one point
        windows = Windows(
            start=micros(shown["window_start"]),
            end=micros(shown["window_end"]),
            count=shown["count"].to_numpy(np.int64),
            mean=shown["mean"].to_numpy(np.float64),
            min=shown["min"].to_numpy(np.float64),
            max=shown["max"].to_numpy(np.float64),
            stddev=shown["stddev"].to_numpy(np.float64),
        )
        points = Points(micros(readings["event_time"]), readings["value"].to_numpy(np.float64))
        panels.append(Panel(device, _NO_POINTS, windows, points, thresholds_of(found)))
    return panels


def most_anomalous(panels: list[Panel], limit: int = MAX_PANELS) -> list[Panel]:
    """Return at most `limit` panels, in their order: those with the most anomalies, then the most points."""
    ranked = sorted(range(len(panels)), key=lambda i: (-len(panels[i].anomalies), -panels[i].points, i))
    return [panels[i] for i in sorted(ranked[:limit])]


def micros(times: pd.Series) -> Times:
    """Return datetimes as microseconds since the epoch, UTC."""
    whole: Times = times.to_numpy("M8[us]").view(np.int64)
    return whole


def _rows_by_device(frame: pd.DataFrame) -> dict[str, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return the numbers of the rows of each device that has any, in their order."""
    kinds = frame["device"].astype("category").cat
    codes, names = kinds.codes.to_numpy(), kinds.categories
    order = np.argsort(codes, kind="stable")
    lengths = np.bincount(codes, minlength=len(names))
    return dict(zip(names, np.split(order, np.cumsum(lengths)[:-1]), strict=bool(len(names))))


def _among(times: Times, marked: Times) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which times are one of the marked ones. The marked are few: they are sorted, and not the times."""
    if not len(marked):
        return np.zeros(len(times), dtype=np.bool_)
    marked, found = np.sort(marked), np.empty(len(times), dtype=np.bool_)
    for start in range(0, len(times), _BLOCK):
        some = times[start : start + _BLOCK]
        at = np.searchsorted(marked, some)
        at[at == len(marked)] = 0  # later than all, so not the first either
        found[start : start + _BLOCK] = marked[at] == some
    return found


def thresholds_of(anomalies: pd.DataFrame) -> tuple[float, ...]:
    """Return the bounds of the rules that were breached, in ascending order; none if there are too many."""
    bounds = {*anomalies["threshold"], *anomalies["threshold_upper"].dropna()}
    return tuple(sorted(bounds)) if len(bounds) <= MAX_THRESHOLDS else ()


_NO_ROWS: Final = np.empty(0, dtype=np.intp)
_NO_TIMES: Final = np.empty(0, dtype=np.int64)
_NO_VALUES: Final = np.empty(0, dtype=np.float64)
_NO_POINTS: Final = Points(_NO_TIMES, _NO_VALUES)
_NO_WINDOWS: Final = Windows(_NO_TIMES, _NO_TIMES, _NO_TIMES, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES)
