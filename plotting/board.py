"""Draws an overview: a heat map above a timeline of the data on one time axis, and two charts of bars under them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from plotting.summaries import MAX_BARS, Heat, Overview, Spans
from plotting.texts import Texts, visible
from plotting.themes import Theme
from plotting.timeaxis import style_time_axis, to_days

_ROW_IN, _LEAST_IN, _TITLE_IN, _TICKS_IN = 0.27, 0.6, 0.4, 0.55
_KEYS_IN: Final = 0.3  # of the legend under the bars
_FIXED_IN: Final = 3 * _TITLE_IN + _TICKS_IN + _KEYS_IN
_LEFT_IN, _RIGHT_IN = 0.75, 1.5
_LABEL: Final = 8.5  # points
_LONGEST: Final = 22  # characters of a name beside a row
_LINEAR_UP_TO: Final = 20
_WRITTEN_FROM_IN: Final = 0.34  # cells at least so wide have their count written in them


def height_of(overview: Overview) -> float:
    """Return how high an overview wants to be, inches, without what is above its first title."""
    return sum(_rows(overview)) + _FIXED_IN


def _rows(overview: Overview) -> tuple[float, float, float]:
    devices = max(_LEAST_IN, _ROW_IN * len(overview.devices))
    bars = max(min(len(overview.rules), MAX_BARS + 1), min(len(overview.reasons), MAX_BARS + 1))
    return devices, devices, max(2 * _LEAST_IN, _ROW_IN * bars)


@dataclass(frozen=True)
class _Board:
    """A figure that is filled from its top."""

    figure: Figure | SubFigure
    width: float
    height: float

    def place(self, left: float, right: float, top: float, height: float) -> Axes:
        """Return axes; all in inches, `right` and `top` from those edges."""
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
    """Fill a figure with an overview; what does not fit at its natural height is drawn lower.

    Args:
        figure: a figure or a part of one, at least about 7 inches wide.
        overview: what is shown.
        texts: the language.
        theme: the colours.
        top_in: what is kept free above, inches.
        bottom_in: and below.
    """
    dpi = figure.dpi
    board = _Board(figure, figure.bbox.width / dpi, figure.bbox.height / dpi)
    scale = max(board.height - top_in - bottom_in - _FIXED_IN, 0.5) / sum(_rows(overview))
    heat_in, cover_in, bars_in = (scale * height for height in _rows(overview))
    names = [shorten(name) for name in overview.devices]
    rules, reasons = (_fold(bars, texts) for bars in _charts(overview))
    left = _left_of([*names, *(name for name, _ in rules)])
    top = top_in + _TITLE_IN
    heat_axes = board.place(left, _RIGHT_IN, top, heat_in)
    colors = board.place(board.width - _RIGHT_IN + 0.15, _RIGHT_IN - 0.25, top, heat_in)
    top += heat_in + _TITLE_IN
    cover_axes = board.place(left, _RIGHT_IN, top, cover_in)
    top += cover_in + _TICKS_IN + _TITLE_IN
    half = board.width / 2
    rules_axes = board.place(left, half + 0.1, top, bars_in)
    reasons_axes = board.place(half + 0.2 + _left_of([name for name, _ in reasons]), 0.6, top, bars_in)

    for axes in (heat_axes, cover_axes, rules_axes, reasons_axes):
        _tone(axes, theme)
    _draw_heat(heat_axes, colors, overview, texts, theme)
    _draw_coverage(cover_axes, overview, texts, theme)
    _share_time(heat_axes, cover_axes, overview, names, texts, theme)
    _draw_bars(rules_axes, rules, texts.by_rule, texts.no_anomalies, texts, theme, lambda key: texts.severity(key))
    _draw_bars(reasons_axes, reasons, texts.by_reason, texts.no_letters, texts, theme, None)


def shorten(name: str) -> str:
    """Return a name short enough to stand beside a row: its middle is left out."""
    name = visible(name)
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"


def _left_of(names: Sequence[str]) -> float:
    """Return the room that names need to the left of a chart, inches, in the font that is in force."""
    font = FontProperties(size=_LABEL)
    widths = (text_to_path.get_text_width_height_descent(name, font, ismath=False)[0] for name in names)
    return max([_LEFT_IN, *(width / 72 + 0.25 for width in widths)])


Bars = list[tuple[str, dict[str, int]]]


def _charts(overview: Overview) -> tuple[Bars, Bars]:
    rules = [(name, dict(by)) for name, by in overview.rules]
    return rules, [(name, {"": count}) for name, count in overview.reasons]


def _fold(bars: Bars, texts: Texts) -> Bars:
    """Join what is rarer than the `MAX_BARS` longest bars."""
    rest = bars[MAX_BARS:]
    shown = [(shorten(name), by) for name, by in bars[:MAX_BARS]]
    if not rest:
        return shown
    joined: dict[str, int] = {}
    for _, by in rest:
        for key, count in by.items():
            joined[key] = joined.get(key, 0) + count
    return [*shown, (texts.others.format(count=texts.integer(len(rest))), joined)]


def _tone(axes: Axes, theme: Theme) -> None:
    """Give axes the theme's colours, and no frame, also where no style sheet is in force."""
    axes.set_facecolor(theme.paper)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.tick_params(color=theme.edge, labelcolor=theme.label, labelsize=_LABEL)


def _title(axes: Axes, text: str, theme: Theme) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, color=theme.ink, pad=7, parse_math=False)


def _empty(axes: Axes, text: str, theme: Theme) -> None:
    """Say in the middle of axes that there is nothing to show, and show no ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(theme.grid)
    middle = axes.transAxes
    axes.text(0.5, 0.5, text, ha="center", va="center", color=theme.quiet, fontsize=10, transform=middle, gid="empty")


def _draw_heat(axes: Axes, colors: Axes, overview: Overview, texts: Texts, theme: Theme) -> None:
    heat = overview.heat
    if heat is None:
        colors.remove()
        _title(axes, texts.per_hour, theme)
        return _empty(axes, texts.no_anomalies, theme)
    _title(axes, texts.heat_title(heat.step_us), theme)
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
    colors.tick_params(color=theme.edge, labelcolor=theme.label, labelsize=_LABEL)
    return _write_counts(axes, heat, overview, norm, colormap, texts)


def _write_counts(
    axes: Axes,
    heat: Heat,
    overview: Overview,
    norm: Normalize,
    colormap: LinearSegmentedColormap,
    texts: Texts,
) -> None:
    """Write the count into each cell, if cells are wide and high enough to read it."""
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


def _draw_coverage(axes: Axes, overview: Overview, texts: Texts, theme: Theme) -> None:
    _title(axes, texts.coverage, theme)
    if not any(map(len, overview.covered)):
        return _empty(axes, texts.no_windows, theme)
    for row, (covered, gaps) in enumerate(zip(overview.covered, overview.gaps, strict=True)):
        axes.broken_barh(_bars(covered), (row - 0.22, 0.44), color=theme.blue, alpha=0.55, linewidth=0, gid="covered")
        # an edge, so that a gap of minutes is seen among days
        axes.broken_barh(_bars(gaps), (row - 0.22, 0.44), color=theme.gap, linewidth=1.2, zorder=3, gid="gap")
        said = texts.no_gaps
        if len(gaps):
            said = f"{texts.counted(texts.gap_count, len(gaps))}, {texts.duration(gaps.total_us)}"
        place = axes.get_yaxis_transform()
        axes.text(
            1.012,
            row,
            said,
            va="center",
            fontsize=7.5,
            color=theme.quiet,
            transform=place,
            gid="gaps",
        )
    keys = [Patch(color=theme.blue, alpha=0.55, linewidth=0, label=texts.covered)]
    keys.append(Patch(color=theme.gap, linewidth=0, label=texts.gap))
    return _legend(axes, keys, theme, "lower right", (1, 1))


def _bars(spans: Spans) -> list[tuple[float, float]]:
    return list(zip(to_days(spans.start).tolist(), to_days(spans.end - spans.start).tolist(), strict=True))


Corner = Literal["lower right", "upper left"]


def _legend(axes: Axes, keys: Sequence[Patch], theme: Theme, corner: Corner, at: tuple[float, float]) -> None:
    """Put a legend outside of axes: its corner at a place in their coordinates."""
    axes.legend(
        handles=keys,
        loc=corner,
        bbox_to_anchor=at,
        ncols=len(keys),
        frameon=False,
        fontsize=_LABEL,
        labelcolor=theme.label,
        borderaxespad=0.2,
        handlelength=1.2,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def _share_time(heat: Axes, cover: Axes, overview: Overview, names: Sequence[str], texts: Texts, theme: Theme) -> None:
    """Give both the same time axis, written under the lower one, and the names of the devices."""
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
        axes.set_yticks(range(len(names)), labels=[escape(name) for name in names])
        axes.tick_params(axis="y", length=0)
        style_time_axis(axes, texts)
        axes.xaxis.label.set(fontsize=9, color=theme.label)
        axes.xaxis.offsetText.set(fontsize=_LABEL, color=theme.label)
        axes.spines["bottom"].set_visible(True)
        axes.spines["bottom"].set_color(theme.edge)
    for axes in shown[:-1]:
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)
        axes.xaxis.offsetText.set_visible(False)


def escape(text: str) -> str:
    """Return text as a tick's label that is not read as a formula."""
    return text.replace("$", r"\$")


def _draw_bars(
    axes: Axes,
    bars: Bars,
    title: str,
    nothing: str,
    texts: Texts,
    theme: Theme,
    key_of: Callable[[str], str] | None,
) -> None:
    """Draw one bar a name, of parts; with `key_of` the parts are severities, and a legend says which."""
    _title(axes, title, theme)
    if not bars:
        return _empty(axes, nothing, theme)
    order = [*theme.severities, *sorted({key for _, by in bars for key in by} - set(theme.severities))]
    totals = np.array([sum(by.values()) for _, by in bars])
    rows, begun = np.arange(len(bars)), np.zeros(len(bars))
    keys = []
    for key in order:
        counts = np.array([by.get(key, 0) for _, by in bars])
        if not counts.any():
            continue
        color = theme.severities.get(key, theme.quiet)
        axes.barh(rows, counts, 0.62, left=begun, color=color, linewidth=0, zorder=2, gid=f"bars-{key}")
        begun += counts
        if key_of is not None:
            keys.append(Patch(color=color, linewidth=0, label=key_of(key)))
    for row, total in zip(rows, totals, strict=True):
        axes.annotate(
            texts.integer(int(total)),
            (float(total), float(row)),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=_LABEL,
            color=theme.label,
            gid="total",
        )
    axes.set_xlim(0, float(totals.max()) * 1.14)
    least = max(len(bars), 4)  # a single bar is not a wall
    axes.set_ylim(least - 0.5, -0.5)
    axes.set_yticks(rows, labels=[escape(name) for name, _ in bars])
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines["left"].set_visible(True)
    axes.spines["left"].set_color(theme.edge)
    return _legend(axes, keys, theme, "upper left", (0, 0)) if keys else None
