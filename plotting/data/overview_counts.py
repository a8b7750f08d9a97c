"""Count anomalies by device, time and rule, dead letters by reason, and gaps in the data, for an overview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from plotting.data.downsample import TimesUs, gap_limit
from plotting.data.panels import TimeRange, to_microseconds

MAX_DEVICES: Final = 24
"""Most devices of one overview; of more, those with the most anomalies, then the longest gaps, are shown."""
MAX_BARS: Final = 10
"""Most bars of one chart; rarer names share one further bar."""
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_STEPS_US: Final = (_HOUR_US, *(days * _DAY_US for days in (1, 7, 28, 364)))
_MAX_COLUMNS: Final = 240
_NONE: Final = np.empty(0, dtype=np.int64)

CellCounts = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Intervals:
    """Intervals [start, end) in order, microseconds since the epoch, UTC; arrays of equal length."""

    start: TimesUs
    end: TimesUs

    def __len__(self) -> int:
        """Return the number of intervals."""
        return len(self.start)

    @property
    def total_us(self) -> int:
        """Return the total length, microseconds."""
        return int((self.end - self.start).sum())


@dataclass(frozen=True)
class Heatmap:
    """Number of anomalies of each device (row) in each time step (column).

    Attributes:
        edges: columns + 1 times, UTC microseconds, each a whole number of steps since the epoch.
        counts: of the shape (devices, columns).
        step_us: length of a column: an hour, or one or several days.
    """

    edges: TimesUs
    counts: CellCounts
    step_us: int


@dataclass(frozen=True)
class Overview:
    """Content of an overview.

    Attributes:
        devices: devices shown, one row each.
        total_devices: number of devices, including those not shown.
        span: first and last time of the data, UTC microseconds; None without windows and anomalies.
        heat: anomalies by device and time; None without anomalies.
        rules: anomalies of each rule by severity, most frequent first.
        covered: for each device, the periods with windows.
        gaps: for each device, the pauses longer than `plotting.data.downsample.gap_limit` between the first and the
            last window of all devices; a device that stops for good therefore has a gap, too.
        reasons: dead letters of each reason, most frequent first.
        undated: dead letters without an event time, which are counted in every time range.
    """

    devices: tuple[str, ...]
    total_devices: int
    span: tuple[int, int] | None
    heat: Heatmap | None
    rules: tuple[tuple[str, Mapping[str, int]], ...]
    covered: tuple[Intervals, ...]
    gaps: tuple[Intervals, ...]
    reasons: tuple[tuple[str, int], ...]
    undated: int

    @property
    def anomalies(self) -> int:
        """Return the number of anomalies, including those of devices not shown."""
        return sum(sum(by.values()) for _, by in self.rules)

    @property
    def letters(self) -> int:
        """Return the number of dead letters."""
        return sum(count for _, count in self.reasons)


def count_overview(
    anomalies: pd.DataFrame,
    windows: pd.DataFrame,
    letters: pd.DataFrame,
    devices: Sequence[str] = (),
    span: TimeRange | None = None,
) -> Overview:
    """Count the content of an overview.

    Args:
        anomalies: `device`, `rule_id`, `severity` and `event_time` (datetime64, UTC) of each anomaly.
        windows: `device`, `window_start` and `window_end` of each window with data, of any metric.
        letters: `reason` and `event_time` (or NaT) of each dead letter; they name no device.
        devices: devices wanted, in this order; empty means all.
        span: times wanted; a dead letter without an event time is counted in every range.
    """
    span = span or TimeRange()
    anomalies = anomalies[span.of(to_microseconds(anomalies["event_time"]))]
    windows = windows[span.of(to_microseconds(windows["window_start"]), to_microseconds(windows["window_end"]))]
    windows = windows.drop_duplicates(["device", "window_start", "window_end"])
    known = letters["event_time"].notna().to_numpy()
    dated = np.ones(len(letters), dtype=np.bool_)
    dated[known] = span.of(to_microseconds(letters["event_time"][known]))
    if devices:
        anomalies = anomalies[anomalies["device"].isin(devices)]
        windows = windows[windows["device"].isin(devices)]
    names = list(dict.fromkeys(devices)) or sorted({*anomalies["device"], *windows["device"]})
    spans = dict(zip(names, _spans(windows, names), strict=True))
    gaps = dict(zip(names, _gaps(spans, windows), strict=True))
    found = anomalies["device"].value_counts()
    ranked = sorted(names, key=lambda name: (-int(found.get(name, 0)), -gaps[name].total_us, names.index(name)))
    shown = sorted(ranked[:MAX_DEVICES], key=names.index)
    times = [
        to_microseconds(anomalies["event_time"]),
        to_microseconds(windows["window_start"]),
        to_microseconds(windows["window_end"]),
    ]
    filled = [part for part in times if len(part)]
    return Overview(
        devices=tuple(shown),
        total_devices=len(names),
        span=(min(int(part.min()) for part in filled), max(int(part.max()) for part in filled)) if filled else None,
        heat=_heat(anomalies, shown) if len(anomalies) else None,
        rules=_rules(anomalies),
        covered=tuple(_joined(spans[name], gaps[name]) for name in shown),
        gaps=tuple(gaps[name] for name in shown),
        reasons=tuple(_most_first(letters["reason"][dated])),
        undated=0 if span == TimeRange() else int((~known).sum()),
    )


def _most_first(names: pd.Series) -> list[tuple[str, int]]:
    counts = [(str(name), int(count)) for name, count in names.value_counts().items()]
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


def _rules(anomalies: pd.DataFrame) -> tuple[tuple[str, Mapping[str, int]], ...]:
    return tuple(
        (rule, dict(_most_first(anomalies["severity"][anomalies["rule_id"] == rule])))
        for rule, _ in _most_first(anomalies["rule_id"])
    )


def _heat(anomalies: pd.DataFrame, devices: Sequence[str]) -> Heatmap:
    """Count anomalies into cells; anomalies of devices not shown only extend the time axis."""
    times = to_microseconds(anomalies["event_time"])
    first, last = int(times.min()), int(times.max())
    step = next((step for step in _STEPS_US if last // step - first // step < _MAX_COLUMNS), _STEPS_US[-1])
    columns = last // step - first // step + 1
    row = pd.Index(devices).get_indexer(pd.Index(anomalies["device"]))
    cells = row * columns + (times // step - first // step)
    counts = np.bincount(cells[row >= 0], minlength=len(devices) * columns).reshape(len(devices), columns)
    edges = (first // step + np.arange(columns + 1)) * step
    return Heatmap(edges, counts.astype(np.int64), step)


def _spans(windows: pd.DataFrame, devices: Sequence[str]) -> list[Intervals]:
    frames = dict(iter(windows.sort_values(["window_start", "window_end"]).groupby("device", sort=False)))
    return [
        Intervals(to_microseconds(frames[name]["window_start"]), to_microseconds(frames[name]["window_end"]))
        if name in frames
        else Intervals(_NONE, _NONE)
        for name in devices
    ]


def _gaps(spans: Mapping[str, Intervals], windows: pd.DataFrame) -> list[Intervals]:
    if not len(windows):
        return list(spans.values())
    first, last = int(to_microseconds(windows["window_start"]).min()), int(to_microseconds(windows["window_end"]).max())
    usual = to_microseconds(windows["window_end"]) - to_microseconds(windows["window_start"])
    silent = Intervals(np.array([first]), np.array([last]))
    gaps = []
    for own in spans.values():
        if not len(own):
            gaps.append(silent if last - first > 5 * int(np.median(usual)) else own)
            continue
        starts, ends = np.append(own.start, last), np.append(first, np.maximum.accumulate(own.end))
        quiet = starts - ends > gap_limit(own.start, own.end)
        gaps.append(Intervals(ends[quiet], starts[quiet]))
    return gaps


def _joined(spans: Intervals, gaps: Intervals) -> Intervals:
    """Return the periods between the gaps."""
    if not len(spans):
        return spans
    first, last = int(spans.start[0]), int(spans.end.max())
    inside = (gaps.start >= first) & (gaps.end <= last)
    return Intervals(np.append(first, gaps.end[inside]), np.append(gaps.start[inside], last))
