"""The words around a picture: title, summary and legend above it, remarks at its foot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plotting.draw import BAND, BLUE, DASHES, LEFT_IN, RED, WIDTH_IN
from plotting.panels import Panel
from plotting.texts import Texts

_QUIET: Final = "#616e7c"


@dataclass(frozen=True)
class Notes:
    """The lines around the picture: title above, summary under it, remarks at the foot."""

    title: str
    summary: str
    remarks: tuple[str, ...]


def write_notes(figure: Figure, notes: Notes) -> None:
    """Write the title, the summary and the remarks, at a fixed distance from the edges."""
    height = figure.get_figheight()
    left = LEFT_IN / WIDTH_IN
    figure.text(left, 1 - 0.2 / height, notes.title, va="top", fontsize=13.5, fontweight="bold", gid="title")
    figure.text(left, 1 - 0.5 / height, notes.summary, va="top", color=_QUIET, gid="summary")
    figure.text(left, 0.1 / height, "  ·  ".join(notes.remarks), va="bottom", fontsize=7.5, color=_QUIET, gid="remarks")


def add_legend(figure: Figure, panels: Sequence[Panel], metric: str, texts: Texts) -> None:
    """Put one legend for all panels above them, with the counts of what the picture shows."""
    handles: list[Artist] = []
    windows = sum(len(panel.windows) for panel in panels)
    normal = sum(len(panel.readings) for panel in panels)
    anomalies = sum(len(panel.anomalies) for panel in panels)
    if windows:
        handles.append(Line2D([], [], color=BLUE, label=texts.window_mean.format(count=texts.integer(windows))))
        handles.append(Patch(color=BLUE, alpha=BAND, linewidth=0, label=texts.window_range))
    if normal:
        handles.append(_dot(BLUE, texts.normal.format(count=texts.integer(normal))))
    handles.append(_dot(RED, texts.anomalies.format(count=texts.integer(anomalies))))
    bounds = sorted({threshold for panel in panels for threshold in panel.thresholds})
    if bounds:
        value = ", ".join(texts.quantity(bound, metric) for bound in bounds)
        label = texts.threshold.format(value=value)
        handles.append(Line2D([], [], color=RED, linestyle=DASHES, linewidth=1.1, label=label))
    anchor = (LEFT_IN / WIDTH_IN, 1 - 0.7 / figure.get_figheight())
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=anchor, ncols=len(handles), borderaxespad=0, borderpad=0
    )


def _dot(color: str, label: str) -> Line2D:
    return Line2D([], [], color=color, marker="o", markersize=4.5, linestyle="", label=label)
