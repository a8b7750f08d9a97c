"""Draw panels on Matplotlib axes: anomalies in red above readings or windows in blue."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from plotting.data.downsample import MetricValues, Windows, break_at_gaps, merge_windows, thin_points
from plotting.data.panels import IncidentSpan, Panel
from plotting.draw.learned_bands import draw_learned, learned_edges
from plotting.draw.time_axis import DAY_US, style_time_axis, to_days
from plotting.style.texts import Texts
from plotting.style.themes import LIGHT, Theme

RANGE_OPACITY: Final = 0.3  # opacity of the minimum–maximum band
DEVIATION_OPACITY: Final = 0.4  # opacity of the standard deviation band, drawn over it
INCIDENT_OPACITY: Final = 0.14  # opacity of the time of an incident, behind everything
_INCIDENT_EDGE_OPACITY: Final = 0.55  # its edges keep an incident of seconds visible on an axis of days
_DOTS_UP_TO: Final = 60  # most windows whose means are marked by dots
DASHES: Final = (0, (5, 3))
WIDTH_IN, LEFT_IN, _RIGHT_IN = 11.0, 0.75, 0.55
_TOP_IN, _BOTTOM_IN, _GAP_IN = 1.12, 0.78, 0.38
COLUMNS: Final = 1400  # width of a panel in pixels at the style's resolution
_ROWS_PER_INCH: Final = 150
_LINE_IN: Final = 0.14  # height of a threshold's label
_PANEL_IN: Final = ((1, 4.6), (2, 2.8), (4, 2.2), (12, 1.5))  # (most panels, height of each)


@dataclass(frozen=True)
class Scale:
    """Time span (microseconds, UTC) and value range shared by all panels."""

    span: tuple[int, int]
    low: float
    high: float


def new_figure(panels: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with that many panels below each other, which share both axes."""
    height = next((inches for most, inches in _PANEL_IN if panels <= most), _PANEL_IN[-1][1])
    total = _TOP_IN + _BOTTOM_IN + panels * height + (panels - 1) * _GAP_IN
    figure = Figure(figsize=(WIDTH_IN, total))
    FigureCanvasAgg(figure)
    grid = figure.subplots(panels, 1, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=LEFT_IN / WIDTH_IN,
        right=1 - _RIGHT_IN / WIDTH_IN,
        top=1 - _TOP_IN / total,
        bottom=_BOTTOM_IN / total,
        hspace=_GAP_IN / height,
    )
    return figure, list(grid[:, 0])


def shared_scale(panels: Sequence[Panel], span: tuple[int, int], *, deviation: bool = False) -> Scale:
    """Return the scale that fits all values and thresholds of the panels and, with `deviation`, their deviations."""
    values = [
        part
        for panel in panels
        for part in (
            panel.readings.values,
            panel.anomalies.values,
            panel.windows.min,
            panel.windows.max,
            np.array(panel.thresholds),
            *(deviation_band(panel.windows) if deviation else ()),
            *(edge for band in panel.learned for edge in learned_edges(band, span)),
        )
        if len(part)
    ]
    low, high = min(float(part.min()) for part in values), max(float(part.max()) for part in values)
    margin = (high - low) * 0.06 or max(abs(high) * 0.05, 0.5)
    return Scale(span, low - margin, high + margin)


def deviation_band(windows: Windows) -> tuple[MetricValues, MetricValues]:
    """Return the mean minus and plus one standard deviation of each window."""
    return windows.mean - windows.stddev, windows.mean + windows.stddev


def draw_panel(
    axes: Axes, panel: Panel, scale: Scale, bounds: Sequence[str], *, deviation: bool = False, theme: Theme = LIGHT
) -> int:
    """Draw one device and return the number of points (or windows) drawn after thinning.

    Args:
        axes: Target.
        panel: Content.
        scale: Time span and value range shared by all panels.
        bounds: Label of each of the panel's thresholds, written beside its line.
        deviation: Whether to draw the band of the windows' standard deviation.
        theme: Colours.
    """
    _draw_incidents(axes, panel.incidents, scale, theme)
    draw_learned(axes, panel.learned, _beyond_us(scale), theme)
    if len(panel.windows):
        drawn = _draw_windows(axes, panel, scale, deviation, theme)
    else:
        drawn = _draw_readings(axes, panel, scale, theme)
    for threshold, text, up in zip(
        panel.thresholds, bounds, _separate_labels(axes, panel.thresholds, scale), strict=True
    ):
        axes.axhline(threshold, color=theme.red, linestyle=DASHES, linewidth=0.9, alpha=0.85, zorder=3, gid="threshold")
        place, beside = axes.get_yaxis_transform(), 1.004
        bound = axes.text(beside, up, text, color=theme.red, va="center", fontsize=8, transform=place, gid="bound")
        bound.set_parse_math(False)  # a unit may contain dollar signs
    if len(panel.anomalies):
        axes.scatter(
            to_days(panel.anomalies.times),
            panel.anomalies.values,
            s=9,
            color=theme.red,
            linewidths=0,
            zorder=4,
            rasterized=True,
            gid="anomalies",
        )
    return drawn


def _draw_incidents(axes: Axes, incidents: Sequence[IncidentSpan], scale: Scale, theme: Theme) -> None:
    """Shade the times of incidents; an open one reaches beyond the right edge of the panel."""
    for severity, start_us, end_us in _joined(incidents, _beyond_us(scale)):
        start, end = to_days(np.array([start_us, end_us])).tolist()
        color = theme.severities.get(severity, theme.quiet)
        face, edge = (color, INCIDENT_OPACITY), (color, _INCIDENT_EDGE_OPACITY)
        axes.axvspan(start, end, facecolor=face, edgecolor=edge, linewidth=0.6, zorder=0.6, gid="incident")


def _beyond_us(scale: Scale) -> int:
    """Return a time beyond the right edge of a panel."""
    return 2 * scale.span[1] - scale.span[0] + DAY_US


def _joined(incidents: Sequence[IncidentSpan], beyond_us: int) -> list[tuple[str, int, int]]:
    """Return severity, start and end of shaded times; incidents of a severity that overlap are one, and no darker."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for one in sorted(incidents, key=lambda one: one.start_us):
        end_us = beyond_us if one.end_us is None else one.end_us
        times = found.setdefault(one.severity, [])
        if times and one.start_us <= times[-1][2]:
            end_us = max(end_us, times[-1][2])
            times[-1] = (one.severity, times[-1][1], end_us)
        else:
            times.append((one.severity, one.start_us, end_us))
    return [time for times in found.values() for time in times]


def _separate_labels(axes: Axes, thresholds: Sequence[float], scale: Scale) -> list[float]:
    """Return label positions for the thresholds (ascending), moved apart where labels would overlap."""
    height = axes.get_window_extent().height / axes.figure.dpi
    least = _LINE_IN / height * (scale.high - scale.low)
    places = list(thresholds)
    for _ in range(len(places)):
        for low, high in itertools.pairwise(range(len(places))):
            lacking = least - (places[high] - places[low])
            if lacking > 0:
                places[low] -= lacking / 2
                places[high] += lacking / 2
    return places


def _draw_readings(axes: Axes, panel: Panel, scale: Scale, theme: Theme) -> int:
    points = panel.readings
    rows = int(axes.get_window_extent().height / axes.figure.dpi * _ROWS_PER_INCH)
    kept = thin_points(points.times, points.values, scale.span, COLUMNS, rows)
    axes.scatter(
        to_days(points.times[kept]),
        points.values[kept],
        s=3,
        color=theme.blue,
        linewidths=0,
        zorder=2,
        rasterized=True,
        gid="readings",
    )
    return len(kept) + len(panel.anomalies)


def _draw_windows(axes: Axes, panel: Panel, scale: Scale, deviation: bool, theme: Theme) -> int:
    merged = merge_windows(panel.windows, scale.span, COLUMNS)
    line = break_at_gaps(merged)
    middles = line.start + (line.end - line.start) // 2
    # Each window is one rectangle of the band, as wide as the window is long or, where windows overlap, as their step.
    # Interpolation between middles would turn a single high window into a spike, and hide a window without neighbours.
    width = line.end - line.start
    if (merged.start[1:] < merged.end[:-1]).any():
        width = np.minimum(width, int(np.median(np.diff(merged.start))))
    edges = to_days(np.stack([middles - width // 2, middles + width - width // 2], axis=1).ravel())
    low, high = np.repeat(line.min, 2), np.repeat(line.max, 2)
    axes.fill_between(edges, low, high, color=theme.blue, alpha=RANGE_OPACITY, linewidth=0, zorder=1.8, gid="range")
    if deviation:
        below, above = (np.repeat(bound, 2) for bound in deviation_band(line))
        axes.fill_between(
            edges, below, above, color=theme.blue, alpha=DEVIATION_OPACITY, linewidth=0, zorder=1.9, gid="deviation"
        )
    marker = "o" if len(merged) <= _DOTS_UP_TO else ""
    axes.plot(to_days(middles), line.mean, color=theme.blue, marker=marker, markersize=3, zorder=2, gid="mean")
    return len(merged)


def label_axes(
    figure: Figure, grid: Sequence[Axes], scale: Scale, metric: str, texts: Texts, theme: Theme = LIGHT
) -> None:
    """Set the shared limits, the ticks and the labels of the axes."""
    start, end = to_days(np.array(scale.span, dtype=np.int64))
    margin = (end - start) * 0.01 or 1 / 1440
    for axes in grid:
        axes.set_xlim(start - margin, end + margin)
        axes.set_ylim(scale.low, scale.high)
        style_value_axis(axes, texts)
    style_time_axis(grid[-1], texts)
    if len(grid) == 1:
        grid[0].set_ylabel(texts.value_axis(metric), parse_math=False)
    else:
        label, place = texts.value_axis(metric), 0.18 / WIDTH_IN
        figure.supylabel(label, x=place, ha="left", fontsize=9, color=theme.label, parse_math=False)


def style_value_axis(axes: Axes, texts: Texts) -> None:
    """Set at most six value ticks, formatted by the language's rules."""
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _pos: texts.number(value)))
