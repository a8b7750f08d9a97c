"""Check the guide to rules and the page on rules that learn: files pass their tests, pictures show today's code."""

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

import numpy as np
import pytest
from matplotlib.axes import Axes

from plotting.style.themes import LIGHT
from telemetry.cli.main import main
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.parse import load_rules
from telemetry.rules.unusual import LearnedStuck, Unusual, UnusualKind
from tests.support.pages import read_page
from tests.support.rule_pictures import draw_scene, picture_of, scene_of
from tests.support.rule_scenes import FOLDER, LearnedPanel, Scene, SceneBar, load_scene, scene_names
from tests.support.sources import ROOT
from transforms.incidents.rule_tests.parse import load_rule_tests

TEXT: Final = read_page("docs/rules.md") + read_page("docs/detection.md")
RECIPES: Final = ("freezer", "boiler", "server-room", "soil")
TESTS: Final = sorted((ROOT / "docs" / "rules").rglob("*.test.yaml"))
SHOWN: Final = re.findall(r"<!-- generated: file (.+) -->", TEXT)
SCENES: Final = scene_names()
MOST_BYTES: Final = 400_000
SECOND: Final = 1_000_000


# Files.


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_rules_pass_their_tests(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(path)]) == 0, capsys.readouterr().out
    assert "0 failed" in capsys.readouterr().out


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_checked_shown_and_tested_rule_by_rule(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "docs" / "rules" / f"{name}.yaml"
    assert main(["rules", "check", str(path)]) == 0
    sentences = capsys.readouterr().out
    tests = path.with_suffix(".test.yaml").read_text(encoding="utf-8")
    for rule in load_rules(str(path)).rules:
        assert f"{rule.id} ({rule.severity}): opens when " in sentences
        assert f"{{rule: {rule.id}, " in tests, rule.id
    assert f"rules/{name}.yaml" in SHOWN


def test_every_file_of_rules_is_shown_and_has_tests() -> None:
    rules = {path for path in (ROOT / "docs" / "rules").rglob("*.yaml") if path not in TESTS}
    assert {path.relative_to(ROOT / "docs").as_posix() for path in rules} <= set(SHOWN)
    assert {path.with_suffix(".test.yaml") for path in rules} == set(TESTS)


def test_every_condition_is_shown() -> None:
    conditions = [rule.condition for name in SCENES for rule in load_rules(str(FOLDER / f"{name}.yaml")).rules]
    learned = {Unusual, LearnedStuck}
    assert {type(one) for one in conditions} == {
        Threshold, Rate, Stuck, Silence, WindowStatistic, Combination, *learned
    }  # fmt: skip
    assert {one.kind for one in conditions if isinstance(one, Unusual)} == set(get_args(UnusualKind))
    assert {one.season for one in conditions if isinstance(one, Unusual) and one.kind == "level"} == {None, "hour"}
    assert {one.how for one in conditions if isinstance(one, Combination)} == {"all", "any", "not"}
    assert {one.intervals is None for one in conditions if isinstance(one, Silence)} == {True, False}
    assert {one.over_us is None for one in conditions if isinstance(one, Rate)} == {True, False}
    assert {one.quantile is None for one in conditions if isinstance(one, WindowStatistic)} == {True, False}


# Pictures.


@pytest.fixture(scope="module", params=SCENES)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Everything that a picture shows."""
    return load_scene(FOLDER / f"{request.param}.test.yaml")


def test_a_picture_shows_the_scene_of_today(scene: Scene) -> None:
    path = FOLDER / f"{scene.name}.png"
    assert scene_of(path) == scene.digest, "make docs"
    assert f"](rules/conditions/{scene.name}.png)" in TEXT


def test_bars_are_the_incidents_that_its_test_expects(scene: Scene) -> None:
    test = load_rule_tests(str(FOLDER / f"{scene.name}.test.yaml")).tests[0]
    expected: Counter[tuple[object, ...]] = Counter()
    for one in test.expected:
        opened, closed = one.stated["opened"], one.stated["closed"]
        noticed = one.stated.get("noticed", opened)
        moments = (test.until_us if moment is None else moment for moment in (opened, noticed, closed))
        expected[one.stated["rule"], *(int(moment) - test.start_us for moment in moments), closed is not None] += 1
    found: Counter[tuple[object, ...]] = Counter()
    for row in scene.rows:
        for bars in whole_incidents(row.bars):
            found[row.rule_id, bars[0].begun_us, bars[0].opened_us, bars[-1].ended_us, bars[-1].closed] += 1
    assert found == expected


def whole_incidents(bars: Sequence[SceneBar]) -> list[list[SceneBar]]:
    """Return the bars of each incident."""
    incidents: list[list[SceneBar]] = []
    for bar in bars:
        if bar.reopened:
            incidents[-1].append(bar)
        else:
            incidents.append([bar])
    return incidents


def test_bars_are_drawn_where_the_scene_has_them(scene: Scene) -> None:
    with LIGHT.style():
        rows = draw_scene(scene).axes[-1]
    bars = [bar for row in scene.rows for bar in row.bars]
    assert spans_of(rows, "open") == [(bar.opened_us, bar.ended_us) for bar in bars if bar.ended_us > bar.opened_us]
    assert spans_of(rows, "pending") == [(bar.begun_us, bar.opened_us) for bar in bars if bar.opened_us > bar.begun_us]
    names = [label.get_text().partition(" · ")[0] for label in rows.get_yticklabels()]
    assert names == [row.rule_id for row in scene.rows]


def spans_of(axes: Axes, name: str) -> list[tuple[int, int]]:
    """Return begin and end of each bar, microseconds."""
    return [
        (round(path.get_extents().x0 * SECOND), round(path.get_extents().x1 * SECOND))
        for artist in axes.collections
        if artist.get_gid() == name
        for path in artist.get_paths()
    ]


def test_readings_and_bounds_are_drawn(scene: Scene) -> None:
    with LIGHT.style():
        panels = draw_scene(scene).axes[:-1]
    assert len(panels) == len(scene.panels)
    for axes, panel in zip(panels, scene.panels, strict=True):
        offsets = [np.asarray(artist.get_offsets()) for artist in axes.collections if artist.get_gid() == "reading"]
        drawn = [(round(x * SECOND), round(y, 6)) for points in offsets for x, y in points.tolist()]
        assert sorted(drawn) == [
            (time_us, round(value, 6))
            for time_us, value in zip(panel.times_us, panel.values, strict=bool(panel.values))
        ]
        lines = [(float(np.asarray(line.get_ydata())[0]), line.get_gid()) for line in axes.lines if line.get_gid()]
        assert lines == [(bound.value, bound.kind) for bound in panel.bounds]


def test_bands_are_drawn_where_something_is_known(scene: Scene) -> None:
    with LIGHT.style():
        panels = draw_scene(scene).axes[:-1]
    for axes, panel in zip(panels, scene.panels, strict=True):
        bands = [artist for artist in axes.collections if artist.get_gid() == "learned"]
        assert len(bands) == isinstance(panel, LearnedPanel)
        if isinstance(panel, LearnedPanel):
            known = {
                (time_us, round(expected + side * 3 * spread, 4))
                for time_us, expected, spread in zip(panel.times_us, panel.expected, panel.spread, strict=True)
                if expected is not None and spread is not None
                for side in (-1, 1)
            }
            corners = np.concatenate([path.vertices for path in bands[0].get_paths()])
            assert {(round(x * SECOND), round(y, 4)) for x, y in corners.tolist()} == known
            assert len(known) > len(panel.times_us), "most readings have a band"


def test_scores_are_those_of_the_transitions() -> None:
    scene = load_scene(FOLDER / "unusual-jump.test.yaml")
    readings, scores = scene.panels
    assert isinstance(readings, LearnedPanel)
    assert (readings.label, scores.label) == ("jump", "score")
    opening = scene.rows[0].bars[0].opened_us
    value, expected, spread = (
        of[readings.times_us.index(opening)] for of in (readings.values, readings.expected, readings.spread)
    )
    assert value is not None
    assert expected is not None
    assert spread is not None
    score = scores.values[scores.times_us.index(opening)]
    assert score == pytest.approx((value - expected) / spread, abs=1e-3) == 19.478
    assert [bound.value for bound in scores.bounds] == [8, 4]


def test_another_rule_makes_another_scene(tmp_path: Path) -> None:
    for path in FOLDER.glob("threshold*.yaml"):
        shutil.copy(path, tmp_path)
    rules = tmp_path / "threshold.yaml"
    before = load_scene(tmp_path / "threshold.test.yaml")
    assert before.digest == scene_of(FOLDER / "threshold.png")
    rules.write_text(rules.read_text().replace("keep: 1m", "keep: 70s"))
    assert load_scene(tmp_path / "threshold.test.yaml").digest != before.digest


def test_a_picture_names_its_scene_and_is_the_same_each_time(tmp_path: Path) -> None:
    scene = load_scene(FOLDER / "stuck.test.yaml")
    content = picture_of(scene)
    assert content == picture_of(scene)
    (tmp_path / "a.png").write_bytes(content)
    assert scene_of(tmp_path / "a.png") == scene.digest


def test_pictures_are_small_and_none_is_left_over() -> None:
    pictures = list((ROOT / "docs" / "rules").rglob("*.png"))
    assert sorted(path.stem for path in pictures) == SCENES
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES
