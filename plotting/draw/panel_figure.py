"""Compose panels into one figure: shared scale, panels, captions and legend."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plotting.data.panels import Panel
from plotting.draw.captions import Captions, add_panel_legend, write_captions
from plotting.draw.draw_panels import Scale, draw_panel, label_axes, new_figure, shared_scale
from plotting.style.texts import Texts, visible
from plotting.style.themes import LIGHT, Theme


def compose_panels(
    panels: list[Panel],
    metric: str,
    texts: Texts,
    *,
    unreadable: int,
    devices: int,
    trend: bool = False,
    theme: Theme = LIGHT,
) -> tuple[Figure, int]:
    """Return the figure, and the number of points drawn after thinning.

    Args:
        panels: Panels from top to bottom, with at least one point in total.
        metric: The metric shown, which names the axis and the title.
        texts: Texts of the language.
        unreadable: Number of unreadable rows, stated in a remark.
        devices: Number of devices, stated in a remark if the panels show fewer.
        trend: Whether to draw a trend, with its title and the standard deviation of windows.
        theme: Colours.
    """
    figure, grid = new_figure(len(panels))
    scale = shared_scale(panels, time_extent(panels), deviation=trend)
    drawn = sum(
        fill_panel(axes, panel, scale, metric, texts, trend=trend, theme=theme)
        for axes, panel in zip(grid, panels, strict=True)
    )
    label_axes(figure, grid, scale, metric, texts, theme)
    write_captions(figure, captions_of(panels, drawn, metric, texts, unreadable, devices, trend=trend), theme)
    add_panel_legend(figure, panels, metric, texts, deviation=trend, theme=theme)
    return figure, drawn


def fill_panel(axes: Axes, panel: Panel, scale: Scale, metric: str, texts: Texts, *, trend: bool, theme: Theme) -> int:
    """Draw one device with its title; return the number of points drawn after thinning."""
    bounds = [texts.quantity(bound, metric) for bound in panel.thresholds]
    axes.set_title(_heading(panel, texts), parse_math=False)  # the name of a device may contain dollar signs
    return draw_panel(axes, panel, scale, bounds, deviation=trend, theme=theme)


def captions_of(
    panels: list[Panel], drawn: int, metric: str, texts: Texts, unreadable: int, devices: int, *, trend: bool
) -> Captions:
    """Return the captions of a picture of panels; for the arguments see `compose_panels`."""
    title = texts.trend_title(metric) if trend else texts.title(metric)
    return Captions(title, _summary(panels, texts), _remarks(panels, drawn, texts, unreadable, devices))


def time_extent(panels: list[Panel]) -> tuple[int, int]:
    """Return the first and the last time, microseconds, of panels with at least one point in total."""
    times = [part for p in panels for part in (p.readings.times, p.anomalies.times, p.windows.start, p.windows.end)]
    return min(int(part.min()) for part in times if len(part)), max(int(part.max()) for part in times if len(part))


def _points(panels: list[Panel], texts: Texts) -> str:
    noun = texts.windows if any(len(panel.windows) for panel in panels) else texts.readings
    return texts.counted(noun, sum(panel.points for panel in panels))


def _heading(panel: Panel, texts: Texts) -> str:
    anomalies = texts.counted(texts.anomaly_count, len(panel.anomalies))
    incidents = f", {texts.counted(texts.incident_count, len(panel.incidents))}" if panel.incidents else ""
    return f"{visible(panel.device)}  –  {_points([panel], texts)}, {anomalies}{incidents}"


def _summary(panels: list[Panel], texts: Texts) -> str:
    span = time_extent(panels)
    anomalies = sum(len(panel.anomalies) for panel in panels)
    parts = [
        f"{texts.moment(span[0])} – {texts.moment(span[1])} UTC",
        _points(panels, texts),
        texts.counted(texts.devices, len(panels)),
        texts.counted(texts.anomaly_count, anomalies),
    ]
    incidents = sum(len(panel.incidents) for panel in panels)
    if incidents:
        parts.append(texts.counted(texts.incident_count, incidents))
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
