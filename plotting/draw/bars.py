"""Draws what there is most of, one bar a name: anomalies by rule, dead letters by reason."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.data.summaries import MAX_BARS, Overview
from plotting.draw.chart_parts import LABEL, add_legend, escape, say_nothing, set_title, shorten
from plotting.style.texts import Texts
from plotting.style.themes import Theme

Bars = list[tuple[str, dict[str, int]]]
"""Names, and how many of what there are of each."""


def bars_of(overview: Overview) -> tuple[Bars, Bars]:
    """Return the bars of anomalies by rule, of severities, and of dead letters by reason."""
    rules = [(name, dict(by)) for name, by in overview.rules]
    return rules, [(name, {"": count}) for name, count in overview.reasons]


def fold(bars: Bars, texts: Texts) -> Bars:
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


def draw_bars(
    axes: Axes,
    bars: Bars,
    title: str,
    nothing: str,
    texts: Texts,
    theme: Theme,
    key_of: Callable[[str], str] | None,
) -> None:
    """Draw one bar a name, of parts; with `key_of` the parts are severities, and a legend says which."""
    set_title(axes, title, theme)
    if not bars:
        return say_nothing(axes, nothing, theme)
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
            fontsize=LABEL,
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
    return add_legend(axes, keys, theme, "upper left", (0, 0)) if keys else None
