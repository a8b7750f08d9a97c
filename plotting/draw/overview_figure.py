"""Compose an overview into one figure: the charts of `plotting.draw.overview_layout` and their captions."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plotting.data.overview_counts import Overview
from plotting.draw.captions import Captions, write_captions
from plotting.draw.draw_panels import WIDTH_IN
from plotting.draw.overview_layout import draw_overview, overview_height
from plotting.style.texts import Texts
from plotting.style.themes import Theme

_TOP_IN, _BOTTOM_IN = 0.72, 0.4


def new_overview_figure(overview: Overview) -> Figure:
    """Return an empty figure of the height that the overview needs; the theme's style sheet must be active."""
    figure = Figure(figsize=(WIDTH_IN, _TOP_IN + overview_height(overview) + _BOTTOM_IN))
    FigureCanvasAgg(figure)
    return figure


def fill_overview_figure(figure: Figure, overview: Overview, metric: str | None, texts: Texts, theme: Theme) -> None:
    """Draw the overview into an empty figure; the theme's style sheet must be active.

    Args:
        figure: figure from `new_overview_figure`.
        overview: content.
        metric: the metric counted; None means all.
        texts: texts of the language.
        theme: colours.
    """
    draw_overview(figure, overview, texts, theme, top_in=_TOP_IN, bottom_in=_BOTTOM_IN)
    write_captions(figure, _captions(overview, metric, texts), theme)


def _captions(overview: Overview, metric: str | None, texts: Texts) -> Captions:
    parts = [
        texts.counted(texts.devices, overview.total_devices),
        texts.counted(texts.anomaly_count, overview.anomalies),
        texts.counted(texts.letter_count, overview.letters),
        texts.counted(texts.gap_count, sum(map(len, overview.gaps))),
    ]
    if overview.span is not None:
        parts.insert(0, f"{texts.moment(overview.span[0])} – {texts.moment(overview.span[1])} UTC")
    remarks = []
    if len(overview.devices) < overview.total_devices:
        shown, total = len(overview.devices), overview.total_devices
        remarks.append(texts.devices_shown.format(shown=shown, total=total))
    if overview.undated:
        remarks.append(texts.undated.format(count=texts.counted(texts.letter_count, overview.undated)))
    return Captions(texts.overview_title(metric), "  ·  ".join(parts), tuple(remarks))
