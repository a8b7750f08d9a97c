"""Pictures that stay: what is new in a run is put into them, and what somebody zoomed to stays where it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plotting.data.panels import Panel
from plotting.data.summaries import Overview
from plotting.draw.board import height_of
from plotting.draw.caption import add_legend, write_notes
from plotting.draw.compose import extent_of, fill_panel, notes_of
from plotting.draw.draw_panels import COLUMNS, WIDTH_IN, Scale, dress, new_figure, shared_scale
from plotting.draw.overviews import fill_overview, new_overview
from plotting.serve.choice import ViewChoice
from plotting.serve.hover import Hover, in_overview, in_panel
from plotting.serve.live import Course

Range = tuple[float, float]
Limits = list[tuple[Range, Range]]
Chosen = list[tuple[Range | None, Range | None]]
_EMPTY_HEIGHT_IN: Final = 3.0


class LivePicture(Protocol):
    """What one tab shows."""

    figure: Figure

    def update(self, content: Any) -> bool:
        """Show something else; returns whether it is the same picture still, else another one has to be made."""

    def follow(self) -> None:
        """Show everything again, after somebody has zoomed."""

    def at(self, event: MouseEvent, /) -> Hover | None:
        """Say what is under the pointer."""


class View:
    """The limits of axes: those that show everything, which grow with the data, or those somebody has chosen."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._whole: Limits = []

    def chosen(self, axes: Sequence[Axes]) -> Chosen:
        """Return the limits that somebody has chosen; None for each that shows everything."""
        return [
            (across if across != whole[0] else None, up if up != whole[1] else None)
            for (across, up), whole in zip(_limits(axes), self._whole, strict=False)  # none before the first time
        ]

    def settle(self, axes: Sequence[Axes], chosen: Chosen) -> None:
        """Remember that the axes show everything now, then go back to what was chosen."""
        self._whole = _limits(axes)
        if len(chosen) == len(axes):
            _set_limits(axes, chosen)

    def follow(self, axes: Sequence[Axes]) -> None:
        """Show everything."""
        _set_limits(axes, self._whole)


def _limits(axes: Sequence[Axes]) -> Limits:
    return [(one.get_xlim(), one.get_ylim()) for one in axes]


def _set_limits(axes: Sequence[Axes], limits: Sequence[tuple[Range | None, Range | None]]) -> None:
    for one, (across, up) in zip(axes, limits, strict=True):
        if across is not None:
            one.set_xlim(across)
        if up is not None:
            one.set_ylim(up)


class CoursePicture:
    """A scatter or a trend: a panel that shows what it showed before is left alone."""

    def __init__(self, choice: ViewChoice, course: Course) -> None:
        """Draw the course, of at least one panel with a point."""
        self._choice = choice
        self._trend = choice.figure == "trend"
        self.panels = course.panels
        self._stamps: list[tuple[int, ...] | None] = [None] * len(course.panels)
        self._drawn = [0] * len(course.panels)
        self._scale: Scale | None = None
        self._view = View()
        with _style(choice):
            self.figure, self.grid = new_figure(len(course.panels))
        self.update(course)

    def update(self, content: Course) -> bool:
        """Show another course of the same devices; returns False for one of others."""
        names = [panel.device for panel in content.panels]
        if names != [panel.device for panel in self.panels]:
            return False
        choice, texts = self._choice, self._choice.texts
        chosen = self._view.chosen(self.grid)
        self.panels = content.panels
        scale = shared_scale(self.panels, extent_of(self.panels), deviation=self._trend)
        with _style(choice):
            for place, (axes, panel, stamp) in enumerate(zip(self.grid, self.panels, content.stamps, strict=True)):
                if stamp == self._stamps[place] and (scale == self._scale or not _fits_itself_to(panel)):
                    continue
                _clear(axes)
                self._drawn[place] = fill_panel(
                    axes, panel, scale, choice.metric, texts, trend=self._trend, theme=choice.look
                )
                self._stamps[place] = stamp
            self._write(content.devices)
            dress(self.figure, self.grid, scale, choice.metric, texts, choice.look)
        self._scale = scale
        self._view.settle(self.grid, chosen)
        return True

    def _write(self, devices: int) -> None:
        choice, figure = self._choice, self.figure
        for artist in [*figure.texts, *figure.legends]:
            artist.remove()
        notes = notes_of(self.panels, sum(self._drawn), choice.metric, choice.texts, 0, devices, trend=self._trend)
        write_notes(figure, notes, choice.look)
        add_legend(figure, self.panels, choice.metric, choice.texts, deviation=self._trend, theme=choice.look)

    def follow(self) -> None:
        """Show everything again."""
        self._view.follow(self.grid)

    def at(self, event: MouseEvent) -> Hover | None:
        """Say which reading or window is under the pointer."""
        if event.inaxes is None or event.inaxes not in self.grid:
            return None
        panel: Panel = self.panels[self.grid.index(event.inaxes)]
        return in_panel(event.inaxes, panel, event, self._choice)


class OverviewPicture:
    """An overview; each time something is new it is drawn afresh into the same figure."""

    def __init__(self, choice: ViewChoice, overview: Overview) -> None:
        """Draw the overview."""
        self._choice, self.overview = choice, overview
        self._height = height_of(overview)
        self._view = View()
        with _style(choice):
            self.figure = new_overview(overview)
        self.update(overview)

    def update(self, content: Overview) -> bool:
        """Show another overview; returns False for one of another height."""
        if height_of(content) != self._height:
            return False
        choice, figure = self._choice, self.figure
        chosen = self._view.chosen(self.figure.axes)
        self.overview = content
        with _style(choice):
            figure.clear()
            fill_overview(figure, content, choice.metric_or_all, choice.texts, choice.look)
        self._view.settle(figure.axes, chosen)
        return True

    def follow(self) -> None:
        """Show everything again."""
        self._view.follow(self.figure.axes)

    def at(self, event: MouseEvent) -> Hover | None:
        """Say which cell or gap is under the pointer."""
        return in_overview(self.overview, event, self._choice.texts)


class EmptyPicture:
    """Says that there is nothing to show yet."""

    def __init__(self, choice: ViewChoice, text: str) -> None:
        """Write the text."""
        with _style(choice):
            self.figure = Figure(figsize=(WIDTH_IN, _EMPTY_HEIGHT_IN))
            FigureCanvasAgg(self.figure)
            self.figure.text(0.5, 0.5, text, ha="center", color=choice.look.quiet, fontsize=12, gid="empty")

    def update(self, content: Any) -> bool:
        """Return whether there is nothing still."""
        return content is None

    def follow(self) -> None:
        """Do nothing: there is nothing to zoom to."""

    def at(self, _event: MouseEvent) -> Hover | None:
        """Return None: there is nothing under the pointer."""
        return None


@contextmanager
def _style(choice: ViewChoice) -> Iterator[None]:
    """Draw in the theme's style, in as many pixels as the picture is wide in the page."""
    with choice.look.style(), mpl.rc_context({"figure.dpi": choice.width / WIDTH_IN}):
        yield


def _fits_itself_to(panel: Panel) -> bool:
    """Return whether what is drawn of a panel depends on the scale that all share: what is thinned, texts side by side.

    All other artists have their places in the units of the data, and stay when the scale changes.
    """
    return len(panel.windows) > 2 * COLUMNS or len(panel.readings) > 0 or len(panel.thresholds) > 1


def _clear(axes: Axes) -> None:
    """Take out what is drawn; ticks, limits and style stay."""
    for artist in [*axes.collections, *axes.lines, *axes.texts]:
        artist.remove()
