"""Panels as one finished figure: the shared scale, every panel, and the words around them."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.data.panels import Panel
from plotting.draw.caption import Notes, add_legend, write_notes
from plotting.draw.draw_panels import Scale, draw_panel, dress, new_figure, shared_scale
from plotting.style.texts import Texts, visible
from plotting.style.themes import LIGHT, Theme


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
    scale = shared_scale(panels, extent_of(panels), deviation=trend)
    drawn = sum(
        fill_panel(axes, panel, scale, metric, texts, trend=trend, theme=theme)
        for axes, panel in zip(grid, panels, strict=True)
    )
    dress(figure, grid, scale, metric, texts, theme)
    write_notes(figure, notes_of(panels, drawn, metric, texts, unreadable, devices, trend=trend), theme)
    add_legend(figure, panels, metric, texts, deviation=trend, theme=theme)
    return figure, drawn


def fill_panel(axes: Axes, panel: Panel, scale: Scale, metric: str, texts: Texts, *, trend: bool, theme: Theme) -> int:
    """Draw one device with its title; returns how many points were drawn, after thinning."""
    bounds = [texts.quantity(bound, metric) for bound in panel.thresholds]
    axes.set_title(_heading(panel, texts), parse_math=False)  # a device may be called $x$
    return draw_panel(axes, panel, scale, bounds, deviation=trend, theme=theme)


def notes_of(
    panels: list[Panel], drawn: int, metric: str, texts: Texts, unreadable: int, devices: int, *, trend: bool
) -> Notes:
    """Return the words around a picture of panels; for the arguments see `compose`."""
    title = texts.trend_title(metric) if trend else texts.title(metric)
    return Notes(title, _summary(panels, texts), _remarks(panels, drawn, texts, unreadable, devices))


def extent_of(panels: list[Panel]) -> tuple[int, int]:
    """Return the first and the last time of panels with at least one point in all, microseconds."""
    times = [part for p in panels for part in (p.readings.times, p.anomalies.times, p.windows.start, p.windows.end)]
    return min(int(part.min()) for part in times if len(part)), max(int(part.max()) for part in times if len(part))


def _points(panels: list[Panel], texts: Texts) -> str:
    noun = texts.windows if any(len(panel.windows) for panel in panels) else texts.readings
    return texts.counted(noun, sum(panel.points for panel in panels))


def _heading(panel: Panel, texts: Texts) -> str:
    anomalies = texts.counted(texts.anomaly_count, len(panel.anomalies))
    return f"{visible(panel.device)}  –  {_points([panel], texts)}, {anomalies}"


def _summary(panels: list[Panel], texts: Texts) -> str:
    span = extent_of(panels)
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
