"""Panels as one finished figure: the shared scale, every panel, and the words around them."""

from matplotlib.figure import Figure

from plotting.caption import Notes, add_legend, write_notes
from plotting.draw import draw_panel, dress, new_figure, shared_scale
from plotting.panels import Panel
from plotting.texts import Texts
from plotting.themes import LIGHT, Theme


def compose(
    panels: list[Panel],
    metric: str,
    texts: Texts,
    *,
    unreadable: int,
    devices: int,
    trend: bool = False,
    theme: Theme = LIGHT,
) -> tuple[Figure, int]:
    """Return the figure, and how many points were drawn after thinning.

    Args:
        panels: What to show, top to bottom; at least one point in all.
        metric: The metric shown, which names the axis and the title.
        texts: The language.
        unreadable: Rows left out because they could not be read, for the remark at the foot.
        devices: Devices there are, of which the panels may show some, for the other remark.
        trend: Whether this is the picture of the trend: its title, and the standard deviation of windows.
        theme: The colours.
    """
    figure, grid = new_figure(len(panels))
    scale = shared_scale(panels, _extent(panels), deviation=trend)
    drawn = 0
    for axes, panel in zip(grid, panels, strict=True):
        bounds = [texts.quantity(bound, metric) for bound in panel.thresholds]
        drawn += draw_panel(axes, panel, scale, bounds, deviation=trend, theme=theme)
        axes.set_title(_heading(panel, texts), parse_math=False)  # a device may be called $x$
    dress(figure, grid, scale, metric, texts, theme)
    remarks = _remarks(panels, drawn, texts, unreadable, devices)
    title = texts.trend_title(metric) if trend else texts.title(metric)
    write_notes(figure, Notes(title, _summary(panels, scale.span, texts), remarks), theme)
    add_legend(figure, panels, metric, texts, deviation=trend, theme=theme)
    return figure, drawn


def _extent(panels: list[Panel]) -> tuple[int, int]:
    times = [part for p in panels for part in (p.readings.times, p.anomalies.times, p.windows.start, p.windows.end)]
    return min(int(part.min()) for part in times if len(part)), max(int(part.max()) for part in times if len(part))


def _points(panels: list[Panel], texts: Texts) -> str:
    noun = texts.windows if any(len(panel.windows) for panel in panels) else texts.readings
    return texts.counted(noun, sum(panel.points for panel in panels))


def _heading(panel: Panel, texts: Texts) -> str:
    return f"{panel.device}  –  {_points([panel], texts)}, {texts.counted(texts.anomaly_count, len(panel.anomalies))}"


def _summary(panels: list[Panel], span: tuple[int, int], texts: Texts) -> str:
    anomalies = sum(len(panel.anomalies) for panel in panels)
    parts = [
        f"{texts.moment(span[0])} – {texts.moment(span[1])} UTC",
        _points(panels, texts),
        texts.counted(texts.devices, len(panels)),
        texts.counted(texts.anomaly_count, anomalies),
    ]
    return "  ·  ".join(parts)


def _remarks(panels: list[Panel], drawn: int, texts: Texts, unreadable: int, devices: int) -> tuple[str, ...]:
    points = sum(panel.points for panel in panels)
    remarks = []
    if len(panels) < devices:
        remarks.append(texts.devices_shown.format(shown=len(panels), total=devices))
    if drawn < points:
        remarks.append(texts.thinned.format(drawn=texts.integer(drawn), total=texts.integer(points)))
    if unreadable:
        remarks.append(texts.unreadable.format(count=texts.counted(texts.readings, unreadable)))
    return tuple(remarks)
