"""What an overview shows, counted: anomalies by device and time, by rule, dead letters by reason, gaps in the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from plotting.data.panels import TimeRange, micros
from plotting.data.reduce import Times, gap_limit

MAX_ROWS: Final = 24
"""Devices of one overview; of more, those with the most anomalies, then the longest gaps, are shown."""
MAX_BARS: Final = 10
"""Bars of one chart; what is rarer is one bar together."""
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_STEPS_US: Final = (_HOUR_US, *(days * _DAY_US for days in (1, 7, 28, 364)))
_MAX_COLUMNS: Final = 240
_NONE: Final = np.empty(0, dtype=np.int64)

Counts = np.ndarray[tuple[int, int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Spans:
    """Intervals [start, end) of one length of arrays, in order, microseconds since the epoch, UTC."""

    start: Times
    end: Times

    def __len__(self) -> int:
        """Return how many these are."""
        return len(self.start)

    @property
    def total_us(self) -> int:
        """Their length together, microseconds."""
        return int((self.end - self.start).sum())


@dataclass(frozen=True)
class Heat:
    """Anomalies of each device (row) in each step of time (column).

    Attributes:
        edges: columns + 1 times, UTC microseconds, each a whole number of steps since the epoch.
        counts: of the shape (devices, columns).
        step_us: length of a column: an hour, or one or several days.
    """

    edges: Times
    counts: Counts
    step_us: int


@dataclass(frozen=True)
class Overview:
    """What an overview shows.

    Attributes:
        devices: rows, in alphabetical order.
        of_devices: how many there are, if not all are shown.
        span: first and last time of the data, UTC microseconds; None without windows and anomalies.
        heat: anomalies by device and time; None without anomalies.
        rules: anomalies of each rule by severity, most first.
        covered: of each device when there are windows.
        gaps: of each device the silences above `plotting.data.reduce.gap_limit`, from the first window of any device to
            the last: one that falls silent for good has a gap, too.
        reasons: dead letters of each reason, most first.
        undated: dead letters that are counted though nobody knows whether they are in the time range.
    """

    devices: tuple[str, ...]
    of_devices: int
    span: tuple[int, int] | None
    heat: Heat | None
    rules: tuple[tuple[str, Mapping[str, int]], ...]
    covered: tuple[Spans, ...]
    gaps: tuple[Spans, ...]
    reasons: tuple[tuple[str, int], ...]
    undated: int

    @property
    def anomalies(self) -> int:
        """All anomalies, of the devices that are not shown, too."""
        return sum(sum(by.values()) for _, by in self.rules)

    @property
    def letters(self) -> int:
        """All dead letters."""
        return sum(count for _, count in self.reasons)


def summarise(
    anomalies: pd.DataFrame,
    windows: pd.DataFrame,
    letters: pd.DataFrame,
    devices: Sequence[str] = (),
    span: TimeRange | None = None,
) -> Overview:
    """Count what an overview shows.

    Args:
        anomalies: `device`, `rule_id`, `severity` and `event_time` (datetime64, UTC) of each anomaly.
        windows: `device`, `window_start` and `window_end` of each window with data, of whichever metric.
        letters: `reason` and `event_time` (or NaT) of each dead letter; they name no device.
        devices: those wanted, in this order; none means all.
        span: the times wanted; a dead letter of unknown time is counted in any.
    """
    span = span or TimeRange()
    anomalies = anomalies[span.of(micros(anomalies["event_time"]))]
    windows = windows[span.of(micros(windows["window_start"]), micros(windows["window_end"]))]
    windows = windows.drop_duplicates(["device", "window_start", "window_end"])
    known = letters["event_time"].notna().to_numpy()
    dated = np.ones(len(letters), dtype=np.bool_)
    dated[known] = span.of(micros(letters["event_time"][known]))
    if devices:
        anomalies = anomalies[anomalies["device"].isin(devices)]
        windows = windows[windows["device"].isin(devices)]
    names = list(dict.fromkeys(devices)) or sorted({*anomalies["device"], *windows["device"]})
    spans = dict(zip(names, _spans(windows, names), strict=True))
    gaps = dict(zip(names, _gaps(spans, windows), strict=True))
    found = anomalies["device"].value_counts()
    ranked = sorted(names, key=lambda name: (-int(found.get(name, 0)), -gaps[name].total_us, names.index(name)))
    shown = sorted(ranked[:MAX_ROWS], key=names.index)
    times = [micros(anomalies["event_time"]), micros(windows["window_start"]), micros(windows["window_end"])]
    filled = [part for part in times if len(part)]
    return Overview(
        devices=tuple(shown),
        of_devices=len(names),
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


def _heat(anomalies: pd.DataFrame, devices: Sequence[str]) -> Heat:
    """Count into cells; those of devices that are not shown widen the time axis and nothing else."""
    times = micros(anomalies["event_time"])
    first, last = int(times.min()), int(times.max())
    step = next((step for step in _STEPS_US if last // step - first // step < _MAX_COLUMNS), _STEPS_US[-1])
    columns = last // step - first // step + 1
    row = pd.Index(devices).get_indexer(pd.Index(anomalies["device"]))
    cells = row * columns + (times // step - first // step)
    counts = np.bincount(cells[row >= 0], minlength=len(devices) * columns).reshape(len(devices), columns)
    edges = (first // step + np.arange(columns + 1)) * step
    return Heat(edges, counts.astype(np.int64), step)


def _spans(windows: pd.DataFrame, devices: Sequence[str]) -> list[Spans]:
    frames = dict(iter(windows.sort_values(["window_start", "window_end"]).groupby("device", sort=False)))
    return [
        Spans(micros(frames[name]["window_start"]), micros(frames[name]["window_end"]))
        if name in frames
        else Spans(_NONE, _NONE)
        for name in devices
    ]


def _gaps(spans: Mapping[str, Spans], windows: pd.DataFrame) -> list[Spans]:
    if not len(windows):
        return list(spans.values())
    first, last = int(micros(windows["window_start"]).min()), int(micros(windows["window_end"]).max())
    usual = micros(windows["window_end"]) - micros(windows["window_start"])
    silent = Spans(np.array([first]), np.array([last]))
    gaps = []
    for own in spans.values():
        if not len(own):
            gaps.append(silent if last - first > 5 * int(np.median(usual)) else own)
            continue
        starts, ends = np.append(own.start, last), np.append(first, np.maximum.accumulate(own.end))
        quiet = starts - ends > gap_limit(own.start, own.end)
        gaps.append(Spans(ends[quiet], starts[quiet]))
    return gaps


def _joined(spans: Spans, gaps: Spans) -> Spans:
    """Return what lies between the gaps, as few intervals."""
    if not len(spans):
        return spans
    first, last = int(spans.start[0]), int(spans.end.max())
    inside = (gaps.start >= first) & (gaps.end <= last)
    return Spans(np.append(first, gaps.end[inside]), np.append(gaps.start[inside], last))
