"""Update existing pictures with new results and keep the ranges that the user zoomed to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plotting.data.overview_counts import Overview
from plotting.data.panels import Panel
from plotting.draw.captions import add_panel_legend, write_captions
from plotting.draw.draw_panels import COLUMNS, WIDTH_IN, Scale, label_axes, new_figure, shared_scale
from plotting.draw.overview_figure import fill_overview_figure, new_overview_figure
from plotting.draw.overview_layout import overview_height
from plotting.draw.panel_figure import captions_of, fill_panel, time_extent
from plotting.serve.hover import Hover, hover_in_overview, hover_in_panel
from plotting.serve.live_run import PanelContent
from plotting.serve.view_choice import ViewChoice
from plotting.serve.zoom_state import ZoomState

_EMPTY_HEIGHT_IN: Final = 3.0


class LivePicture(Protocol):
    """Picture shown in one tab."""

    figure: Figure

    def update(self, content: Any) -> bool:
        """Show new content; return False if the content needs a new picture."""

    def reset_zoom(self) -> None:
        """Show everything again after the user zoomed."""

    def hover_at(self, event: MouseEvent, /) -> Hover | None:
        """Return the tooltip at the pointer."""


class PanelsPicture:
    """Scatter or trend whose unchanged panels are not drawn again."""

    def __init__(self, choice: ViewChoice, content: PanelContent) -> None:
        """Draw the panels, of which at least one has a point."""
        self._choice = choice
        self._trend = choice.figure == "trend"
        self.panels = content.panels
        self._versions: list[tuple[int, ...] | None] = [None] * len(content.panels)
        self._drawn = [0] * len(content.panels)
        self._scale: Scale | None = None
        self._zoom = ZoomState()
        with _style(choice):
            self.figure, self.grid = new_figure(len(content.panels))
        self.update(content)

    def update(self, content: PanelContent) -> bool:
        """Show new content of the same devices; return False if the devices differ."""
        names = [panel.device for panel in content.panels]
        if names != [panel.device for panel in self.panels]:
            return False
        choice, texts = self._choice, self._choice.texts
        chosen = self._zoom.zoomed_limits(self.grid)
        self.panels = content.panels
        scale = shared_scale(self.panels, time_extent(self.panels), deviation=self._trend)
        with _style(choice):
            for place, (axes, panel, version) in enumerate(zip(self.grid, self.panels, content.versions, strict=True)):
                if version == self._versions[place] and (scale == self._scale or not _depends_on_scale(panel)):
                    continue
                _clear(axes)
                self._drawn[place] = fill_panel(
                    axes, panel, scale, choice.metric, texts, trend=self._trend, theme=choice.colors
                )
                self._versions[place] = version
            self._write(content.devices)
            label_axes(self.figure, self.grid, scale, choice.metric, texts, choice.colors)
        self._scale = scale
        self._zoom.remember_whole(self.grid, chosen)
        return True

    def _write(self, devices: int) -> None:
        choice, figure = self._choice, self.figure
        for artist in [*figure.texts, *figure.legends]:
            artist.remove()
        captions = captions_of(
            self.panels, sum(self._drawn), choice.metric, choice.texts, 0, devices, trend=self._trend
        )
        write_captions(figure, captions, choice.colors)
        add_panel_legend(figure, self.panels, choice.metric, choice.texts, deviation=self._trend, theme=choice.colors)

    def reset_zoom(self) -> None:
        """Show everything again."""
        self._zoom.reset_zoom(self.grid)

    def hover_at(self, event: MouseEvent) -> Hover | None:
        """Return the reading or window at the pointer."""
        if event.inaxes is None or event.inaxes not in self.grid:
            return None
        panel: Panel = self.panels[self.grid.index(event.inaxes)]
        return hover_in_panel(event.inaxes, panel, event, self._choice)


class OverviewPicture:
    """Overview that each update draws again into the same figure."""

    def __init__(self, choice: ViewChoice, overview: Overview) -> None:
        """Draw the overview."""
        self._choice, self.overview = choice, overview
        self._height = overview_height(overview)
        self._zoom = ZoomState()
        with _style(choice):
            self.figure = new_overview_figure(overview)
        self.update(overview)

    def update(self, content: Overview) -> bool:
        """Show a new overview; return False if its height differs."""
        if overview_height(content) != self._height:
            return False
        choice, figure = self._choice, self.figure
        chosen = self._zoom.zoomed_limits(self.figure.axes)
        self.overview = content
        with _style(choice):
            figure.clear()
            fill_overview_figure(figure, content, choice.metric_or_all, choice.texts, choice.colors)
        self._zoom.remember_whole(figure.axes, chosen)
        return True

    def reset_zoom(self) -> None:
        """Show everything again."""
        self._zoom.reset_zoom(self.figure.axes)

    def hover_at(self, event: MouseEvent) -> Hover | None:
        """Return the cell or gap at the pointer."""
        return hover_in_overview(self.overview, event, self._choice.texts)


class EmptyPicture:
    """Placeholder shown while there are no results."""

    def __init__(self, choice: ViewChoice, text: str) -> None:
        """Write the text."""
        with _style(choice):
            self.figure = Figure(figsize=(WIDTH_IN, _EMPTY_HEIGHT_IN))
            FigureCanvasAgg(self.figure)
            self.figure.text(0.5, 0.5, text, ha="center", color=choice.colors.quiet, fontsize=12, gid="empty")

    def update(self, content: Any) -> bool:
        """Return whether there is still nothing to show."""
        return content is None

    def reset_zoom(self) -> None:
        """Do nothing: a placeholder has no axes."""

    def hover_at(self, _event: MouseEvent) -> Hover | None:
        """Return None: a placeholder has no tooltips."""
        return None


@contextmanager
def _style(choice: ViewChoice) -> Iterator[None]:
    """Apply the theme's style sheet, and the resolution at which the picture has the width of the page."""
    with choice.colors.style(), mpl.rc_context({"figure.dpi": choice.width / WIDTH_IN}):
        yield


def _depends_on_scale(panel: Panel) -> bool:
    """Return whether the artists of a panel depend on the shared scale.

    Thinned points and threshold labels do, and incidents that reach beyond the right edge. All other artists have data
    coordinates and stay correct when the scale changes.
    """
    is_open = any(one.end_us is None for one in panel.incidents)
    return is_open or len(panel.windows) > 2 * COLUMNS or len(panel.readings) > 0 or len(panel.thresholds) > 1


def _clear(axes: Axes) -> None:
    """Remove the artists of a panel; ticks, limits and style stay."""
    for artist in [*axes.collections, *axes.lines, *axes.texts, *axes.patches]:
        artist.remove()
