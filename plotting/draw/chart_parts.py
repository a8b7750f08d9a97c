"""What the charts of an overview have in common: colours, titles, legends, names, and words where nothing is."""

from collections.abc import Sequence
from typing import Final, Literal

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from plotting.style.texts import visible
from plotting.style.themes import Theme

LABEL: Final = 8.5  # points
_LONGEST: Final = 22  # characters of a name beside a row


def tone(axes: Axes, theme: Theme) -> None:
    """Give axes the theme's colours, and no frame, also where no style sheet is in force."""
    axes.set_facecolor(theme.paper)
    axes.spines[:].set_visible(False)
    axes.grid(False)
    axes.tick_params(color=theme.edge, labelcolor=theme.label, labelsize=LABEL)


def set_title(axes: Axes, text: str, theme: Theme) -> None:
    """Write what a chart shows above it."""
    axes.set_title(text, loc="left", fontsize=9.5, color=theme.ink, pad=7, parse_math=False)


def say_nothing(axes: Axes, text: str, theme: Theme) -> None:
    """Say in the middle of axes that there is nothing to show, and show no ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(theme.grid)
    middle = axes.transAxes
    axes.text(0.5, 0.5, text, ha="center", va="center", color=theme.quiet, fontsize=10, transform=middle, gid="empty")


Corner = Literal["lower right", "upper left"]


def add_legend(axes: Axes, keys: Sequence[Patch], theme: Theme, corner: Corner, at: tuple[float, float]) -> None:
    """Put a legend outside of axes: its corner at a place in their coordinates."""
    axes.legend(
        handles=keys,
        loc=corner,
        bbox_to_anchor=at,
        ncols=len(keys),
        frameon=False,
        fontsize=LABEL,
        labelcolor=theme.label,
        borderaxespad=0.2,
        handlelength=1.2,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def shorten(name: str) -> str:
    """Return a name short enough to stand beside a row: its middle is left out."""
    name = visible(name)
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"


def escape(text: str) -> str:
    """Return text as a tick's label that is not read as a formula."""
    return text.replace("$", r"\$")
