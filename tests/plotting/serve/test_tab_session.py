"""Check one tab without a server: its messages, and the effects of mouse, keys and toolbar."""

from typing import Any

import numpy as np
import pytest

from plotting.serve.live_pictures import EmptyPicture, PanelsPicture
from plotting.serve.live_run import LiveRun
from plotting.serve.page_messages import run_message
from plotting.serve.record_buffer import AnomalyBuffer
from plotting.serve.view_choice import ViewChoice
from plotting.serve.words import WORDS
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from tests.support.live_drawing import Tab
from tests.support.live_tables import take
from tests.support.report_pages import hot, letter
from tests.support.runs import MINUTE, T0, anomaly, window


@pytest.fixture
def run():
    found = LiveRun()
    take(found, [window("a", minute, 20.0 + minute) for minute in range(10)])
    return found


def shown(tab) -> Any:
    return tab.picture.grid[0].get_xlim()


def test_it_begins_with_who_it_is_and_a_picture(run):
    tab = Tab(run).begin()
    assert tab.messages[0] == {"type": "session", "id": tab.session.id}
    assert tab.last("run")["windows"] == "10"
    assert tab.blobs >= 1
    assert Tab(run).session.id != tab.session.id


def test_nothing_is_sent_while_nothing_comes(run):
    tab = Tab(run).begin()
    before = len(tab.messages)
    tab.show()
    take(run, [window("a", 3, 23.0)])
    tab.show()
    assert len(tab.messages) == before
    take(run, [window("a", 10)])
    tab.show()
    assert tab.last("run")["windows"] == "11"
    run.problem = "cannot read it"
    tab.show()
    assert tab.last("run")["problem"] == "cannot read it"


def test_after_an_update_of_two_seconds_the_next_one_waits_for_eight():
    run, times = LiveRun(), iter([0.0, 2.0, 9.9, 10.1, 10.1])
    take(run, [window("a")])
    tab = Tab(run, clock=lambda: next(times))
    tab.session.start()  # from 0 s to 2 s
    take(run, [window("a", 1)])
    tab.session.update_page()  # at 9.9 s
    assert tab.last("run")["windows"] == "1"
    tab.session.update_page()  # at 10.1 s
    assert tab.last("run")["windows"] == "2"
    assert list(times) == []


def zoom(tab, left, right) -> None:
    """Drag a rectangle, in parts of the axes' width, over its whole height."""
    box = tab.picture.grid[0].get_window_extent()
    first, last = ((box.x0 + part * box.width, box.y0 + up * box.height) for part, up in ((left, 0.1), (right, 0.9)))
    tab.mouse("button_press", *first, buttons=1)
    tab.mouse("motion_notify", *last, buttons=1)
    tab.mouse("button_release", *last)


def test_zoom_stays_and_home_shows_the_newest(run):
    tab = Tab(run).begin()
    whole = shown(tab)
    assert {"type": "navigate_mode", "mode": "ZOOM"} in tab.hear("toolbar_button", name="zoom")
    zoom(tab, 0.25, 0.75)
    zoomed = shown(tab)
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    take(run, [window("a", minute) for minute in range(10, 20)])
    tab.show()
    assert shown(tab) == zoomed
    tab.hear("toolbar_button", name="home")
    assert shown(tab)[1] > whole[1]
    take(run, [window("a", 30)])
    before = shown(tab)
    tab.show()
    assert shown(tab)[1] > before[1]


@pytest.mark.parametrize("key", ["kh", "kr", "kHome"])
def test_the_keyboard_goes_home(run, key):
    tab = Tab(run).begin()
    whole = shown(tab)
    tab.picture.grid[0].set_xlim(18455.001, 18455.002)
    tab.hear("key_press", key=key)
    assert shown(tab) == whole


@pytest.mark.parametrize("key", ["kq", "kl", "kk", "kg", "ks", "kctrl+w"])
def test_keys_that_would_close_it_or_change_its_axes_do_nothing(run, key):
    tab = Tab(run).begin()
    axes = tab.picture.grid[0]
    tab.mouse("motion_notify", *axes.transAxes.transform((0.5, 0.5)))
    before = (axes.get_xscale(), axes.get_yscale(), tab.blobs)
    assert tab.hear("key_press", key=key) == []
    assert (axes.get_xscale(), axes.get_yscale(), tab.blobs) == before


def test_back_to_before_the_first_zoom_is_everything_of_the_newest(run):
    tab = Tab(run).begin()
    tab.hear("toolbar_button", name="zoom")
    zoom(tab, 0.25, 0.75)
    first = shown(tab)
    zoom(tab, 0.25, 0.75)
    take(run, [window("a", 40)])
    tab.show()
    tab.hear("toolbar_button", name="back")
    assert shown(tab) == pytest.approx(first)
    tab.hear("toolbar_button", name="back")
    everything = shown(tab)
    assert everything[1] > 18455 + 40 / 1440
    take(run, [window("a", 80)])
    tab.show()
    assert shown(tab)[1] > everything[1]
    tab.hear("toolbar_button", name="forward")
    assert shown(tab) == pytest.approx(first)


def test_a_pressed_button_stays_pressed_with_another_picture(run):
    tab = Tab(run).begin()
    tab.hear("toolbar_button", name="zoom")
    take(run, [window("b")])
    tab.show()
    assert [panel.device for panel in tab.picture.panels] == ["a", "b"]
    assert tab.last("navigate_mode")["mode"] == "ZOOM"
    whole = shown(tab)
    zoom(tab, 0.25, 0.75)
    assert shown(tab) != whole
    tab.hear("toolbar_button", name="zoom")
    tab.hear("choose", parameters={"theme": ["dark"]})
    assert tab.last("navigate_mode")["mode"] == "NONE"


def test_panning_moves(run):
    tab = Tab(run).begin()
    whole = shown(tab)
    tab.hear("toolbar_button", name="pan")
    zoom(tab, 0.25, 0.75)
    moved = shown(tab)
    assert moved[1] - moved[0] == pytest.approx(whole[1] - whole[0])
    assert moved[0] < whole[0]
    assert moved != whole


def test_choosing_shows_something_else(run):
    take(run, [window("b", metric="humidity")], [anomaly("a")])
    tab = Tab(run).begin()
    tab.hear("choose", parameters={"metric": ["humidity"], "theme": ["dark"], "lang": ["fr"]})
    assert [panel.device for panel in tab.picture.panels] == ["b"]
    assert tab.picture.figure.texts[0].get_text() == ViewChoice(language="fr").texts.trend_title("humidity")
    assert tab.session.saved_picture("png") != Tab(run).begin().session.saved_picture("png")
    tab.hear("choose", parameters={"device": ["nobody"]})
    assert isinstance(tab.picture, EmptyPicture)
    tab.hear("choose", parameters={})
    assert isinstance(tab.picture, PanelsPicture)
    tab.hear("choose", parameters={"figure": ["pie"]})
    assert "pie" in tab.last("refused")["problem"]
    assert tab.session.choice == ViewChoice(width=480)


@pytest.mark.parametrize(("asked", "ratio"), [(2, 2), (0.1, 0.5), (100, 4)])
def test_a_fine_screen_gets_more_pixels(run, asked, ratio):
    tab = Tab(run).begin()
    tab.hear("set_device_pixel_ratio", device_pixel_ratio=asked)
    canvas = tab.session.manager.canvas
    assert canvas.get_width_height(physical=True)[0] == 480 * ratio
    tab.hear("choose", parameters={"theme": ["dark"]})
    assert tab.session.manager.canvas.get_width_height(physical=True)[0] == 480 * ratio


def test_the_page_cannot_make_the_picture_larger(run):
    tab = Tab(run).begin()
    size = tab.picture.figure.get_size_inches().copy()
    tab.hear("resize", width=9999, height=9999)
    np.testing.assert_array_equal(tab.picture.figure.get_size_inches(), size)
    assert tab.session.manager.canvas.get_width_height()[0] == 480


def test_the_last_minutes_move_with_the_data(run):
    tab = Tab(run, ViewChoice(width=480, last="15min")).begin()
    assert len(tab.picture.panels[0].windows) == 10
    take(run, [window("a", minute) for minute in range(10, 60)])
    tab.show()
    assert len(tab.picture.panels[0].windows) == 15


def test_the_numbers_and_the_latest(run):
    take(run, anomalies=[hot("a", T0 + n * MINUTE, 30.5 + n, "warning") for n in range(20)], letters=[letter()])
    for language in ("en", "fr"):
        choice = ViewChoice(language=language)
        found = run_message(run, choice)
        assert (found["anomalies"], found["windows"], found["letters"]) == ("20", "10", "1")
        assert found["newest"] == "2020-07-12 00:19:00"
        assert (found["dropped"], found["more"], found["devices"]) == ("", "", ["a"])
        assert found["metrics"] == [["temp", choice.texts.name("temp")]]
        assert len(found["latest"]) == 12
        assert found["latest"][0] == [
            "2020-07-12 00:19:00", "a", choice.texts.quantity(49.5, "temp"), "temp-high", "warning",
            choice.texts.severity("warning"),
        ]  # fmt: skip
    assert found["latest"][0][2] == "49,5\u00a0°C"


def test_the_page_has_the_units_and_labels_of_a_feed():
    """Names stay what the page sends back; labels are what it shows."""
    catalog = MetricCatalog({"NO2(GT)": MetricInfo("µg/m³", "<b>Nitrogen dioxide</b>")})
    run, choice = LiveRun(), ViewChoice(metric="NO2(GT)", width=480, language="fr", catalog=catalog)
    take(run, [window(metric="NO2(GT)"), window()], [anomaly(metric="NO2(GT)", value=40.5)])
    tab = Tab(run, choice, default=choice).begin()
    found = tab.last("run")
    assert found["metrics"] == [["NO2(GT)", "<b>Nitrogen dioxide</b>"], ["temp", "temp"]]
    assert found["latest"][0][2] == "40,5\u00a0µg/m³"
    assert tab.session.picture.figure.axes[0].get_ylabel() == "<b>Nitrogen dioxide</b> (µg/m³)"
    tab.hear("choose", parameters={"metric": ["temp"]})
    assert tab.session.picture.figure.axes[0].get_ylabel() == "temp"


def test_what_is_let_go_is_said(run):
    run.anomalies = AnomalyBuffer(max_records=5)
    take(run, anomalies=[anomaly("a", T0 + n) for n in range(12)])
    found = run_message(run, ViewChoice())
    assert (found["anomalies"], found["dropped"]) == ("12", "7")


def test_of_many_devices_some_are_listed_and_others_found(run):
    take(run, [window(f"Device {number:03}") for number in range(400)])
    tab = Tab(run).begin()
    assert (len(tab.last("run")["devices"]), tab.last("run")["more"]) == (300, "101")
    (found,) = tab.hear("find", text="device 39")
    assert found == {
        "type": "devices",
        "devices": [f"Device {n}" for n in range(390, 400)],
        "more": "",
        "find": "device 39",
    }


def test_both_languages_have_every_word():
    assert WORDS["en"].keys() == WORDS["fr"].keys()
    for name, text in WORDS["en"].items():
        for part in ("{count}", "{low}", "{high}", "{problem}", "{time}"):
            assert (part in text) == (part in WORDS["fr"][name]), name
