"""Draw what rules have learned to be usual, as bands behind the data."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patches import Patch

from plotting.data.downsample import MetricValues
from plotting.data.learned import SPREADS, LearnedBand
from plotting.draw.time_axis import to_days
from plotting.style.texts import Texts
from plotting.style.themes import Theme

_OPACITY: Final = 0.3
_EDGE_OPACITY: Final = 0.75  # edges keep the band of an incident of seconds visible on an axis of days


def draw_learned(axes: Axes, bands: Sequence[LearnedBand], beyond_us: int, theme: Theme) -> None:
    """Draw the bands in steps, each with a line at the usual value.

    Args:
        axes: target.
        bands: of one panel.
        beyond_us: time beyond the right edge, microseconds; one that has not ended reaches it.
        theme: colours.
    """
    pieces = [piece for band in bands for piece in band.pieces()]
    if not pieces:
        return
    outlines, lines = [], []
    for piece in pieces:
        times = np.minimum(piece.times, beyond_us)
        across = to_days(np.stack([times[:-1], times[1:]], axis=1).ravel())
        low, high = np.repeat(piece.low, 2), np.repeat(piece.high, 2)
        there, back = np.stack([across, low], axis=1), np.stack([across, high], axis=1)[::-1]
        outlines.append(np.concatenate([there, back]))
        lines += list(np.stack([across, np.repeat(piece.expected, 2)], axis=1).reshape(-1, 2, 2))
    face, edge = (theme.learned, _OPACITY), (theme.learned, _EDGE_OPACITY)
    axes.add_collection(
        PolyCollection(outlines, facecolors=[face], edgecolors=[edge], linewidths=0.6, zorder=1.0, gid="learned"),
        autolim=False,
    )
    axes.add_collection(
        LineCollection(lines, colors=theme.learned, linewidths=0.9, zorder=1.1, gid="usual"),
        autolim=False,
    )


def learned_edges(band: LearnedBand, span: tuple[int, int]) -> list[MetricValues]:
    """Return the lower and the upper edges of a band where it is known, within a time span (microseconds)."""
    shown = band.within(span)
    return [edge[~np.isnan(edge)] for edge in (shown.low, shown.high)]


def learned_key(texts: Texts, theme: Theme) -> Patch:
    """Return the entry of a legend."""
    face = (theme.learned, _OPACITY)
    return Patch(facecolor=face, edgecolor=theme.learned, linewidth=0.6, label=texts.learned.format(count=SPREADS))
