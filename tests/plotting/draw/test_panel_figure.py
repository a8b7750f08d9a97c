import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from plotting.data.downsample import Windows
from plotting.data.panels import IncidentSpan, Panel, Points
from plotting.draw.panel_figure import compose_panels
from plotting.draw.time_axis import to_days
from plotting.style.texts import TEXTS
from plotting.style.themes import DARK, LIGHT
from tests.support.runs import MINUTE, T0

NOTHING = np.empty(0, dtype=np.int64)
NO_WINDOWS = Windows(NOTHING, NOTHING, NOTHING, *[NOTHING.astype(float)] * 4)
NO_POINTS = Points(NOTHING, NOTHING.astype(float))


def points(*values, start=0) -> Points:
    return Points(T0 + (start + np.arange(len(values))) * MINUTE, np.array(values, dtype=float))


def windows(*means) -> Windows:
    mean, start = np.array(means, dtype=float), T0 + np.arange(len(means)) * MINUTE
    return Windows(start, start + MINUTE, np.ones_like(start), mean, mean - 2, mean + 3, np.full(len(mean), 0.5))


READINGS = [
    Panel("a", points(20, 21, 22, 0.5), NO_WINDOWS, points(31, 33, start=4), (30.0,)),
    Panel("b", points(*range(10, 15)), NO_WINDOWS, NO_POINTS, ()),
]
WINDOWS = [Panel("a", NO_POINTS, windows(20, 21, 22), points(31.0), (30.0,))]


def draw(panels, language="en", *, metric="temp", unreadable=0, devices=None) -> tuple[Any, int]:
    figure, drawn = compose_panels(
        panels, metric, TEXTS[language], unreadable=unreadable, devices=len(panels) if devices is None else devices
    )
    return figure, drawn


def legend(figure) -> list[str]:
    return [text.get_text().replace("\xa0", " ") for text in figure.legends[0].get_texts()]


def note(figure, name) -> str:
    (text,) = [text for text in figure.texts if text.get_gid() == name]
    return str(text.get_text()).replace("\xa0", " ")


def artist(axes, name) -> Any:
    (found,) = [child for child in axes.get_children() if child.get_gid() == name]
    return found


def test_every_point_is_drawn_in_its_colour_and_place():
    figure, drawn = draw(READINGS)
    first, second = figure.axes
    for axes, name, color, expected in (
        (first, "readings", LIGHT.blue, READINGS[0].readings),
        (first, "anomalies", LIGHT.red, READINGS[0].anomalies),
        (second, "readings", LIGHT.blue, READINGS[1].readings),
    ):
        cloud = artist(axes, name)
        assert cloud.get_offsets().tolist() == np.stack([to_days(expected.times), expected.values], 1).tolist()
        assert cloud.get_rasterized()
        assert tuple(cloud.get_facecolor()[0]) == to_rgba(color)
    assert drawn == 11


def test_the_threshold_is_a_dashed_line_with_its_value_where_the_device_has_anomalies():
    figure, _ = draw(READINGS, "fr")
    line = artist(figure.axes[0], "threshold")
    assert list(line.get_ydata()) == [30.0, 30.0]
    assert line.get_linestyle() == "--"
    assert artist(figure.axes[0], "bound").get_text() == "30\xa0°C"
    assert not [child for child in figure.axes[1].get_children() if child.get_gid() == "threshold"]


def test_windows_are_a_mean_line_in_a_band():
    figure, drawn = draw(WINDOWS)
    (axes,) = figure.axes
    assert artist(axes, "mean").get_ydata().tolist() == [20.0, 21.0, 22.0]
    assert artist(axes, "mean").get_xdata().tolist() == to_days(WINDOWS[0].windows.start + MINUTE // 2).tolist()
    corners = artist(axes, "range").get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (18.0, 25.0)
    assert (corners[:, 0].min(), corners[:, 0].max()) == tuple(to_days(np.array([T0, T0 + 3 * MINUTE])))
    assert artist(axes, "anomalies").get_offsets().tolist() == [[*to_days(np.array([T0])), 31.0]]
    assert drawn == 3


def test_windows_that_differ_in_length_are_as_wide_as_they_are_long():
    """A day on which clocks are put back has 25 hours, and its neighbours 24."""
    hours = np.array([0, 24, 49, 73]) * 60 * MINUTE + T0
    windows = dataclasses.replace(WINDOWS[0].windows, start=hours[:3], end=hours[1:])
    axes = draw([dataclasses.replace(WINDOWS[0], windows=windows)])[0].axes[0]
    corners = artist(axes, "range").get_paths()[0].vertices
    assert sorted({*corners[:, 0].tolist()}) == to_days(hours).tolist()


@pytest.mark.parametrize(
    ("panels", "language", "expected"),
    [
        (READINGS, "en", ["Normal readings (9)", "Anomalies (2)", "Threshold (30 °C)"]),
        (READINGS, "fr", ["Mesures normales (9)", "Anomalies (2)", "Seuil (30 °C)"]),
        (READINGS[1:], "en", ["Normal readings (5)", "Anomalies (0)"]),
        (WINDOWS, "en", ["Window mean (3)", "Window minimum to maximum", "Anomalies (1)", "Threshold (30 °C)"]),
        (
            WINDOWS,
            "fr",
            ["Moyenne par fenêtre (3)", "Du minimum au maximum de la fenêtre", "Anomalies (1)", "Seuil (30 °C)"],
        ),
    ],
)
def test_the_legend_counts_what_is_shown(panels, language, expected):
    assert legend(draw(panels, language)[0]) == expected


def test_the_words_around_the_picture_in_english():
    figure, _ = draw(READINGS, unreadable=3, devices=7)
    assert note(figure, "title") == "Temperature against time"
    summary = "12 Jul 2020 00:00 – 12 Jul 2020 00:05 UTC  ·  11 readings  ·  2 devices  ·  2 anomalies"
    assert note(figure, "summary") == summary
    assert note(figure, "remarks") == (
        "2 of 7 devices shown, those with the most anomalies  ·  3 readings without a readable value left out"
    )
    titles = [axes.get_title() or axes.get_title() for axes in figure.axes]
    assert [title.replace("\xa0", " ") for title in titles] == [
        "a  –  6 readings, 2 anomalies",
        "b  –  5 readings, 0 anomalies",
    ]
    assert figure.axes[-1].get_xlabel() == "Time (UTC)"
    assert figure.get_supylabel() == "Temperature (°C)"


def test_the_words_around_the_picture_in_french():
    figure, _ = draw(WINDOWS, "fr")
    assert note(figure, "title") == "Visualisation des températures en fonction du temps"
    summary = "12 juil. 2020 00:00 – 12 juil. 2020 00:03 UTC  ·  3 fenêtres  ·  1 capteur  ·  1 anomalie"
    assert note(figure, "summary") == summary
    assert figure.axes[0].get_xlabel() == "Horodatage (UTC)"
    assert figure.axes[0].get_ylabel() == "Température (°C)"


def test_all_panels_share_axes_that_show_every_value_and_threshold():
    figure, _ = draw(READINGS)
    low, high = figure.axes[0].get_ylim()
    assert low < 0.5 < 33.0 < high
    assert figure.axes[1].get_ylim() == (low, high)
    assert figure.axes[1].get_xlim() == figure.axes[0].get_xlim()
    far = [Panel("a", points(20), NO_WINDOWS, points(31), (-50.0, 90.0))]
    low, high = draw(far)[0].axes[0].get_ylim()
    assert low < -50.0 < 90.0 < high


@pytest.mark.parametrize("value", [0.0, 21.5, -3.0])
def test_a_single_point_has_room_around_it(value):
    figure, _ = draw([Panel("a", points(value), NO_WINDOWS, NO_POINTS, ())])
    (low, high), (start, end) = figure.axes[0].get_ylim(), figure.axes[0].get_xlim()
    assert low < value < high
    assert start < end


def test_values_are_written_in_the_language():
    panels = [Panel("a", points(0.1, 0.9), NO_WINDOWS, NO_POINTS, ())]
    for language, mark in (("en", "."), ("fr", ",")):
        figure, _ = draw(panels, language)
        figure.canvas.draw()
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert f"0{mark}4" in labels


def test_many_points_are_thinned_and_the_picture_says_so():
    steps = np.arange(200_000)
    times, values = T0 + steps * 1_000_000, np.where(steps % 50_000 == 7, 45.0, 20.0)
    figure, drawn = draw([Panel("a", Points(times, values), NO_WINDOWS, points(*[31.0] * 3000), (30.0,))])
    offsets = artist(figure.axes[0], "readings").get_offsets()
    assert len(offsets) < 1400 * 5
    assert (offsets[:, 1] == 45.0).sum() == 4
    assert len(artist(figure.axes[0], "anomalies").get_offsets()) == 3000
    expected = f"{drawn:,} of 203,000 points drawn: every anomaly and every extreme is kept"
    assert note(figure, "remarks") == expected


def trend(panels, language="en", theme=LIGHT) -> Any:
    with theme.style():
        figure, _ = compose_panels(panels, "temp", TEXTS[language], unreadable=0, devices=1, trend=True, theme=theme)
    return figure


def test_a_trend_has_a_band_of_the_deviation_within_that_of_the_extremes():
    figure = trend(WINDOWS)
    (axes,) = figure.axes
    corners = artist(axes, "deviation").get_paths()[0].vertices
    assert sorted(set(corners[:, 1])) == [19.5, 20.5, 21.5, 22.5]
    assert artist(axes, "range").get_paths()[0].vertices[:, 1].max() == 25.0
    assert artist(axes, "mean").get_ydata().tolist() == [20.0, 21.0, 22.0]
    assert artist(axes, "threshold").get_ydata()[0] == 30.0
    assert note(figure, "title") == "Temperature trend"
    assert "Mean ± standard deviation" in legend(figure)
    scatter = draw(WINDOWS)[0]
    assert not [child for child in scatter.axes[0].get_children() if child.get_gid() == "deviation"]


def test_a_trend_is_broken_where_there_are_no_windows():
    some = windows(20, 21, 22, 23)
    start = np.array([T0 + n * MINUTE for n in (0, 1, 30, 31)])
    gappy = Windows(start, start + MINUTE, some.count, some.mean, some.min, some.max, some.stddev)
    (axes,) = trend([Panel("a", NO_POINTS, gappy, NO_POINTS, ())]).axes
    assert np.isnan(artist(axes, "mean").get_ydata()).tolist() == [False, False, True, False, False]
    assert len(artist(axes, "deviation").get_paths()) == 2
    assert len(artist(axes, "range").get_paths()) == 2


def test_a_trend_s_axis_shows_all_of_the_deviation():
    start = T0 + np.arange(2) * MINUTE
    flat = np.full(2, 20.0)
    wide = Windows(start, start + MINUTE, np.ones_like(start), flat, flat, flat, np.array([9.0, 1.0]))
    low, high = trend([Panel("a", NO_POINTS, wide, NO_POINTS, ())]).axes[0].get_ylim()
    assert low < 11.0 < 29.0 < high


def test_thresholds_side_by_side_are_written_apart_each_beside_its_own_line():
    bounds = (20.0, 29.9, 30.0, 30.1)
    figure = trend([Panel("a", NO_POINTS, windows(20, 21), points(31.0), bounds)])
    lines = [child for child in figure.axes[0].get_children() if child.get_gid() == "threshold"]
    texts = [child for child in figure.axes[0].get_children() if child.get_gid() == "bound"]
    assert [line.get_ydata()[0] for line in lines] == list(bounds)
    boxes = [text.get_window_extent() for text in texts]
    assert all(one.y1 <= other.y0 for one, other in itertools.pairwise(boxes))
    assert texts[0].get_position()[1] == 20.0
    assert abs(texts[2].get_position()[1] - 30.0) < 0.1


def test_a_long_legend_is_written_smaller_until_it_fits():
    start = T0 + np.arange(1000) * MINUTE
    many = Windows(start, start + MINUTE, np.ones_like(start), *[np.full(1000, 20.0)] * 4)
    panel = Panel("a", NO_POINTS, many, points(*[31.0] * 3000), (10.25, 20.25, 30.25, 40.25))
    figure = trend([panel], "fr")
    (shown,) = figure.legends
    assert shown.get_window_extent().x1 <= figure.bbox.x1
    assert len(shown.get_texts()) == 5
    assert shown.get_texts()[0].get_fontsize() > 6
    assert trend(WINDOWS).legends[0].get_texts()[0].get_fontsize() == 8.5


@pytest.mark.parametrize("device", ["$x$", r"$\nothing$", "<script>"])
def test_a_device_s_name_is_no_formula(device):
    figure, _ = draw([Panel(device, points(1, 2), NO_WINDOWS, NO_POINTS, ())])
    figure.canvas.draw()
    assert device in figure.axes[0].get_title() + figure.axes[0].get_title()


def test_the_dark_theme_draws_in_its_own_colours():
    figure = trend(WINDOWS, theme=DARK)
    assert to_rgba(figure.get_facecolor()) == to_rgba(figure.axes[0].get_facecolor()) == to_rgba(DARK.paper)
    assert artist(figure.axes[0], "mean").get_color() == DARK.blue
    assert tuple(artist(figure.axes[0], "anomalies").get_facecolor()[0]) == to_rgba(DARK.red)
    marks = [text.get_color() for text in figure.texts if text.get_gid() in ("summary", "remarks")]
    assert set(marks) == {DARK.quiet}


INCIDENTS = (
    IncidentSpan(T0 + MINUTE, T0 + 2 * MINUTE, "warning"),
    IncidentSpan(T0 + 3 * MINUTE, None, "critical"),
)


def spans(axes) -> list[tuple[float, float, Any]]:
    found = [child for child in axes.get_children() if child.get_gid() == "incident"]
    return [(one.get_x(), one.get_x() + one.get_width(), one.get_facecolor()[:3]) for one in found]


@pytest.mark.parametrize("panels", [READINGS, WINDOWS])
def test_the_time_of_an_incident_is_shaded_and_an_open_one_reaches_the_edge(panels):
    figure, _ = draw([dataclasses.replace(panels[0], incidents=INCIDENTS), *panels[1:]])
    (closed, is_open), (start, end) = spans(figure.axes[0]), to_days(np.array([T0 + MINUTE, T0 + 2 * MINUTE]))
    assert closed[:2] == pytest.approx((start, end), abs=1e-9)
    assert closed[2] == to_rgba(LIGHT.severities["warning"])[:3]
    assert is_open[0] == pytest.approx(to_days(np.array(T0 + 3 * MINUTE)), abs=1e-9)
    assert is_open[2] == to_rgba(LIGHT.severities["critical"])[:3]
    left, right = figure.axes[0].get_xlim()
    assert is_open[1] > right
    assert left < to_days(np.array(T0))
    assert right < to_days(np.array(T0 + 20 * MINUTE)), "incidents do not stretch the axis"
    assert all(not spans(axes) for axes in figure.axes[1:])


def test_incidents_are_counted_above_the_panel_and_named_by_severity_in_the_legend():
    figure, _ = draw([dataclasses.replace(READINGS[0], incidents=INCIDENTS), READINGS[1]])
    assert figure.axes[0].get_title().replace("\xa0", " ") == "a  –  6 readings, 2 anomalies, 2 incidents"
    assert figure.axes[1].get_title().replace("\xa0", " ") == "b  –  5 readings, 0 anomalies"
    assert note(figure, "summary").endswith("2 anomalies  ·  2 incidents")
    assert legend(figure)[-2:] == ["Incident (critical)", "Incident (warning)"]
    french, _ = draw([dataclasses.replace(READINGS[0], incidents=INCIDENTS[:1])], "fr")
    assert legend(french)[-1] == "Incident (avertissement)"


def test_a_severity_of_another_release_is_drawn_and_named():
    figure, _ = draw([dataclasses.replace(READINGS[0], incidents=(IncidentSpan(T0, T0 + MINUTE, "fatal"),))])
    assert spans(figure.axes[0])[0][2] == to_rgba(LIGHT.quiet)[:3]
    assert legend(figure)[-1] == "Incident (fatal)"


def test_incidents_of_a_severity_that_overlap_are_shaded_once():
    minutes = [(0, 2, "info"), (1, 3, "info"), (1, 2, "warning"), (4, 5, "info"), (2, 3, "info")]
    times = tuple(IncidentSpan(T0 + start * MINUTE, T0 + end * MINUTE, severity) for start, end, severity in minutes)
    figure, _ = draw([dataclasses.replace(READINGS[0], incidents=times)])
    first = float(to_days(np.array(T0)))
    found = [(round((start - first) * 1440), round((end - first) * 1440)) for start, end, _ in spans(figure.axes[0])]
    assert sorted(found) == [(0, 3), (1, 2), (4, 5)]
    assert "5 incidents" in figure.axes[0].get_title().replace("\xa0", " ")
