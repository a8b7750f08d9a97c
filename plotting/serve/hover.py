"""Describe the anomaly, reading, window, cell or gap under the pointer."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import MouseEvent

from plotting.data.downsample import Windows
from plotting.data.overview_counts import Intervals, Overview
from plotting.data.panels import Panel, Points
from plotting.draw.time_axis import DAY_US, to_days
from plotting.serve.view_choice import ViewChoice
from plotting.serve.words import WORDS
from plotting.style.texts import Texts, visible
from telemetry.text.timestamps import format_time

_NEAR_PX: Final = 9.0
_MOST_INCIDENTS: Final = 3


@dataclass(frozen=True)
class Hover:
    """Content of the tooltip.

    Attributes:
        kind: ``anomaly``, ``reading``, ``window``, ``incident``, ``cell`` or ``gap``.
        lines: lines of text; the first is the heading.
        device: name of the device.
        time_us: time of an anomaly or a reading, microseconds, UTC; None for other kinds.
    """

    kind: str
    lines: tuple[str, ...]
    device: str
    time_us: int | None = None


def hover_in_panel(axes: Axes, panel: Panel, event: MouseEvent, choice: ViewChoice) -> Hover | None:
    """Return the anomaly near the pointer, else the reading near it, else the window or the incident that contains it.

    All but anomalies, whose rules are told elsewhere, have the incidents of their time below them.
    """
    for kind, points in (("anomaly", panel.anomalies), ("reading", panel.readings)):
        place = _nearest(axes, points, event)
        if place is not None:
            value = choice.texts.quantity(float(points.values[place]), choice.metric)
            at = int(points.times[place])
            lines = (value, f"{format_time(at)[:-4]}Z".replace("T", " "), panel.device)
            told = _incidents(panel, at, choice) if kind == "reading" else ()
            return Hover(kind, (*lines, *told), panel.device, at)
    window = _window(panel, event, choice)
    told = () if event.xdata is None else _incidents(panel, event.xdata * DAY_US, choice)
    if window is not None:
        return replace(window, lines=(*window.lines, *told))
    return Hover("incident", (*told, panel.device), panel.device) if told else None


def _incidents(panel: Panel, at: float, choice: ViewChoice) -> tuple[str, ...]:
    """Return a line for each incident of a time, with its highest score, and the sentence of a rule that learns."""
    words, texts = WORDS[choice.language], choice.texts
    here = [one for one in panel.incidents if one.start_us <= at and (one.end_us is None or at < one.end_us)]
    lines = []
    for one in here[:_MOST_INCIDENTS]:
        name = f"{texts.incident.format(severity=texts.severity(one.severity))}: {visible(one.rule_id)}"
        score = "" if one.score is None else f", {words['score']} {texts.number(float(f'{one.score:.2g}'))}"
        lines.append(f"{name}{score}")
        if one.why is not None:
            lines.append(visible(one.why))
    return tuple(lines)


def _nearest(axes: Axes, points: Points, event: MouseEvent) -> int | None:
    """Return the index of the point nearest to the pointer, if it is within reach; times may be in any order."""
    if not len(points) or event.xdata is None:
        return None
    across = axes.get_window_extent().width
    low, high = axes.get_xlim()
    reach = (high - low) * _NEAR_PX / max(across, 1.0)
    around = np.array([event.xdata - reach, event.xdata + reach]) * DAY_US
    near = np.flatnonzero((points.times >= around[0]) & (points.times <= around[1]))
    if not len(near):
        return None
    places = axes.transData.transform(np.column_stack([to_days(points.times[near]), points.values[near]]))
    distances = np.hypot(places[:, 0] - event.x, places[:, 1] - event.y)
    best = int(np.argmin(distances))
    return int(near[best]) if distances[best] <= _NEAR_PX else None


def _window(panel: Panel, event: MouseEvent, choice: ViewChoice) -> Hover | None:
    windows: Windows = panel.windows
    if not len(windows) or event.xdata is None:
        return None
    at = event.xdata * DAY_US
    place = int(np.searchsorted(windows.start, at, side="right")) - 1
    if place < 0 or windows.end[place] <= at:
        return None
    words, texts = WORDS[choice.language], choice.texts
    mean, low, high, deviation = (
        texts.quantity(float(of[place]), choice.metric)
        for of in (windows.mean, windows.min, windows.max, windows.stddev)
    )
    lines = (
        f"{words['mean']} {mean} ± {deviation}",
        f"{low} – {high}",
        _window_time(int(windows.start[place]), int(windows.end[place])),
        texts.counted(texts.readings, int(windows.count[place])),
        panel.device,
    )
    return Hover("window", lines, panel.device)


def hover_in_overview(overview: Overview, event: MouseEvent, texts: Texts) -> Hover | None:
    """Return the cell of the heat map or the gap under the pointer."""
    if event.inaxes is None or event.xdata is None or event.ydata is None:
        return None
    row = round(event.ydata)
    if not 0 <= row < len(overview.devices):
        return None
    at, device = event.xdata * DAY_US, overview.devices[row]
    gids = {artist.get_gid() for artist in event.inaxes.collections}
    if "heat" in gids and overview.heat is not None:
        column = int(np.searchsorted(overview.heat.edges, at, side="right")) - 1
        if not 0 <= column < overview.heat.counts.shape[1]:
            return None
        count = texts.counted(texts.anomaly_count, int(overview.heat.counts[row, column]))
        edges = overview.heat.edges[column : column + 2]
        return Hover("cell", (count, _between(edges), device), device)
    if "gap" in gids or "covered" in gids:
        return _gap(overview.gaps[row], at, device, texts)
    return None


def _gap(gaps: Intervals, at: float, device: str, texts: Texts) -> Hover | None:
    inside = np.flatnonzero((gaps.start <= at) & (at < gaps.end))
    if not len(inside):
        return None
    start, end = int(gaps.start[inside[0]]), int(gaps.end[inside[0]])
    return Hover("gap", (f"{texts.gap}: {texts.duration(end - start)}", _between((start, end)), device), device)


def _window_time(start_us: int, end_us: int) -> str:
    """Return the time of a window, without the date of its end if it is shorter than a day."""
    start, end = _moment(start_us), _moment(end_us)
    return f"{start} – {end if end_us - start_us >= DAY_US else end[11:]} UTC"


def _between(edges: Any) -> str:
    return f"{_moment(int(edges[0]))} – {_moment(int(edges[1]))} UTC"


def _moment(microseconds: int) -> str:
    return format_time(microseconds)[:19].replace("T", " ")
