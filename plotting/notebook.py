"""Draw the same pictures on the caller's axes, for notebooks: ``from plotting import scatter, trend, overview``.

Each function takes arrays or data frames and the target axes or figure, and returns the target. Matplotlib's settings
are not changed, and colours that carry meaning do not depend on them. All artists have labels for ``axes.legend()``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from plotting.data.downsample import Windows
from plotting.data.notebook_inputs import (
    TableInput,
    TimesAndValues,
    as_frame,
    finite_points,
    read_points,
    read_times,
    require_columns,
    single_series,
    with_utc_times,
)
from plotting.data.overview_counts import count_overview
from plotting.data.panels import Panel, Points, breached_thresholds
from plotting.draw.draw_panels import draw_panel, shared_scale, style_value_axis
from plotting.draw.overview_layout import draw_overview
from plotting.draw.time_axis import style_time_axis
from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import THEMES, Theme
from telemetry.feed.default_feed import metric_catalog
from telemetry.feed.feed import Feed

AnyFigure = TypeVar("AnyFigure", Figure, SubFigure)

_TIMES: Final = ("time", "event_time", "source_time")
_STATISTICS: Final = ("mean", "min", "max", "stddev")
_EMPTY: Final = np.empty(0, dtype=np.int64)
_NO_POINTS: Final = Points(_EMPTY, _EMPTY.astype(np.float64))
_NO_WINDOWS: Final = Windows(_EMPTY, _EMPTY, _EMPTY, *[_EMPTY.astype(np.float64)] * 4)


def scatter(
    readings: TableInput | TimesAndValues,
    axes: Axes,
    *,
    anomalies: TableInput | TimesAndValues | np.ndarray[Any, np.dtype[np.bool_]] | None = None,
    thresholds: Sequence[float] | None = None,
    metric: str = "",
    language: str = "en",
    theme: str = "light",
    feed: Feed | None = None,
) -> Axes:
    """Draw readings of one device against time: normal readings in blue, anomalies in red above them.

    Args:
        readings: n readings: (times, values), or a table with the columns `time` (or `event_time`, or `source_time`)
            and `value` (or a column named like the metric, as in the job's archive). Times are datetime64 (UTC if
            without a zone) or integer microseconds since the epoch; values are in the metric's unit. Readings without
            a time or a finite value are left out.
        axes: Target; its limits, grid and style are kept.
        anomalies: n booleans that mark the anomalous readings; or (times, values) or a table as the job stores it
            (`event_time`, `value`, `threshold`), drawn at those times. A reading at the time of an anomaly is not
            drawn in blue.
        thresholds: Values of dashed lines, in the metric's unit; None takes the bounds from the table of anomalies.
        metric: Name of the metric, for the column and the label of the value axis.
        language: ``en`` or ``fr``.
        theme: Colours that suit a ``light`` or a ``dark`` background; the background itself is not changed.
        feed: The feed from `telemetry.feed.parse.load_feed`, whose units and labels are shown; None shows those of the
            founding data set.

    Returns:
        The axes. Of more than a few thousand readings, only those distinguishable at the picture's resolution are
        drawn, always including extremes and anomalies.

    Raises:
        ValueError: if columns are missing, lengths differ, there are several devices, or a name is unknown.
    """
    texts, look = _texts_in(language, feed), _theme_named(theme)
    points, column = read_points(readings, metric, _TIMES, "readings")
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
        red, _ = read_points(anomalies, metric, (column, first, *_TIMES), "anomalies")
        normal = ~np.isin(points.times, red.times)
        points = Points(points.times[normal], points.values[normal])
    lines = _bounds(thresholds, table)
    panel = Panel("", finite_points(points), _NO_WINDOWS, finite_points(red), lines)
    return _draw(panel, axes, metric, texts, look)


def trend(
    windows: TableInput,
    axes: Axes,
    *,
    anomalies: TableInput | TimesAndValues | None = None,
    thresholds: Sequence[float] | None = None,
    metric: str = "",
    language: str = "en",
    theme: str = "light",
    feed: Feed | None = None,
) -> Axes:
    """Draw the windows of one metric of one device: mean, minimum to maximum, and standard deviation.

    Args:
        windows: A table as the job stores it, with one row per window and the columns `window_start` and `window_end`
            (datetime64, UTC if without a zone, or integer microseconds since the epoch), `mean`, `min`, `max` and
            `stddev` (in the metric's unit). Optional columns: `count` (readings, the weights when very many windows
            are merged) and `pane_index` (only the last pane of a window is drawn). The line is interrupted at gaps.
        axes: Target; its limits, grid and style are kept.
        anomalies: Red points: (times, values), or a table as the job stores it (`event_time`, `value`, `threshold`).
        thresholds: Values of dashed lines, in the metric's unit; None takes the bounds from the table of anomalies.
        metric: Name of the metric, for the label of the value axis; if a table has a column `metric`, only the rows
            of this metric are drawn.
        language: ``en`` or ``fr``.
        theme: Colours that suit a ``light`` or a ``dark`` background; the background itself is not changed.
        feed: The feed from `telemetry.feed.parse.load_feed`, whose units and labels are shown; None shows those of the
            founding data set.

    Returns:
        The axes.

    Raises:
        ValueError: if columns are missing, there are several devices or metrics, or a name is unknown.
    """
    texts, look = _texts_in(language, feed), _theme_named(theme)
    frame = single_series(as_frame(windows), metric, "windows")
    require_columns(frame, ("window_start", "window_end", *_STATISTICS), "windows")
    start, end = read_times(frame["window_start"]), read_times(frame["window_end"])
    pane = frame["pane_index"].to_numpy() if "pane_index" in frame else np.zeros(len(frame))
    order = np.lexsort((pane, end, start))
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (np.diff(start[order]) != 0) | (np.diff(end[order]) != 0)
    kept = order[last]
    count = frame["count"].to_numpy(np.int64) if "count" in frame else np.ones(len(frame), dtype=np.int64)
    statistics = [frame[name].to_numpy(np.float64)[kept] for name in _STATISTICS]
    window_arrays = Windows(start[kept], end[kept], count[kept], *statistics)
    red, table = _NO_POINTS, None
    if anomalies is not None:
        table = None if isinstance(anomalies, tuple) else single_series(as_frame(anomalies), metric, "anomalies")
        red, _ = read_points(anomalies if table is None else table, metric, ("event_time", *_TIMES), "anomalies")
    panel = Panel("", _NO_POINTS, window_arrays, finite_points(red), _bounds(thresholds, table))
    return _draw(panel, axes, metric, texts, look)


def overview(
    anomalies: TableInput,
    figure: AnyFigure,
    *,
    windows: TableInput | None = None,
    dead_letters: TableInput | Sequence[str] | None = None,
    language: str = "en",
    theme: str = "light",
) -> AnyFigure:
    """Fill a figure with an overview of a run: anomalies by device and time and by rule, dead letters, gaps.

    Args:
        anomalies: A table as the job stores it, with the columns `device`, `rule_id`, `severity` and `event_time`
            (datetime64, UTC if without a zone, or integer microseconds since the epoch); if it has a column
            `anomaly_id`, repetitions are counted once.
        figure: An empty figure or subfigure, at least about 9 × 6 inches; its background becomes the theme's.
        windows: A table with the columns `device`, `window_start` and `window_end` of each window with data, of any
            metric; without it the timeline of gaps is empty.
        dead_letters: The reason of each dead letter, or a table with the column `reason`.
        language: ``en`` or ``fr``.
        theme: ``light`` or ``dark``.

    Returns:
        The figure.

    Raises:
        ValueError: if columns are missing, or a name is unknown.
    """
    texts, look = _texts_in(language), _theme_named(theme)
    found = with_utc_times(as_frame(anomalies), ("device", "rule_id", "severity"), ("event_time",), "anomalies")
    if "anomaly_id" in found:
        found = found.drop_duplicates("anomaly_id")
    window_arrays = {"device": [], "window_start": _EMPTY, "window_end": _EMPTY} if windows is None else windows
    spans = with_utc_times(as_frame(window_arrays), ("device",), ("window_start", "window_end"), "windows")
    if dead_letters is None or isinstance(dead_letters, pd.DataFrame | Mapping):
        letters = as_frame({"reason": []} if dead_letters is None else dead_letters)
        require_columns(letters, ("reason",), "dead letters")
    else:
        letters = pd.DataFrame({"reason": list(dead_letters)}, dtype=object)
    letters = pd.DataFrame({"reason": letters["reason"], "event_time": pd.NaT})
    letters["event_time"] = pd.to_datetime(letters["event_time"], utc=True)
    figure.set_facecolor(look.paper)
    draw_overview(figure, count_overview(found, spans, letters), texts, look)
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
    style_value_axis(axes, texts)
    if metric:
        axes.set_ylabel(texts.value_axis(metric), parse_math=False)
    return axes


def _label(axes: Axes, panel: Panel, texts: Texts) -> None:
    """Set the labels that `axes.legend` shows."""
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


def _bounds(thresholds: Sequence[float] | None, anomalies: pd.DataFrame | None) -> tuple[float, ...]:
    if thresholds is not None:
        return tuple(sorted(thresholds))
    if anomalies is None or "threshold" not in anomalies:
        return ()
    return breached_thresholds(anomalies.reindex(columns=["threshold", "threshold_upper"]))


def _texts_in(language: str, feed: Feed | None = None) -> Texts:
    if language not in TEXTS:
        raise ValueError(f"language {language!r}: not one of {', '.join(TEXTS)}")
    return TEXTS[language] if feed is None else TEXTS[language].of_metrics(metric_catalog(feed))


def _theme_named(theme: str) -> Theme:
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r}: not one of {', '.join(THEMES)}")
    return THEMES[theme]
