"""Draw the readings of a backtest with what rules had learned, below its timeline."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from plotting.backtest.learned_series import TracedSeries
from plotting.draw.chart_parts import LABEL_SIZE_PT, apply_theme, set_title, shorten
from plotting.draw.draw_panels import draw_panel, shared_scale, style_value_axis
from plotting.draw.learned_bands import learned_key
from plotting.style.texts import Texts
from plotting.style.themes import Theme

PANEL_IN: Final = 1.35
"""Height of the axes of a series, inches."""
BETWEEN_IN: Final = 0.42
"""Height above each of them, for its title."""


def draw_series(
    figure: Figure,
    traced: Sequence[TracedSeries],
    timeline: Axes,
    bottom_in: float,
    span: tuple[int, int],
    texts: Texts,
    theme: Theme,
) -> None:
    """Draw series below each other, from the top downwards.

    Args:
        figure: target.
        traced: from top to bottom.
        timeline: axes above them, whose time they share.
        bottom_in: place of the lower edge of the last one, inches above the figure's.
        span: first and last time of the readings, microseconds.
        texts: of the language.
        theme: colours.
    """
    place, height = timeline.get_position(), figure.get_figheight()
    for number, one in enumerate(reversed(traced)):
        low_in = bottom_in + number * (PANEL_IN + BETWEEN_IN)
        axes = figure.add_axes((place.x0, low_in / height, place.width, PANEL_IN / height), sharex=timeline)
        axes.set_gid("series")
        apply_theme(axes, theme)
        scale = shared_scale([one.panel], span)
        draw_panel(axes, one.panel, scale, (), theme=theme)
        axes.set_ylim(scale.low, scale.high)
        style_value_axis(axes, texts)
        label = texts.value_axis(one.rule.metric)
        axes.set_ylabel(label, fontsize=LABEL_SIZE_PT, color=theme.label, parse_math=False)
        set_title(axes, f"{shorten(one.rule.id)} · {shorten(one.panel.device)}", theme)
        axes.tick_params(axis="x", labelbottom=False, length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(True)
            axes.spines[side].set_color(theme.edge)
        if one is traced[0]:
            _add_legend(axes, texts, theme)


def _add_legend(axes: Axes, texts: Texts, theme: Theme) -> None:
    unusual = Line2D([], [], color=theme.red, marker="o", markersize=4, linestyle="", label="Unusual readings")
    axes.legend(
        handles=[learned_key(texts, theme), unusual],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=LABEL_SIZE_PT,
        labelcolor=theme.label,
        borderaxespad=0.2,
    )
