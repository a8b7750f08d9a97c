"""Compare the charts with stored pictures; `python -m tests.plotting.baselines` writes new ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from plotting.style.themes import LIGHT
from tests.plotting import baselines
from tests.plotting.baselines import PICTURES, Scene, difference, load, make, path_of, pixels, save


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    return baselines.write_scene(tmp_path_factory.mktemp("scene"))


def check(name: str, figure: Figure, folder: Path) -> None:
    """Assert that a figure looks as it should.

    Raises:
        AssertionError: naming the file in which the picture is now.
    """
    actual = pixels(name, figure)
    found = difference(actual, load(path_of(name)))
    if found:
        now = folder / f"{name}.png"
        save(actual, now)
        raise AssertionError(
            f"{name} is {found}. It is now {now} and should be {path_of(name)}; "
            "if the change is meant: python -m tests.plotting.baselines"
        )


def compare(name: str, figure: Figure) -> str:
    return difference(pixels(name, figure), load(path_of(name)))


def artists(figure: Figure, gid: str) -> list[Any]:
    return [child for axes in figure.axes for child in axes.get_children() if child.get_gid() == gid]


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_looks_as_it_did(scene, tmp_path, name):
    check(name, make(name, scene), tmp_path)


def test_the_pictures_are_small_and_none_is_left_over():
    files = sorted(baselines.FOLDER.glob("*.png"))
    assert {file.stem for file in files} == set(PICTURES)
    assert max(file.stat().st_size for file in files) < 40_000


def test_other_words_and_another_font_are_no_difference(scene):
    with mpl.rc_context({"font.size": 12.0}):
        for name in ("trend", "overview"):
            figure = make(name, scene)
            for text in figure.findobj(mpl.text.Text):
                text.set(fontfamily="DejaVu Serif", text=f"{text.get_text()}?")
            assert not compare(name, figure)


def test_each_of_ten_red_points_is_missed(scene):
    figure = make("scatter-readings", scene)
    (red,) = artists(figure, "anomalies")
    whole = red.get_offsets().copy()
    assert len(whole) == 10
    for point in range(10):
        red.set_offsets(np.delete(whole, point, axis=0))
        assert "off by" in compare("scatter-readings", figure)
    red.set_offsets(whole)
    assert not compare("scatter-readings", figure)


def shift(gid: str) -> Callable[[Figure], None]:
    def change(figure: Figure) -> None:
        for line in artists(figure, gid):
            low, high = line.axes.get_ylim()
            line.set_ydata(np.asarray(line.get_ydata()) + 0.03 * (high - low))

    return change


def recolor(**colors: str) -> Callable[[Figure], None]:
    def change(figure: Figure) -> None:
        for gid, color in colors.items():
            for artist in artists(figure, gid):
                artist.set_color(color)

    return change


def hide(gid: str) -> Callable[[Figure], None]:
    def change(figure: Figure) -> None:
        artists(figure, gid)[-1].set_visible(False)

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("scatter-windows", shift("mean")),
        ("trend", shift("mean")),
        ("trend-dark", shift("mean")),
        ("scatter-readings", shift("threshold")),
        ("scatter-readings", recolor(readings=LIGHT.red, anomalies=LIGHT.blue)),
        ("scatter-readings", recolor(anomalies=LIGHT.blue)),
        ("trend", recolor(mean=LIGHT.red)),
        ("trend", hide("deviation")),
        ("scatter-windows", hide("range")),
        ("overview", hide("heat")),
        ("overview", hide("gap")),
        ("overview", recolor(covered=LIGHT.gap)),
    ],
)
def test_what_moved_or_is_missing_or_has_another_colour_is_seen(scene, name, change):
    figure = make(name, scene)
    change(figure)
    assert "off by" in compare(name, figure)


def test_a_failure_names_the_file_of_the_picture_as_it_is_now(scene, tmp_path):
    figure = make("trend", scene)
    hide("mean")(figure)
    with pytest.raises(AssertionError) as error:
        check("trend", figure, tmp_path)
    now = tmp_path / "trend.png"
    assert f"It is now {now} and should be {path_of('trend')}" in str(error.value)
    assert load(now).shape == load(path_of("trend")).shape
    assert not difference(load(now), pixels("trend", figure))


def test_a_picture_of_another_size_is_another_picture(scene):
    whole = load(path_of("overview"))
    assert difference(whole[:-1], whole) == f"{whole.shape[1]} x {len(whole) - 1} pixels and not 660 x {len(whole)}"
