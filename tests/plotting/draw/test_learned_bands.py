"""Check where bands are drawn: the corners of their polygons, and their place behind the data."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from plotting.data.downsample import Windows
from plotting.data.learned import STILL_OPEN_US, LearnedBand
from plotting.data.panels import Panel, Points
from plotting.draw.panel_figure import compose_panels
from plotting.draw.time_axis import DAY_US
from plotting.style.texts import TEXTS
from plotting.style.themes import DARK, LIGHT, Theme
from tests.support.runs import MINUTE, T0

NOTHING = np.empty(0, np.int64)
START = T0 + np.arange(4) * MINUTE
MEANS = np.array([20.0, 21.0, 20.0, 21.0])
WINDOWS = Windows(START, START + MINUTE, np.ones(4, np.int64), MEANS, MEANS - 1, MEANS + 1, np.full(4, 0.5))
PANEL = Panel("a", Points(NOTHING, NOTHING.astype(float)), WINDOWS, Points(NOTHING, NOTHING.astype(float)), ())


def band(minutes: list[float], expected: list[float], spread: list[float], end_us: int | None = None) -> LearnedBand:
    times = [T0 + round(minute * MINUTE) for minute in minutes]
    return LearnedBand(np.array(times if end_us is None else [*times, end_us]), np.array(expected), np.array(spread))


TWO_STEPS = band([0, 1, 3], [20, 21], [0.5, 1])


def drawn(*bands: LearnedBand, language: str = "en", theme: Theme = LIGHT, trend: bool = True) -> Figure:
    panel = dataclasses.replace(PANEL, learned=bands)
    with theme.style():
        figure, _ = compose_panels([panel], "temp", TEXTS[language], unreadable=0, devices=1, trend=trend, theme=theme)
    return figure


def artist(axes: Axes, gid: str) -> Any:
    (found,) = [child for child in axes.get_children() if child.get_gid() == gid]
    return found


def minutes_of(vertices: np.ndarray) -> list[tuple[float, float]]:
    days = T0 / DAY_US
    return [(round((x - days) * 1440, 3), round(y, 6)) for x, y in vertices.tolist()]


@pytest.mark.parametrize("trend", [True, False])
def test_a_band_is_a_polygon_in_steps_with_a_line_for_each_usual_value(trend: bool) -> None:
    (axes,) = drawn(TWO_STEPS, trend=trend).axes
    (outline,) = artist(axes, "learned").get_paths()
    corners = [(0, 18.5), (1, 18.5), (1, 18), (3, 18), (3, 24), (1, 24), (1, 21.5), (0, 21.5)]
    assert minutes_of(outline.vertices) == [*corners, corners[0]]
    lines = [minutes_of(path.vertices) for path in artist(axes, "usual").get_paths()]
    assert lines == [[(0, 20), (1, 20)], [(1, 21), (3, 21)]]


def test_a_gap_in_what_is_known_is_a_gap_in_the_band() -> None:
    (axes,) = drawn(band([0, 1, 2, 3], [20, float("nan"), 21], [1, 1, 1])).axes
    outlines = [minutes_of(path.vertices)[:2] for path in artist(axes, "learned").get_paths()]
    assert outlines == [[(0, 17), (1, 17)], [(2, 18), (3, 18)]]


def test_one_that_has_not_ended_reaches_the_edge_and_stretches_no_axis() -> None:
    (axes,) = drawn(band([2], [20], [1], STILL_OPEN_US)).axes
    right = minutes_of(artist(axes, "learned").get_paths()[0].vertices)[1][0]
    left, edge = ((limit - T0 / DAY_US) * 1440 for limit in axes.get_xlim())
    assert left < 0
    assert 4 < edge < 5 < right


def test_it_lies_behind_the_data_and_before_the_time_of_incidents() -> None:
    (axes,) = drawn(TWO_STEPS).axes
    order = [artist(axes, name).get_zorder() for name in ("learned", "usual", "range", "deviation", "mean")]
    assert order == sorted(order)
    assert order[0] > 0.6


def test_the_axis_shows_all_of_a_band_that_holds_in_its_time() -> None:
    low, high = drawn(band([0, 1], [10], [1])).axes[0].get_ylim()
    assert (low < 7, high < 30) == (True, True)
    low, _ = drawn(band([-9, -8], [10], [1])).axes[0].get_ylim()
    assert low > 10


@pytest.mark.parametrize(
    ("language", "theme", "text"),
    [
        ("en", LIGHT, "Learned: usual value ± 3 spreads"),
        ("fr", DARK, "Appris : valeur habituelle ± 3 écarts types"),
    ],
)
def test_the_legend_says_what_it_is_in_its_colour(language: str, theme: Theme, text: str) -> None:
    figure = drawn(TWO_STEPS, language=language, theme=theme)
    (legend,) = figure.legends
    keys = dict(zip([one.get_text() for one in legend.get_texts()], legend.legend_handles, strict=True))
    assert to_rgba(keys[text].get_facecolor())[:3] == to_rgba(theme.learned)[:3]  # type: ignore[union-attr]
    assert to_rgba(artist(figure.axes[0], "learned").get_facecolor()[0])[:3] == to_rgba(theme.learned)[:3]
    assert text not in [one.get_text() for one in drawn(language=language).legends[0].get_texts()]
