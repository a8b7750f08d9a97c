from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from plotting.data.overview_counts import MAX_BARS, Heatmap, Intervals, Overview
from plotting.draw.chart_parts import shorten
from plotting.draw.overview_layout import draw_overview, overview_height
from plotting.draw.time_axis import to_days
from plotting.style.texts import TEXTS
from plotting.style.themes import DARK, LIGHT
from tests.support.runs import MINUTE, T0

HOUR = 60 * MINUTE
NONE = Intervals(np.empty(0, np.int64), np.empty(0, np.int64))


def spans(*pairs) -> Intervals:
    start, end = np.array(pairs, dtype=np.int64).T * MINUTE + T0
    return Intervals(start, end)


FULL = Overview(
    devices=("a", "$b$"),
    total_devices=2,
    span=(T0, T0 + 3 * HOUR),
    heat=Heatmap(T0 + np.arange(4) * HOUR, np.array([[3, 0, 1], [0, 0, 120]]), HOUR),
    rules=(("hot", {"critical": 100, "warning": 20}), ("damp", {"info": 4})),
    covered=(spans((0, 180)), spans((0, 60), (90, 180))),
    gaps=(NONE, spans((60, 90))),
    reasons=(("bad_row", 7), ("too_late", 2)),
    undated=0,
)
EMPTY = Overview(("a",), 1, None, None, (), (NONE,), (NONE,), (), 0)


def draw(overview, language="en", theme=LIGHT) -> Any:
    with theme.style():
        figure = Figure(figsize=(11, overview_height(overview)))
        FigureCanvasAgg(figure)
        draw_overview(figure, overview, TEXTS[language], theme)
        figure.canvas.draw()
    return figure


def panels(figure) -> dict[str, Any]:
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def artists(axes, name) -> list[Any]:
    return [child for child in axes.get_children() if child.get_gid() == name]


def labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_each_cell_is_in_its_place_with_its_count():
    axes = panels(draw(FULL))["Anomalies per device and hour"]
    (mesh,) = artists(axes, "heat")
    assert mesh.get_array().filled(0).tolist() == [[3, 0, 1], [0, 0, 120]]
    assert mesh.get_array().mask.tolist() == [[False, True, False], [True, True, False]]  # none is no colour
    assert mesh.get_coordinates()[0, :, 0].tolist() == to_days(T0 + np.arange(4) * HOUR).tolist()
    assert [text.get_text() for text in artists(axes, "count")] == ["3", "1", "120"]
    assert labels(axes) == ["a", r"\$b\$"]
    assert axes.get_ylim() == (1.5, -0.5)  # the first device is on top


def test_counts_are_written_only_where_there_is_room():
    narrow = Heatmap(T0 + np.arange(101) * HOUR, np.ones((2, 100), dtype=np.int64), HOUR)
    wide = Overview(**{**vars(FULL), "heat": narrow, "span": (T0, T0 + 100 * HOUR)})
    axes = panels(draw(wide))["Anomalies per device and hour"]
    assert artists(axes, "count") == []
    assert artists(axes, "heat")[0].get_array().count() == 200


def test_gaps_and_data_are_bars_on_the_time_axis_of_the_heat_map():
    shown = panels(draw(FULL))
    axes = shown["Data and gaps per device"]
    boxes = {
        name: [
            [round(float(x - to_days(np.array([T0]))[0]) * 1440) for x in path.get_extents().intervalx]
            for bars in artists(axes, name)
            for path in bars.get_paths()
        ]
        for name in ("covered", "gap")
    }
    assert boxes == {"covered": [[0, 180], [0, 60], [90, 180]], "gap": [[60, 90]]}
    said = [text.get_text().replace("\xa0", " ") for text in artists(axes, "gaps")]
    assert said == ["no gaps", "1 gap, 30 min"]
    assert axes.get_xlim() == shown["Anomalies per device and hour"].get_xlim()
    assert axes.get_xlabel() == "Time (UTC)"


def test_bars_are_as_long_as_their_counts_in_the_colours_of_the_severities():
    axes = panels(draw(FULL))["Anomalies by rule and severity"]
    bars = {name: [p for p in axes.patches if p.get_gid() == f"bars-{name}"] for name in LIGHT.severities}
    assert {name: [bar.get_width() for bar in found] for name, found in bars.items()} == {
        "critical": [100, 0],
        "warning": [20, 0],
        "info": [0, 4],
    }
    assert bars["warning"][0].get_x() == 100  # after the critical ones
    assert bars["critical"][0].get_facecolor() == to_rgba(LIGHT.severities["critical"])
    assert [text.get_text() for text in artists(axes, "total")] == ["120", "4"]
    assert labels(axes) == ["hot", "damp"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["critical", "warning", "info"]


def test_dead_letters_are_bars_by_reason():
    axes = panels(draw(FULL))["Dead letters by reason"]
    assert [bar.get_width() for bar in axes.patches] == [7, 2]
    assert labels(axes) == ["bad_row", "too_late"]
    assert axes.get_legend() is None


def test_many_rules_end_in_one_bar_of_the_others():
    many = tuple((f"r{n:02}", {"critical": 50 - n}) for n in range(MAX_BARS + 3))
    axes = panels(draw(Overview(**{**vars(FULL), "rules": many})))["Anomalies by rule and severity"]
    assert labels(axes)[-1] == "3 others"
    assert sum(bar.get_width() for bar in axes.patches) == sum(by["critical"] for _, by in many)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", {"No anomalies", "No windows", "No dead letters"}),
        ("fr", {"Aucune anomalie", "Aucune fenêtre", "Aucune lettre morte"}),
    ],
)
def test_what_is_empty_says_so(language, expected):
    figure = draw(EMPTY, language)
    said = [text.get_text() for axes in figure.axes for text in artists(axes, "empty")]
    assert (len(said), set(said)) == (4, expected)
    assert all(len(axes.get_xticks()) == 0 for axes in figure.axes)


@pytest.mark.parametrize("most", [1, 2, 20, 21, 100_000])
def test_the_scale_of_colours_has_whole_numbers_once_each(most):
    heat = Heatmap(T0 + np.arange(2) * HOUR, np.array([[most], [0]]), HOUR)
    figure = draw(Overview(**{**vars(FULL), "heat": heat}), "fr")
    (scale,) = [axes for axes in figure.axes if not axes.get_title(loc="left")]
    low, high = scale.get_ylim()
    ticks = [tick for tick in scale.get_yticks() if low <= tick <= high]
    written = [label.get_text() for tick, label in zip(scale.get_yticks(), scale.get_yticklabels(), strict=True)
               if tick in ticks]  # fmt: skip
    assert len(ticks) >= 2
    assert written == [f"{round(tick):,}".replace(",", "\u202f") for tick in ticks]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_no_text_is_cut_off_and_none_lies_on_another(language, theme):
    names = ("b8:27:eb:bf:9d:51", "<script>alert(1)</script> and more", "MMMMMMMMMMMMMMMMMMMMMMMM")
    rules = tuple((f"temperature-above-limit-{n}", {"critical": 9, "warning": 8, "info": 10**6}) for n in range(12))
    heavy = Overview(
        **{**vars(FULL), "devices": names, "covered": (*FULL.covered, NONE), "gaps": (*FULL.gaps, NONE)}
        | {"rules": rules, "heat": Heatmap(FULL.heat.edges, np.full((3, 3), 99), HOUR) if FULL.heat else None}
        | {"reasons": (("not_an_object", 10**6), ("bad_timestamp", 1))}
    )
    figure = draw(heavy, language, theme)
    renderer = figure.canvas.get_renderer()
    boxes = []
    for axes in figure.axes:
        legend = axes.get_legend()
        shown = [child for child in axes.get_children() if isinstance(child, Text)]
        shown += [*axes.get_yticklabels(), *axes.get_xticklabels()]
        shown += [axes.xaxis.label, axes.xaxis.offsetText, *(legend.get_texts() if legend else [])]
        boxes += [(t.get_text(), t.get_window_extent(renderer)) for t in shown if t.get_visible() and t.get_text()]
    for number, (text, box) in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0, text
        assert box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0, text
        for other, beside in boxes[:number]:
            assert not box.padded(-2).overlaps(beside.padded(-2)), (text, other)


def test_long_names_lose_their_middle():
    assert shorten("b8:27:eb:bf:9d:51") == "b8:27:eb:bf:9d:51"
    assert shorten("a" * 20 + "b" * 20) == "a" * 11 + "…" + "b" * 10
