"""Check that updated pictures have the pixels of new ones, and that nothing accumulates in them."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from plotting.data.panels import TimeRange
from plotting.serve.live_pictures import EmptyPicture, OverviewPicture, PanelsPicture
from plotting.serve.live_run import LiveRun
from plotting.serve.view_choice import ViewChoice
from tests.support.live_drawing import Tab, pixels
from tests.support.live_tables import take
from tests.support.report_pages import letter
from tests.support.runs import MINUTE, T0, anomaly, window

EVERYTHING = TimeRange()
DEVICES = ("a", "b", "c")


def step(run, number, devices=DEVICES) -> None:
    """Give a run one step more: a window each, now and then an anomaly of one of two rules, and a letter."""
    take(run, [window(device, number, 20.0 + number % 5) for device in devices])
    if number % 2:
        bound = (30.0, 30.2)[number // 2 % 2]
        device, at = devices[number % len(devices)], T0 + number * MINUTE
        take(run, anomalies=[anomaly(device, at, 31.0 + number, rule=str(bound), threshold=bound)])
        take(run, letters=[letter("too_late", number)])


def readings(run, number) -> None:
    """Give a run all readings until a step."""
    places = np.arange(40 * (number + 1))
    frame = pd.DataFrame(
        {
            "device": np.array(DEVICES, dtype=object)[places % 3],
            "time": pd.to_datetime(T0 + places * (MINUTE // 40), unit="us", utc=True),
            "value": 20.0 + places % 17,
        }
    )
    run.set_readings("temp", frame)


def content_of(run, choice) -> Any:
    if choice.figure == "overview":
        return run.overview(choice.metric_or_all, choice.devices, choice.range_at(run.newest_us))
    return run.panel_content(
        "temp", choice.devices, choice.range_at(run.newest_us), readings=choice.figure == "scatter"
    )


def fresh(run, choice) -> Any:
    return (OverviewPicture if choice.figure == "overview" else PanelsPicture)(choice, content_of(run, choice))


def same(picture, run, choice) -> None:
    assert np.array_equal(pixels(picture, choice), pixels(fresh(run, choice), choice))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["scatter", "readings", "trend", "overview", "last"])
def test_step_by_step_is_pixel_for_pixel_what_is_drawn_afresh(kind, theme):
    run = LiveRun()
    choice = ViewChoice(
        {"readings": "scatter", "last": "trend"}.get(kind, kind),
        theme=theme,
        width=480,
        last="15min" if kind == "last" else "",
    )
    step(run, 0)
    picture = fresh(run, choice)
    for number in range(1, 12):
        step(run, number)
        if kind == "readings" and number % 3 == 0:
            readings(run, number)
        assert picture.update(content_of(run, choice))
        if number % 5 == 0:
            pixels(picture, choice)  # a page draws in between
        if number in (2, 11):
            same(picture, run, choice)


def test_a_panel_that_did_not_change_is_thinned_to_the_scale_of_all():
    run = LiveRun()
    take(run, [window("a", minute, 20.0 + minute % 7) for minute in range(3_000)], [anomaly("b")])
    choice = ViewChoice(width=600)
    picture = fresh(run, choice)
    take(run, [window("b", 9_000)])
    assert picture.update(content_of(run, choice))
    same(picture, run, choice)


def test_texts_beside_bounds_stay_apart_when_the_scale_grows():
    run = LiveRun()
    take(
        run, [window("a"), window("b")], [anomaly("a", threshold=29.5), anomaly("a", T0 + 1, threshold=30.0, rule="r")]
    )
    choice = ViewChoice(width=600)
    picture = fresh(run, choice)
    take(run, anomalies=[anomaly("b", value=900.0)])
    assert picture.update(content_of(run, choice))
    same(picture, run, choice)


def artists(axes) -> Any:
    return [*axes.collections, *axes.lines, *axes.texts]


def test_an_unchanged_panel_keeps_its_artists():
    run, choice = LiveRun(), ViewChoice(width=480)
    take(run, [window(device) for device in DEVICES], [anomaly("a")])
    picture = fresh(run, choice)
    before = [artists(axes) for axes in picture.grid]
    take(run, [window("b", 1)])
    assert picture.update(content_of(run, choice))
    after = [artists(axes) for axes in picture.grid]
    same_objects = [
        [id(one) for one in old] == [id(one) for one in new] for old, new in zip(before, after, strict=True)
    ]
    assert same_objects == [True, False, True]


def count(picture) -> Any:
    return len(picture.figure.findobj())


def listeners(picture) -> Any:
    """Return how many functions wait to be called by the figure, its canvas and its axes."""
    found = [picture.figure.canvas.callbacks, *(axes.callbacks for axes in picture.figure.axes)]
    return sum(len(of) for one in found for of in one.callbacks.values())


@pytest.mark.parametrize(("kind", "updates"), [("trend", 80), ("overview", 40)])  # drawn afresh each time
def test_the_number_of_artists_does_not_grow(kind, updates):
    run, choice = LiveRun(), ViewChoice(kind, width=480)
    records = [window(device, minute, 20.0) for device in "ab" for minute in range(61, 122)]
    take(run, records, [anomaly("a", threshold=bound, rule=str(bound)) for bound in (30.0, 30.2)], [letter()])
    picture = fresh(run, choice)
    pixels(picture, choice)
    first: tuple[int, int] = (0, 0)
    for number in range(updates):
        take(run, [window("a", 122 + number)], [anomaly("a", T0 + 1000 * number, 31.0)])
        assert picture.update(content_of(run, choice))
        if number % 20 == 3:
            pixels(picture, choice)
            first = first if any(first) else (count(picture), listeners(picture))
    pixels(picture, choice)
    assert count(picture) <= first[0] + 30  # ticks of the axes, and cells with a number, come and go
    assert listeners(picture) <= first[1]


def test_other_devices_are_another_picture():
    run, choice = LiveRun(), ViewChoice(width=480)
    take(run, [window("a")])
    picture = fresh(run, choice)
    take(run, [window("b")])
    assert not picture.update(content_of(run, choice))
    assert [panel.device for panel in picture.panels] == ["a"]
    overview = fresh(run, ViewChoice("overview", width=480))
    take(run, [window(f"d{number}") for number in range(9)])
    assert not overview.update(content_of(run, ViewChoice("overview")))
    assert not EmptyPicture(choice, "").update(content_of(run, choice))
    assert EmptyPicture(choice, "").update(None)


def limits(picture) -> Any:
    return [(axes.get_xlim(), axes.get_ylim()) for axes in picture.figure.axes]


@pytest.mark.parametrize("kind", ["trend", "overview"])
def test_a_zoomed_view_stays_until_everything_is_wanted(kind):
    run, choice = LiveRun(), ViewChoice(kind, width=480)
    for number in range(4):
        step(run, number)
    picture = fresh(run, choice)
    axes = picture.figure.axes[0]
    chosen = (axes.get_xlim()[0] + 0.0001, axes.get_xlim()[1] - 0.0001)
    axes.set_xlim(chosen)
    for number in range(4, 12):
        step(run, number)
        assert picture.update(content_of(run, choice))
        assert picture.figure.axes[0].get_xlim() == pytest.approx(chosen, abs=1e-12)
    picture.reset_zoom()
    assert limits(picture) == limits(fresh(run, choice))
    same(picture, run, choice)
    step(run, 12)
    assert picture.update(content_of(run, choice))
    same(picture, run, choice)


def test_who_zooms_in_time_sees_values_that_grow_and_bars_too():
    run, choice = LiveRun(), ViewChoice("overview", width=480)
    take(run, [window("a"), window("a", 100)], [anomaly("a")])
    picture = fresh(run, choice)
    heat, zoomed = picture.figure.axes[0], (18455.0, 18455.01)
    heat.set_xlim(zoomed)
    take(run, anomalies=[anomaly("a", T0 + 1000 * at) for at in range(1, 40)])
    picture.update(content_of(run, choice))
    assert picture.figure.axes[0].get_xlim() == zoomed
    whole = limits(fresh(run, choice))
    assert limits(picture)[2][1] == whole[2][1]
    assert [one for one in limits(picture)[3:] if one not in whole] == []


def test_the_name_of_the_values_is_beside_every_picture():
    run, choice = LiveRun(), ViewChoice(width=480)
    for number in range(3):
        step(run, number)
    picture = fresh(run, choice)
    for number in range(3, 6):
        step(run, number)
        picture.update(content_of(run, choice))
    shown = [text.get_text() for text in picture.figure.texts]
    assert choice.texts.value_axis("temp") in shown
    assert len(shown) == len(set(shown)) == 4


def test_a_picture_is_as_wide_as_the_page_wants():
    run = LiveRun()
    take(run, [window("a")])
    for width in (480, 1100):
        assert pixels(fresh(run, ViewChoice(width=width)), ViewChoice(width=width)).shape[1] == width


def test_nothing_to_show_is_said_in_the_language():
    run = LiveRun()
    for language, said in (("en", "No results yet"), ("fr", "Pas encore de résultats")):
        tab = Tab(run, ViewChoice(language=language, width=480)).begin()
        (text,) = tab.picture.figure.texts
        assert text.get_text().startswith(said)


def test_letters_alone_make_an_overview():
    run, choice = LiveRun(), ViewChoice("overview", metric="*", width=480)
    take(run, letters=[msgspec.structs.replace(letter(), event_time=None)])
    tab = Tab(run, choice).begin()
    assert isinstance(tab.picture, OverviewPicture)
