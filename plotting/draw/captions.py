"""Write the title, summary and legend above a picture, and the remarks below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plotting.data.panels import Panel
from plotting.draw.chart_parts import escape_math
from plotting.draw.draw_panels import DASHES, DEVIATION_OPACITY, INCIDENT_OPACITY, LEFT_IN, RANGE_OPACITY, WIDTH_IN
from plotting.draw.learned_bands import learned_key
from plotting.style.texts import Texts
from plotting.style.themes import LIGHT, Theme

_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class Captions:
    """Texts around a picture: title and summary above it, remarks below it."""

    title: str
    summary: str
    remarks: tuple[str, ...]


def write_captions(figure: Figure, captions: Captions, theme: Theme = LIGHT) -> None:
    """Write the title, the summary and the remarks, at a fixed distance from the edges."""
    height = figure.get_figheight()
    left = LEFT_IN / WIDTH_IN
    title = figure.text(left, 1 - 0.2 / height, captions.title, va="top", fontsize=13.5, fontweight="bold", gid="title")
    title.set_parse_math(False)  # the name of a metric may contain dollar signs
    figure.text(left, 1 - 0.5 / height, captions.summary, va="top", color=theme.quiet, gid="summary")
    figure.text(
        left, 0.1 / height, "  ·  ".join(captions.remarks), va="bottom", fontsize=7.5, color=theme.quiet, gid="remarks"
    )


def add_panel_legend(
    figure: Figure,
    panels: Sequence[Panel],
    metric: str,
    texts: Texts,
    *,
    deviation: bool = False,
    theme: Theme = LIGHT,
) -> None:
    """Add one legend above all panels, with the number of windows, readings and anomalies shown."""
    handles: list[Artist] = []
    windows = sum(len(panel.windows) for panel in panels)
    normal = sum(len(panel.readings) for panel in panels)
    anomalies = sum(len(panel.anomalies) for panel in panels)
    if windows:
        handles.append(Line2D([], [], color=theme.blue, label=texts.window_mean.format(count=texts.integer(windows))))
        handles.append(Patch(color=theme.blue, alpha=RANGE_OPACITY, linewidth=0, label=texts.window_range))
        if deviation:
            both = 1 - (1 - RANGE_OPACITY) * (1 - DEVIATION_OPACITY)  # the deviation is drawn over the range
            handles.append(Patch(color=theme.blue, alpha=both, linewidth=0, label=texts.window_deviation))
    if normal:
        handles.append(_dot(theme.blue, texts.normal.format(count=texts.integer(normal))))
    handles.append(_dot(theme.red, texts.anomalies.format(count=texts.integer(anomalies))))
    bounds = sorted({threshold for panel in panels for threshold in panel.thresholds})
    if bounds:
        value = ", ".join(texts.quantity(bound, metric) for bound in bounds)
        label = escape_math(texts.threshold.format(value=value))
        handles.append(Line2D([], [], color=theme.red, linestyle=DASHES, linewidth=1.1, label=label))
    if any(panel.learned for panel in panels):
        handles.append(learned_key(texts, theme))
    severities = {one.severity for panel in panels for one in panel.incidents}
    for severity in (*(known for known in theme.severities if known in severities), *severities - {*theme.severities}):
        label = texts.incident.format(severity=texts.severity(severity))
        color = theme.severities.get(severity, theme.quiet)
        handles.append(Patch(facecolor=(color, 2 * INCIDENT_OPACITY), edgecolor=color, linewidth=0.6, label=label))
    anchor = (LEFT_IN / WIDTH_IN, 1 - 0.7 / figure.get_figheight())

    def put(fontsize: float | None = None) -> Legend:
        return figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=anchor,
            ncols=len(handles),
            borderaxespad=0,
            borderpad=0,
            fontsize=fontsize,
        )

    legend = put()
    room = figure.bbox.width * (1 - anchor[0]) - 0.1 * figure.dpi
    for _ in range(_ATTEMPTS):  # happens with many thresholds in French; widths are not quite in proportion to sizes
        width = legend.get_window_extent().width
        if width <= room:
            break
        size = float(legend.get_texts()[0].get_fontsize())
        legend.remove()
        legend = put(size * room / width)


def _dot(color: str, label: str) -> Line2D:
    return Line2D([], [], color=color, marker="o", markersize=4.5, linestyle="", label=label)
