"""An overview as one finished figure: what `plotting.draw.board` draws, and the words around it."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plotting.data.summaries import Overview
from plotting.draw.board import draw_overview, height_of
from plotting.draw.caption import Notes, write_notes
from plotting.draw.draw_panels import WIDTH_IN
from plotting.style.texts import Texts
from plotting.style.themes import Theme

_TOP_IN, _BOTTOM_IN = 0.72, 0.4


def new_overview(overview: Overview) -> Figure:
    """Return an empty figure as high as the overview wants to be; the theme's style sheet must be in force."""
    figure = Figure(figsize=(WIDTH_IN, _TOP_IN + height_of(overview) + _BOTTOM_IN))
    FigureCanvasAgg(figure)
    return figure


def fill_overview(figure: Figure, overview: Overview, metric: str | None, texts: Texts, theme: Theme) -> None:
    """Draw the overview into an empty figure; the theme's style sheet must be in force.

    Args:
        figure: from `new_overview`.
        overview: what is shown.
        metric: the metric it is of; None means all.
        texts: the language.
        theme: the colours.
    """
    draw_overview(figure, overview, texts, theme, top_in=_TOP_IN, bottom_in=_BOTTOM_IN)
    write_notes(figure, _notes(overview, metric, texts), theme)


def _notes(overview: Overview, metric: str | None, texts: Texts) -> Notes:
    parts = [
        texts.counted(texts.devices, overview.of_devices),
        texts.counted(texts.anomaly_count, overview.anomalies),
        texts.counted(texts.letter_count, overview.letters),
        texts.counted(texts.gap_count, sum(map(len, overview.gaps))),
    ]
    if overview.span is not None:
        parts.insert(0, f"{texts.moment(overview.span[0])} – {texts.moment(overview.span[1])} UTC")
    remarks = []
    if len(overview.devices) < overview.of_devices:
        shown, total = len(overview.devices), overview.of_devices
        remarks.append(texts.devices_shown.format(shown=shown, total=total))
    if overview.undated:
        remarks.append(texts.undated.format(count=texts.counted(texts.letter_count, overview.undated)))
    return Notes(texts.overview_title(metric), "  ·  ".join(parts), tuple(remarks))
