"""The same pictures on axes of one's own, for notebooks: ``from plotting import scatter, trend, overview``.

Each takes arrays or data frames and where to draw, and returns that. Matplotlib's settings are neither used for
colours that mean something nor changed. What is drawn has labels: ``axes.legend()`` explains it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from plotting.data.frames import FrameLike, Pair, as_frame, finite, need, one_course, points_of, times_of, with_times
from plotting.data.panels import Panel, Points, thresholds_of
from plotting.data.reduce import Windows
from plotting.data.summaries import summarise
from plotting.draw.board import draw_overview
from plotting.draw.draw_panels import draw_panel, shared_scale, style_values
from plotting.draw.time_axis import style_time_axis
from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import THEMES, Theme

Place = TypeVar("Place", Figure, SubFigure)

_TIMES: Final = ("time", "event_time", "source_time")
_STATISTICS: Final = ("mean", "min", "max", "stddev")
_EMPTY: Final = np.empty(0, dtype=np.int64)
_NO_POINTS: Final = Points(_EMPTY, _EMPTY.astype(np.float64))
_NO_WINDOWS: Final = Windows(_EMPTY, _EMPTY, _EMPTY, *[_EMPTY.astype(np.float64)] * 4)


def scatter(
    readings: FrameLike | Pair,
    axes: Axes,
    *,
    anomalies: FrameLike | Pair | np.ndarray[Any, np.dtype[np.bool_]] | None = None,
    thresholds: Sequence[float] | None = None,
    metric: str = "",
    language: str = "en",
    theme: str = "light",
) -> Axes:
    """Draw readings of one device against time: normal ones blue, anomalies red above them.

    Args:
        readings: n readings: (times, values), or a table with the columns `time` (or `event_time`, or `source_time`)
            and `value` (or one called like the metric, as in the job's archive). Times are datetime64, without a zone
            UTC, or integer microseconds since the epoch; values are in the metric's unit. A reading without a finite
            value or a time is left out.
        axes: Where to draw; limits, grid and style stay its own.
        anomalies: Which of them are anomalies: n booleans; or (times, values) or a table as the job stores it
            (`event_time`, `value`, `threshold`), drawn at their own place. A reading at the time of an anomaly is not
            drawn in blue.
        thresholds: Dashed lines, in the metric's unit; those of the rules in the table of anomalies if None.
        metric: Name of the metric, for the column and for the label of the axis with its unit.
        language: ``en`` or ``fr``.
        theme: Colours for a ``light`` or a ``dark`` background, which the axes bring along.

    Returns:
        The axes. Above a few thousand readings only those are drawn that can be told apart: extremes and anomalies
        always.

    Raises:
        ValueError: if columns are missing, lengths differ, there are several devices, or a name is not known.
    """
    texts, look = _words(language), _look(theme)
    points, column = points_of(readings, metric, _TIMES, "readings")
    table: pd.DataFrame | None = None
    if isinstance(anomalies, np.ndarray | pd.Series) and anomalies.dtype == np.bool_:
        marks = np.asarray(anomalies)
        if len(marks) != len(points):
            raise ValueError(f"{len(marks)} booleans of anomalies for {len(points)} readings")
        red = Points(points.times[marks], points.values[marks])
        points = Points(points.times[~marks], points.values[~marks])
    elif anomalies is None:
        red = _NO_POINTS
    else:
        first = "source_time" if column == "time" else column
        table = None if isinstance(anomalies, tuple) else as_frame(anomalies)
        red, _ = points_of(anomalies, metric, (column, first, *_TIMES), "anomalies")
        normal = ~np.isin(points.times, red.times)
        points = Points(points.times[normal], points.values[normal])
    lines = _lines(thresholds, table)
    panel = Panel("", finite(points), _NO_WINDOWS, finite(red), lines)
    return _draw(panel, axes, metric, texts, look)


def trend(
    windows: FrameLike,
    axes: Axes,
    *,
    anomalies: FrameLike | Pair | None = None,
    thresholds: Sequence[float] | None = None,
    metric: str = "",
    language: str = "en",
    theme: str = "light",
) -> Axes:
    """Draw the windows of one metric of one device: mean, band of the extremes, band of the standard deviation.

    Args:
        windows: A table with a row a window and the columns `window_start` and `window_end` (datetime64, without a
            zone UTC, or integer microseconds since the epoch), `mean`, `min`, `max` and `stddev` (in the metric's
            unit), perhaps `count` (readings, for exact joining of very many windows) and `pane_index` (of a window
            only the highest is drawn), as the job stores them. The line is broken where windows are missing.
        axes: Where to draw; limits, grid and style stay its own.
        anomalies: Red points: (times, values), or a table as the job stores it (`event_time`, `value`, `threshold`).
        thresholds: Dashed lines, in the metric's unit; those of the rules in the table of anomalies if None.
        metric: Name of the metric, for the label of the axis with its unit; of a table with a column `metric` its
            rows alone are drawn.
        language: ``en`` or ``fr``.
        theme: Colours for a ``light`` or a ``dark`` background, which the axes bring along.

    Returns:
        The axes.

    Raises:
        ValueError: if columns are missing, there are several devices or metrics, or a name is not known.
    """
    texts, look = _words(language), _look(theme)
    frame = one_course(as_frame(windows), metric, "windows")
    need(frame, ("window_start", "window_end", *_STATISTICS), "windows")
    start, end = times_of(frame["window_start"]), times_of(frame["window_end"])
    pane = frame["pane_index"].to_numpy() if "pane_index" in frame else np.zeros(len(frame))
    order = np.lexsort((pane, end, start))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (np.diff(start[order]) != 0) | (np.diff(end[order]) != 0)
    kept = order[last]
    count = frame["count"].to_numpy(np.int64) if "count" in frame else np.ones(len(frame), dtype=np.int64)
    statistics = [frame[name].to_numpy(np.float64)[kept] for name in _STATISTICS]
    course = Windows(start[kept], end[kept], count[kept], *statistics)
    red, table = _NO_POINTS, None
    if anomalies is not None:
        table = None if isinstance(anomalies, tuple) else one_course(as_frame(anomalies), metric, "anomalies")
        red, _ = points_of(anomalies if table is None else table, metric, ("event_time", *_TIMES), "anomalies")
    panel = Panel("", _NO_POINTS, course, finite(red), _lines(thresholds, table))
    return _draw(panel, axes, metric, texts, look)


def overview(
    anomalies: FrameLike,
    figure: Place,
    *,
    windows: FrameLike | None = None,
    dead_letters: FrameLike | Sequence[str] | None = None,
    language: str = "en",
    theme: str = "light",
) -> Place:
    """Fill a figure with an overview of a run: anomalies by device and time and by rule, dead letters, gaps.

    Args:
        anomalies: A table with the columns `device`, `rule_id`, `severity` and `event_time` (datetime64, without a
            zone UTC, or integer microseconds since the epoch) as the job stores it; with `anomaly_id` each counts once.
        figure: A figure or a part of one, empty, at least about 9 × 6 inches; its background becomes the theme's.
        windows: A table with the columns `device`, `window_start` and `window_end` of each window that has data, of
            whichever metric; without it there is no timeline of gaps.
        dead_letters: The reason of each, n texts, or a table with the column `reason`.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.

    Returns:
        The figure.

    Raises:
        ValueError: if columns are missing, or a name is not known.
    """
    texts, look = _words(language), _look(theme)
    found = with_times(as_frame(anomalies), ("device", "rule_id", "severity"), ("event_time",), "anomalies")
    if "anomaly_id" in found:
        found = found.drop_duplicates("anomaly_id")
    course = {"device": [], "window_start": _EMPTY, "window_end": _EMPTY} if windows is None else windows
    spans = with_times(as_frame(course), ("device",), ("window_start", "window_end"), "windows")
    if dead_letters is None or isinstance(dead_letters, pd.DataFrame | Mapping):
        letters = as_frame({"reason": []} if dead_letters is None else dead_letters)
        need(letters, ("reason",), "dead letters")
    else:
        letters = pd.DataFrame({"reason": list(dead_letters)}, dtype=object)
    letters = pd.DataFrame({"reason": letters["reason"], "event_time": pd.NaT})
    letters["event_time"] = pd.to_datetime(letters["event_time"], utc=True)
    figure.set_facecolor(look.paper)
    draw_overview(figure, summarise(found, spans, letters), texts, look)
    return figure


def _draw(panel: Panel, axes: Axes, metric: str, texts: Texts, theme: Theme) -> Axes:
    times = [*(part.times for part in (panel.readings, panel.anomalies)), panel.windows.start, panel.windows.end]
    filled = [part for part in times if len(part)]
    if filled:
        span = min(int(part.min()) for part in filled), max(int(part.max()) for part in filled)
        scale = shared_scale([panel], span, deviation=True)
        bounds = [texts.quantity(bound, metric) for bound in panel.thresholds]
        draw_panel(axes, panel, scale, bounds, deviation=True, theme=theme)
        _label(axes, panel, texts)
    style_time_axis(axes, texts)
    style_values(axes, texts)
    if metric:
        axes.set_ylabel(texts.value_axis(metric))
    return axes


def _label(axes: Axes, panel: Panel, texts: Texts) -> None:
    """Say what is what in `axes.legend`."""
    names = {
        "readings": texts.normal.format(count=texts.integer(len(panel.readings))),
        "anomalies": texts.anomalies.format(count=texts.integer(len(panel.anomalies))),
        "mean": texts.window_mean.format(count=texts.integer(len(panel.windows))),
        "range": texts.window_range,
        "deviation": texts.window_deviation,
    }
    for artist in axes.get_children():
        if artist.get_gid() in names and str(artist.get_label()).startswith("_"):
            artist.set_label(names[str(artist.get_gid())])


def _lines(thresholds: Sequence[float] | None, anomalies: pd.DataFrame | None) -> tuple[float, ...]:
    if thresholds is not None:
        return tuple(sorted(thresholds))
    if anomalies is None or "threshold" not in anomalies:
        return ()
    return thresholds_of(anomalies.reindex(columns=["threshold", "threshold_upper"]))


def _words(language: str) -> Texts:
    if language not in TEXTS:
        raise ValueError(f"language {language!r}: not one of {', '.join(TEXTS)}")
    return TEXTS[language]


def _look(theme: str) -> Theme:
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r}: not one of {', '.join(THEMES)}")
    return THEMES[theme]
