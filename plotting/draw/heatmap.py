"""Draw the number of anomalies per device and time step as a heat map with a colour scale."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgb
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from plotting.data.overview_counts import Heatmap, Overview
from plotting.draw.chart_parts import LABEL_SIZE_PT, set_title, write_placeholder
from plotting.draw.time_axis import to_days
from plotting.style.texts import Texts
from plotting.style.themes import Theme

_LINEAR_UP_TO: Final = 20
_WRITTEN_FROM_IN: Final = 0.34  # least width of a cell that shows its count


def draw_heatmap(axes: Axes, colors: Axes, overview: Overview, texts: Texts, theme: Theme) -> None:
    """Draw the cells into `axes` and the colour scale into `colors`; without anomalies, `colors` is removed."""
    heat = overview.heat
    if heat is None:
        colors.remove()
        set_title(axes, texts.per_hour, theme)
        return write_placeholder(axes, texts.no_anomalies, theme)
    set_title(axes, texts.heat_title(heat.step_us), theme)
    most = max(int(heat.counts.max()), 1)
    norm = Normalize(0, most) if most <= _LINEAR_UP_TO else LogNorm(1, most)
    colormap = LinearSegmentedColormap.from_list("counts", theme.counts)
    rows = np.arange(len(overview.devices) + 1) - 0.5
    cells = np.ma.masked_equal(heat.counts, 0)
    edges = to_days(heat.edges)
    axes.pcolormesh(edges, rows, cells, cmap=colormap, norm=norm, zorder=2, rasterized=True, gid="heat")
    for row in rows[1:-1]:
        axes.axhline(row, color=theme.paper, linewidth=1.5, zorder=3)
    bar = axes.figure.colorbar(ScalarMappable(norm, colormap), cax=colors)
    bar.outline.set_visible(False)
    if isinstance(norm, LogNorm):
        colors.yaxis.set_major_locator(LogLocator(10))
    else:
        colors.yaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    colors.yaxis.set_minor_locator(NullLocator())
    colors.yaxis.set_minor_formatter(NullFormatter())
    colors.yaxis.set_major_formatter(FuncFormatter(lambda value, _pos: texts.integer(round(value))))
    colors.tick_params(color=theme.edge, labelcolor=theme.label, labelsize=LABEL_SIZE_PT)
    return _write_counts(axes, heat, overview, norm, colormap, texts)


def _write_counts(
    axes: Axes,
    heat: Heatmap,
    overview: Overview,
    norm: Normalize,
    colormap: LinearSegmentedColormap,
    texts: Texts,
) -> None:
    """Write the count into each cell, if the cells are large enough."""
    start, end = overview.span or (int(heat.edges[0]), int(heat.edges[-1]))
    extent = axes.get_window_extent()
    wide = extent.width / axes.figure.dpi * heat.step_us / max(end - start, heat.step_us)
    high = extent.height / axes.figure.dpi / len(overview.devices)
    if wide < _WRITTEN_FROM_IN or high < 0.18:
        return
    middles = to_days(heat.edges[:-1] + heat.step_us // 2)
    for row, column in zip(*np.nonzero(heat.counts), strict=True):
        count = int(heat.counts[row, column])
        red, green, blue = to_rgb(colormap(norm(count)))
        ink = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"
        text = texts.integer(count)
        axes.text(middles[column], row, text, ha="center", va="center", fontsize=7, color=ink, zorder=4, gid="count")
