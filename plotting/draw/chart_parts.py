"""Provide the elements shared by the charts of an overview: colours, titles, legends, names and placeholders."""

from collections.abc import Sequence
from typing import Final, Literal

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.style.texts import visible
from plotting.style.themes import Theme

LABEL_SIZE_PT: Final = 8.5
_LONGEST: Final = 22  # characters of a name beside a row


def apply_theme(axes: Axes, theme: Theme) -> None:
    """Apply the theme's colours to axes and hide their frame, whichever style sheet is active."""
    axes.set_facecolor(theme.paper)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.tick_params(color=theme.edge, labelcolor=theme.label, labelsize=LABEL_SIZE_PT)


def set_title(axes: Axes, text: str, theme: Theme) -> None:
    """Write the title of a chart."""
    axes.set_title(text, loc="left", fontsize=9.5, color=theme.ink, pad=7, parse_math=False)


def write_placeholder(axes: Axes, text: str, theme: Theme) -> None:
    """Write a text into the middle of empty axes and hide their ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(theme.grid)
    middle = axes.transAxes
    axes.text(0.5, 0.5, text, ha="center", va="center", color=theme.quiet, fontsize=10, transform=middle, gid="empty")


Corner = Literal["lower right", "upper left"]


def add_chart_legend(axes: Axes, keys: Sequence[Patch], theme: Theme, corner: Corner, at: tuple[float, float]) -> None:
    """Add a legend outside of axes, with the given corner at a point in axes coordinates."""
    axes.legend(
        handles=keys,
        loc=corner,
        bbox_to_anchor=at,
        ncols=len(keys),
        frameon=False,
        fontsize=LABEL_SIZE_PT,
        labelcolor=theme.label,
        borderaxespad=0.2,
        handlelength=1.2,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def shorten(name: str) -> str:
    """Return a name short enough for a row label, with its middle replaced by an ellipsis."""
    name = visible(name)
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"


def escape_math(text: str) -> str:
    """Escape dollar signs, so that Matplotlib does not parse a tick label as a formula."""
    return text.replace("$", r"\$")
