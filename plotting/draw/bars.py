"""Draw bar charts of counts by name: anomalies by rule, dead letters by reason."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.data.overview_counts import MAX_BARS, Overview
from plotting.draw.chart_parts import (
    LABEL_SIZE_PT,
    add_chart_legend,
    escape_math,
    set_title,
    shorten,
    write_placeholder,
)
from plotting.style.texts import Texts
from plotting.style.themes import Theme

BarCounts = list[tuple[str, dict[str, int]]]
"""Names, most frequent first, each with its counts by severity ("" where there is no severity)."""


def bars_of(overview: Overview) -> tuple[BarCounts, BarCounts]:
    """Return the bars of anomalies by rule, divided by severity, and the bars of dead letters by reason."""
    rules = [(name, dict(by)) for name, by in overview.rules]
    return rules, [(name, {"": count}) for name, count in overview.reasons]


def merge_rare_bars(bars: BarCounts, texts: Texts) -> BarCounts:
    """Merge all bars after the first `MAX_BARS` into one."""
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
    bars: BarCounts,
    title: str,
    nothing: str,
    texts: Texts,
    theme: Theme,
    key_of: Callable[[str], str] | None,
) -> None:
    """Draw one stacked bar per name.

    Args:
        axes: target.
        bars: counts by name.
        title: title of the chart.
        nothing: text shown if there are no bars.
        texts: texts of the language.
        theme: colours.
        key_of: text of each severity in the legend; None if the counts have no severity.
    """
    set_title(axes, title, theme)
    if not bars:
        return write_placeholder(axes, nothing, theme)
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
            fontsize=LABEL_SIZE_PT,
            color=theme.label,
            gid="total",
        )
    axes.set_xlim(0, float(totals.max()) * 1.14)
    least = max(len(bars), 4)  # leave space, so that one or two bars are not drawn very thick
    axes.set_ylim(least - 0.5, -0.5)
    axes.set_yticks(rows, labels=[escape_math(name) for name, _ in bars])
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines["left"].set_visible(True)
    axes.spines["left"].set_color(theme.edge)
    return add_chart_legend(axes, keys, theme, "upper left", (0, 0)) if keys else None
