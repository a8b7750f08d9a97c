"""Draw the timeline of a backtest: a row for each rule and device, incidents as bars, labelled faults behind.

Below it are the readings of some series, with what their rules had learned.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pipeline.backtest.run_backtest import BacktestReport
from plotting.backtest.learned_axes import BETWEEN_IN, PANEL_IN, draw_series
from plotting.backtest.learned_series import TracedSeries
from plotting.backtest.timeline_rows import BarSpan, Timeline, timeline_of
from plotting.draw.captions import Captions, write_captions
from plotting.draw.chart_parts import (
    LABEL_SIZE_PT,
    add_chart_legend,
    apply_theme,
    escape_math,
    shorten,
    write_placeholder,
)
from plotting.draw.draw_panels import WIDTH_IN
from plotting.draw.time_axis import style_time_axis, to_days
from plotting.figures import FILE_METADATA, picture_bytes
from plotting.style.texts import TEXTS, Texts
from plotting.style.themes import LIGHT, Theme
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog

_TOP_IN, _BOTTOM_IN, _ROW_IN, _LEAST_IN = 1.05, 0.85, 0.24, 0.6
_LEFT_IN, _RIGHT_IN = 3.1, 0.35
_BETWEEN_IN: Final = 0.4  # for the labels of the time axis
_FAULT_OPACITY: Final = 0.25


def check_picture(path: str) -> None:
    """Check that a path names a picture.

    Raises:
        ConfigError: if its suffix is not that of a picture.
    """
    if _suffix(path) not in FILE_METADATA:
        raise ConfigError("--picture", path, f"not a picture's name, it ends in .{', .'.join(FILE_METADATA)}")


def timeline_picture(
    report: BacktestReport, path: str, traced: Sequence[TracedSeries] = (), catalog: MetricCatalog = DEFAULT_CATALOG
) -> bytes:
    """Return the picture in the format that the suffix of a path names; for the arguments see `timeline_figure`."""
    with LIGHT.style():
        figure = timeline_figure(report, traced, catalog)
    return picture_bytes(figure, _suffix(path))


def timeline_figure(
    report: BacktestReport, traced: Sequence[TracedSeries] = (), catalog: MetricCatalog = DEFAULT_CATALOG
) -> Figure:
    """Return the timeline as a figure; the style sheet of the light theme must be active.

    Args:
        report: what was found.
        traced: series whose readings are drawn below it.
        catalog: units and labels of their metrics.
    """
    texts, theme = TEXTS["en"].of_metrics(catalog), LIGHT
    timeline = timeline_of(report)
    body = max(_LEAST_IN, _ROW_IN * len(timeline.rows))
    below = len(traced) * (PANEL_IN + BETWEEN_IN) + (_BETWEEN_IN if traced else 0)
    height = _TOP_IN + body + below + _BOTTOM_IN
    figure = Figure(figsize=(WIDTH_IN, height))
    FigureCanvasAgg(figure)
    across = (WIDTH_IN - _LEFT_IN - _RIGHT_IN) / WIDTH_IN
    axes = figure.add_axes((_LEFT_IN / WIDTH_IN, (_BOTTOM_IN + below) / height, across, body / height))
    apply_theme(axes, theme)
    if timeline.rows:
        _draw_rows(axes, timeline, report, texts, theme)
        draw_series(figure, traced, axes, _BOTTOM_IN - _BETWEEN_IN, (report.first_us, report.last_us), texts, theme)
    else:
        write_placeholder(axes, "No incidents", theme)
    write_captions(figure, _captions(report, timeline, texts), theme)
    return figure


def _draw_rows(axes: Axes, timeline: Timeline, report: BacktestReport, texts: Texts, theme: Theme) -> None:
    compared = report.against is not None
    height = 0.34 if compared else 0.6
    for number, row in enumerate(timeline.rows):
        faults, ours, theirs = map(_bars, (row.faults, row.incidents, row.against))
        axes.broken_barh(
            faults, (number - 0.5, 1), color=theme.quiet, alpha=_FAULT_OPACITY, linewidth=0.6, zorder=1, gid="fault"
        )
        color = theme.severities.get(row.severity, theme.quiet)
        # The edge keeps an incident of seconds visible on an axis of days.
        low = number - (0.36 if compared else 0.3)
        axes.broken_barh(ours, (low, height), color=color, linewidth=0.8, zorder=3, gid="incident")
        axes.broken_barh(theirs, (number + 0.02, height), color=theme.blue, linewidth=0.8, zorder=3, gid="against")
    first, last = to_days(np.array([report.first_us, report.last_us])).tolist()
    margin = (last - first) * 0.01 or 1 / 1440
    axes.set_xlim(first - margin, last + margin)
    axes.set_ylim(len(timeline.rows) - 0.5, -0.5)
    names = [
        f"{shorten(row.rule_id or 'no incident')} · {shorten(row.device or 'the source')}" for row in timeline.rows
    ]
    axes.set_yticks(range(len(names)), labels=list(map(escape_math, names)))
    axes.tick_params(axis="y", length=0)
    for number in range(1, len(names)):
        axes.axhline(number - 0.5, color=theme.grid, linewidth=0.6, zorder=0)
    style_time_axis(axes, texts)
    axes.xaxis.label.set(fontsize=9, color=theme.label)
    axes.xaxis.offsetText.set(fontsize=LABEL_SIZE_PT, color=theme.label)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(theme.edge)
    add_chart_legend(axes, _keys(timeline, report, texts, theme), theme, "lower right", (1, 1))


def _keys(timeline: Timeline, report: BacktestReport, texts: Texts, theme: Theme) -> list[Patch]:
    name = f"{shorten(Path(report.judged.name).name)}: " if report.against is not None else ""
    found = {row.severity for row in timeline.rows if row.incidents}
    keys = [
        Patch(color=color, linewidth=0, label=f"{name}{texts.severity(severity)}")
        for severity, color in theme.severities.items()
        if severity in found
    ]
    if report.against is not None:
        keys.append(Patch(color=theme.blue, linewidth=0, label=shorten(Path(report.against.name).name)))
    if any(row.faults for row in timeline.rows):
        keys.append(Patch(color=theme.quiet, alpha=_FAULT_OPACITY, linewidth=0, label="labelled fault"))
    return keys


def _captions(report: BacktestReport, timeline: Timeline, texts: Texts) -> Captions:
    parts = [
        f"{texts.moment(report.first_us)} – {texts.moment(report.last_us)} UTC",
        texts.counted(texts.devices, report.devices),
        f"{texts.integer(len(report.judged.incidents))} incidents of {Path(report.judged.name).name}",
    ]
    if report.against is not None:
        parts.append(f"{texts.integer(len(report.against.incidents))} of {Path(report.against.name).name}")
    if report.labels is not None:
        parts.append(f"{texts.integer(len(report.labels.faults))} labelled faults")
    remarks = (f"{timeline.left_out} more rows are not shown",) if timeline.left_out else ()
    return Captions("Incidents by rule and device", "  ·  ".join(parts), remarks)


def _bars(spans: Sequence[BarSpan]) -> list[tuple[float, float]]:
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    return list(zip(to_days(starts).tolist(), to_days(ends - starts).tolist(), strict=True))


def _suffix(path: str) -> str:
    return Path(path).suffix.lower().removeprefix(".")
