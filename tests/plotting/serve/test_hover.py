"""Check the tooltips."""

from typing import Any

import msgspec
import pandas as pd
import pytest
from matplotlib.backend_bases import MouseEvent

from plotting.data.panels import TimeRange
from plotting.draw.time_axis import DAY_US
from plotting.serve.live_pictures import EmptyPicture, OverviewPicture, PanelsPicture
from plotting.serve.live_run import LiveRun
from plotting.serve.view_choice import ViewChoice
from tests.support.live_drawing import Tab, pixels
from tests.support.live_tables import take
from tests.support.runs import MINUTE, T0, anomaly, window

EVERYTHING = TimeRange()


def course_picture(run, choice) -> Any:
    picture = PanelsPicture(choice, run.panel_content("temp", (), EVERYTHING, readings=choice.figure == "scatter"))
    pixels(picture, choice)
    return picture


def at(axes, time_us, value, *, right=0.0, up=0.0) -> Any:
    """Return the pointer at a time and a value, so many pixels beside it."""
    x, y = axes.transData.transform((time_us / DAY_US, value))
    return MouseEvent("motion_notify_event", axes.figure.canvas, x + right, y + up)


@pytest.fixture
def run():
    found = LiveRun()
    windows = [window(device, minute, 20.0 + minute) for device in "ab" for minute in range(10)]
    take(found, windows, [anomaly("a", T0 + 4 * MINUTE + MINUTE // 2, 24.0), anomaly("b", T0 + 8 * MINUTE, 40.0)])
    return found


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_anomaly_comes_before_the_window_it_is_in(run, language):
    picture = course_picture(run, ViewChoice(language=language))
    hover = picture.hover_at(at(picture.grid[0], T0 + 4 * MINUTE + MINUTE // 2, 24.0, right=6, up=6))
    assert (hover.kind, hover.device, hover.time_us) == ("anomaly", "a", T0 + 4 * MINUTE + MINUTE // 2)
    assert hover.lines == ({"en": "24", "fr": "24"}[language] + "\u00a0°C", "2020-07-12 00:04:30.000Z", "a")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_window_says_its_mean_and_range(run, language):
    picture = course_picture(run, ViewChoice(language=language))
    hover = picture.hover_at(at(picture.grid[0], T0 + 4 * MINUTE + MINUTE // 2, 24.0, up=12))
    assert hover.kind == "window"
    expected = {
        "en": ("Mean 24 °C ± 0.5 °C", "23 °C – 25 °C", "2020-07-12 00:04:00 – 00:05:00 UTC", "12 readings", "a"),
        "fr": ("Moyenne 24 °C ± 0,5 °C", "23 °C – 25 °C", "2020-07-12 00:04:00 – 00:05:00 UTC", "12 mesures", "a"),
    }
    assert tuple(line.replace("\u00a0", " ") for line in hover.lines) == expected[language]


def test_a_window_of_a_day_or_more_says_both_dates():
    run = LiveRun()
    day = msgspec.structs.replace(window("a"), window_end=T0 + 25 * 60 * MINUTE)
    take(run, [day], [])
    picture = course_picture(run, ViewChoice())
    hover = picture.hover_at(at(picture.grid[0], T0 + MINUTE, day.mean))
    assert hover.lines[2] == "2020-07-12 00:00:00 – 2020-07-13 01:00:00 UTC"


@pytest.mark.parametrize(("distance", "kind"), [(8, "anomaly"), (10.5, "window")])  # a pointer is at whole pixels
def test_near_is_nine_pixels(run, distance, kind):
    picture = course_picture(run, ViewChoice())
    place = (picture.grid[0], T0 + 4 * MINUTE + MINUTE // 2, 24.0)
    for beside in ({"right": distance}, {"right": -distance}, {"up": distance}, {"up": -distance}):
        assert picture.hover_at(at(*place, **beside)).kind == kind


def test_the_nearest_of_several_is_said():
    run = LiveRun()
    take(run, [window()], [anomaly("a", T0 + 10, 30.0), anomaly("a", T0 + 20, 31.0)])
    picture = course_picture(run, ViewChoice())
    assert picture.hover_at(at(picture.grid[0], T0 + 15, 30.9)).lines[0].startswith("31")


def test_outside_there_is_nothing(run):
    picture = course_picture(run, ViewChoice())
    assert picture.hover_at(MouseEvent("motion_notify_event", picture.figure.canvas, 2, 2)) is None
    assert picture.hover_at(at(picture.grid[0], T0 - MINUTE // 20, 24.0)) is None
    assert picture.hover_at(at(picture.grid[0], T0 + 10 * MINUTE + MINUTE // 20, 24.0)) is None
    assert EmptyPicture(ViewChoice(), "nothing").hover_at(at(picture.grid[0], T0, 0)) is None


def test_between_windows_there_is_nothing_and_edges_belong_to_what_begins():
    run = LiveRun()
    take(run, [window("a", 0, 20.0), window("a", 1, 21.0), window("a", 30, 22.0)])
    picture = course_picture(run, ViewChoice())
    axes = picture.grid[0]
    assert picture.hover_at(at(axes, T0 + 15 * MINUTE, 21.0)) is None
    assert picture.hover_at(at(axes, T0 + MINUTE + 1000, 21.0)).lines[0].startswith("Mean 21")


def test_a_reading_says_its_value_and_its_own_time():
    run = LiveRun()
    take(run, [window("a")], [anomaly("a", T0 + 30_000_000, 31.0)])
    times = pd.to_datetime([T0, T0 + 30_000_000], unit="us", utc=True)
    run.set_readings("temp", pd.DataFrame({"device": ["a", "a"], "time": times, "value": [20.0, 31.0]}))
    picture = course_picture(run, ViewChoice(figure="scatter"))
    hover = picture.hover_at(at(picture.grid[0], T0, 20.0))
    assert (hover.kind, hover.time_us, hover.lines[0]) == ("reading", T0, "20\u00a0°C")
    assert picture.hover_at(at(picture.grid[0], T0 + 30_000_000, 31.0)).kind == "anomaly"
    beside = pd.DataFrame({"device": ["a", "a"], "time": times + pd.Timedelta(seconds=-0.2), "value": [20.0, 31.0]})
    run.set_readings("temp", pd.concat([beside, pd.DataFrame({"device": ["a"], "time": times[1:], "value": [31.0]})]))
    picture = course_picture(run, ViewChoice(figure="scatter"))
    assert picture.hover_at(at(picture.grid[0], T0 + 29_800_000, 31.0)).kind == "anomaly"


def overview_picture(run, language="en") -> Any:
    choice = ViewChoice(figure="overview", metric="*", language=language)
    picture = OverviewPicture(choice, run.overview(None, (), EVERYTHING))
    pixels(picture, choice)
    return picture


def axes_with(picture, gid) -> Any:
    (found,) = [one for one in picture.figure.axes if gid in {artist.get_gid() for artist in one.collections}]
    return found


@pytest.mark.parametrize(("language", "said"), [("en", "2 anomalies"), ("fr", "2 anomalies")])
def test_a_cell_says_how_many(language, said):
    run = LiveRun()
    take(run, [window("a"), window("b")], [anomaly("b", T0), anomaly("b", T0 + 1), anomaly("a", T0 + 61 * MINUTE)])
    picture = overview_picture(run, language)
    heat = axes_with(picture, "heat")
    hover = picture.hover_at(at(heat, T0 + 30 * MINUTE, 1))
    assert (hover.kind, hover.device) == ("cell", "b")
    assert hover.lines == (said.replace(" ", "\u00a0"), "2020-07-12 00:00:00 – 2020-07-12 01:00:00 UTC", "b")
    assert (
        picture.hover_at(at(heat, T0 + 90 * MINUTE, 0)).lines[0]
        == {"en": "1\u00a0anomaly", "fr": "1\u00a0anomalie"}[language]
    )
    assert picture.hover_at(at(heat, T0 - 2 * 60 * MINUTE, 0)) is None


@pytest.mark.parametrize(("language", "said"), [("en", "gap"), ("fr", "")])
def test_a_gap_says_how_long(language, said):
    run = LiveRun()
    take(run, [window("a", minute) for minute in (*range(5), *range(95, 99))])
    picture = overview_picture(run, language)
    cover = axes_with(picture, "gap")
    hover = picture.hover_at(at(cover, T0 + 30 * MINUTE, 0))
    assert (hover.kind, hover.device) == ("gap", "a")
    assert hover.lines[0].lower().startswith(said)
    assert "1" in hover.lines[0]  # 1 h 30 min
    assert hover.lines[1:] == ("2020-07-12 00:05:00 – 2020-07-12 01:35:00 UTC", "a")
    assert picture.hover_at(at(cover, T0 + 2 * MINUTE, 0)) is None
    assert picture.hover_at(at(cover, T0 + 97 * MINUTE, 0)) is None


def test_bars_say_nothing():
    run = LiveRun()
    take(run, [window("a")], [anomaly("a")])
    picture = overview_picture(run)
    bars = next(one for one in picture.figure.axes if one.patches)
    x, y = bars.transData.transform((0.5, 0))
    assert picture.hover_at(MouseEvent("motion_notify_event", picture.figure.canvas, x, y)) is None


RULES = {
    "en": ["spike (critical): outside 10 °C – 30 °C", "temp-high (critical): above 30 °C"],
    "fr": ["spike (critique): hors de 10 °C – 30 °C", "temp-high (critique): au-dessus de 30 °C"],
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_is_told_which_rules_were_breached(language):
    run = LiveRun()
    found = [anomaly("a", T0 + 5, 31.0), anomaly("a", T0 + 5, 31.0, threshold=10.0, upper=30.0, rule="spike")]
    take(run, [window("a")], [*found, anomaly("a", T0 + 50, 50.0, rule="other")])
    tab = Tab(run, ViewChoice(language=language)).begin()
    axes = tab.picture.grid[0]
    x, y = axes.transData.transform(((T0 + 5) / DAY_US, 31.0))
    told = tab.mouse("motion_notify", x, y)
    (hover,) = [message for message in told if message["type"] == "hover"]
    assert hover["kind"] == "anomaly"
    assert sorted(line.replace("\u00a0", " ") for line in hover["lines"][3:]) == RULES[language]
    assert not [message for message in tab.mouse("motion_notify", x + 1, y) if message["type"] == "hover"]
    (left,) = [message for message in tab.mouse("figure_leave", 0, 0) if message["type"] == "hover"]
    assert left["lines"] == []


@pytest.mark.parametrize("comparison", ["above", "below", "outside", "inside"])
def test_every_comparison_has_words(comparison):
    run = LiveRun()
    one = msgspec.structs.replace(anomaly("a", T0 + 5, 31.0), comparison=comparison)
    take(run, [window("a")], [one])
    tab = Tab(run).begin()
    x, y = tab.picture.grid[0].transData.transform(((T0 + 5) / DAY_US, 31.0))
    tab.mouse("motion_notify", x, y)
    assert comparison in tab.last("hover")["lines"][3]


@pytest.mark.parametrize("button", ["zoom", "pan"])
def test_while_somebody_zooms_or_pans_nothing_is_said(run, button):
    tab = Tab(run).begin()
    x, y = tab.picture.grid[0].transData.transform(((T0 + 4.5 * MINUTE) / DAY_US, 24.0))
    tab.hear("toolbar_button", name=button)
    assert not [message for message in tab.mouse("motion_notify", x, y) if message["type"] == "hover"]
