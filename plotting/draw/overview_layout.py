"""Lay out an overview: a heat map and a timeline on a shared time axis, above two bar charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from plotting.data.overview_counts import MAX_BARS, Overview
from plotting.draw.bars import bars_of, draw_bars, merge_rare_bars
from plotting.draw.chart_parts import LABEL_SIZE_PT, apply_theme, escape_math, shorten
from plotting.draw.coverage import draw_coverage
from plotting.draw.heatmap import draw_heatmap
from plotting.draw.time_axis import style_time_axis, to_days
from plotting.style.texts import Texts
from plotting.style.themes import Theme

_ROW_IN, _LEAST_IN, _TITLE_IN, _TICKS_IN = 0.27, 0.6, 0.4, 0.55
_KEYS_IN: Final = 0.3  # height of the legend below the bars
_FIXED_IN: Final = 3 * _TITLE_IN + _TICKS_IN + _KEYS_IN
_LEFT_IN, _RIGHT_IN = 0.75, 1.5


def overview_height(overview: Overview) -> float:
    """Return the natural height of an overview in inches, without the space above its first title."""
    return sum(_rows(overview)) + _FIXED_IN


def _rows(overview: Overview) -> tuple[float, float, float]:
    devices = max(_LEAST_IN, _ROW_IN * len(overview.devices))
    bars = max(min(len(overview.rules), MAX_BARS + 1), min(len(overview.reasons), MAX_BARS + 1))
    return devices, devices, max(2 * _LEAST_IN, _ROW_IN * bars)


@dataclass(frozen=True)
class _OverviewLayout:
    """Figure filled from its top edge; width and height in inches."""

    figure: Figure | SubFigure
    width: float
    height: float

    def add_axes(self, left: float, right: float, top: float, height: float) -> Axes:
        """Add axes; all arguments in inches, `right` and `top` measured from those edges."""
        across, up = max(self.width - left - right, 0.1), max(height, 0.05)
        place = (left / self.width, 1 - (top + up) / self.height, across / self.width, up / self.height)
        return self.figure.add_axes(place)


def draw_overview(
    figure: Figure | SubFigure,
    overview: Overview,
    texts: Texts,
    theme: Theme,
    *,
    top_in: float = 0.0,
    bottom_in: float = 0.1,
) -> None:
    """Fill a figure with an overview; all rows are scaled if the natural height does not fit.

    Args:
        figure: figure or subfigure, at least about 7 inches wide.
        overview: content.
        texts: texts of the language.
        theme: colours.
        top_in: space left free above, inches.
        bottom_in: space left free below, inches.
    """
    dpi = figure.dpi
    layout = _OverviewLayout(figure, figure.bbox.width / dpi, figure.bbox.height / dpi)
    scale = max(layout.height - top_in - bottom_in - _FIXED_IN, 0.5) / sum(_rows(overview))
    heat_in, cover_in, bars_in = (scale * height for height in _rows(overview))
    names = [shorten(name) for name in overview.devices]
    rules, reasons = (merge_rare_bars(bars, texts) for bars in bars_of(overview))
    left = _left_of([*names, *(name for name, _ in rules)])
    top = top_in + _TITLE_IN
    heat_axes = layout.add_axes(left, _RIGHT_IN, top, heat_in)
    colors = layout.add_axes(layout.width - _RIGHT_IN + 0.15, _RIGHT_IN - 0.25, top, heat_in)
    top += heat_in + _TITLE_IN
    cover_axes = layout.add_axes(left, _RIGHT_IN, top, cover_in)
    top += cover_in + _TICKS_IN + _TITLE_IN
    half = layout.width / 2
    rules_axes = layout.add_axes(left, half + 0.1, top, bars_in)
    reasons_axes = layout.add_axes(half + 0.2 + _left_of([name for name, _ in reasons]), 0.6, top, bars_in)

    for axes in (heat_axes, cover_axes, rules_axes, reasons_axes):
        apply_theme(axes, theme)
    draw_heatmap(heat_axes, colors, overview, texts, theme)
    draw_coverage(cover_axes, overview, texts, theme)
    _share_time(heat_axes, cover_axes, overview, names, texts, theme)
    draw_bars(rules_axes, rules, texts.by_rule, texts.no_anomalies, texts, theme, lambda key: texts.severity(key))
    draw_bars(reasons_axes, reasons, texts.by_reason, texts.no_letters, texts, theme, None)


def _left_of(names: Sequence[str]) -> float:
    """Return the space in inches that names need to the left of a chart in the active font."""
    font = FontProperties(size=LABEL_SIZE_PT)
    widths = (text_to_path.get_text_width_height_descent(name, font, ismath=False)[0] for name in names)
    return max([_LEFT_IN, *(width / 72 + 0.25 for width in widths)])


def _share_time(heat: Axes, cover: Axes, overview: Overview, names: Sequence[str], texts: Texts, theme: Theme) -> None:
    """Give both charts the same time axis, labelled below the lower one, and the device names as row labels."""
    if overview.span is None:
        return
    start, end = overview.span
    if overview.heat is not None:
        start, end = min(start, int(overview.heat.edges[0])), max(end, int(overview.heat.edges[-1]))
    first, last = to_days(np.array([start, end]))
    margin = (last - first) * 0.002 or 1 / 1440
    filled = [overview.heat is not None, any(map(len, overview.covered))]
    shown = [axes for axes, full in zip((heat, cover), filled, strict=True) if full]
    for axes in shown:
        axes.set_xlim(first - margin, last + margin)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), labels=[escape_math(name) for name in names])
        axes.tick_params(axis="y", length=0)
        style_time_axis(axes, texts)
        axes.xaxis.label.set(fontsize=9, color=theme.label)
        axes.xaxis.offsetText.set(fontsize=LABEL_SIZE_PT, color=theme.label)
        axes.spines["bottom"].set_visible(True)
        axes.spines["bottom"].set_color(theme.edge)
    for axes in shown[:-1]:
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)
        axes.xaxis.offsetText.set_visible(False)
