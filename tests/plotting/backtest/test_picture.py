"""The timeline of a backtest as a picture."""

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from plotting.backtest import timeline_rows
from plotting.backtest.learned_series import TracedSeries
from plotting.backtest.picture import check_picture, timeline_figure, timeline_picture
from plotting.data.downsample import Windows
from plotting.data.panels import Panel, Points
from plotting.draw.time_axis import DAY_US
from plotting.style.themes import LIGHT
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog, MetricInfo
from telemetry.rules.parse import parse_rules
from tests.support.backtests import HOT, fault, report_of
from tests.support.incidents import at, temps

QUIET = "{version: 2, rules: [{id: hot, metric: temp, above: 32, severity: critical}]}"
OVEN = MetricCatalog({"temp": MetricInfo("K", "Oven $1$")})
NO_TIMES, NO_VALUES = np.empty(0, np.int64), np.empty(0)
PANEL = Panel(
    "a",
    Points(np.array([at(0), at(10)]), np.array([20.0, 33.0])),
    Windows(NO_TIMES, NO_TIMES, NO_TIMES, NO_VALUES, NO_VALUES, NO_VALUES, NO_VALUES),
    Points(NO_TIMES, NO_VALUES),
    (),
)
SAMPLES = [*temps(33, 20, 31, 20, device="b"), *temps(31, 20, 20, 20, device="a")]


def drawn(*arguments: Any) -> Figure:
    with LIGHT.style():
        return timeline_figure(report_of(SAMPLES, *arguments))


def bars(figure: Figure, gid: str) -> list[tuple[float, float]]:
    """Start and end in seconds of each bar, from top to bottom."""
    (axes,) = figure.axes
    found = [one for one in axes.findobj(PolyCollection) if one.get_gid() == gid]
    edges = [np.asarray(path.vertices)[:, 0] for one in found for path in one.get_paths()]
    return [(second(each.min()), second(each.max())) for each in edges]


def second(days: float) -> float:
    return round((days * DAY_US - at(0)) / 1e6, 1)


def texts(figure: Figure) -> str:
    (axes,) = figure.axes
    legend = axes.get_legend()
    keys = [] if legend is None else [text.get_text() for text in legend.get_texts()]
    ticks = [label.get_text() for label in axes.get_yticklabels()]
    return " | ".join([text.get_text() for text in figure.texts] + ticks + keys)


def test_incidents_are_bars_with_faults_behind():
    figure = drawn(HOT, "", [fault(5, 15, device="b")])
    assert bars(figure, "incident") == [(0, 10), (0, 10), (20, 30)]
    assert bars(figure, "fault") == [(5, 15)]
    assert bars(figure, "against") == []
    said = texts(figure)
    assert "3 incidents of rules.yaml  ·  1 labelled faults" in said
    assert said.endswith("hot · a | hot · b | warning | labelled fault")


def test_other_rules_are_drawn_below():
    figure = drawn(HOT, QUIET)
    assert bars(figure, "incident") == [(0, 10), (0, 10), (20, 30)]
    assert bars(figure, "against") == [(0, 10)]
    assert texts(figure).endswith("hot · a | hot · b | rules.yaml: warning | other.yaml")


def test_readings_below_have_the_unit_and_label_of_their_metric():
    rules = parse_rules("{version: 2, rules: [{id: leap, metric: temp, unusual: {kind: jump}}]}")
    traced = [TracedSeries(rules.rules[0], PANEL)]
    for catalog, label in ((OVEN, "Oven $1$ (K)"), (DEFAULT_CATALOG, "Temperature (°C)")):
        with LIGHT.style():
            figure = timeline_figure(report_of(SAMPLES), traced, catalog)
        assert [axes.get_ylabel() for axes in figure.axes] == ["", label]
    content = timeline_picture(report_of(SAMPLES), "t.svg", traced, OVEN)
    assert content != timeline_picture(report_of(SAMPLES), "t.svg", traced)


def test_a_name_is_no_formula():
    report = report_of(temps(33, 20, device="$x$ $y$"))
    with LIGHT.style():
        figure = timeline_figure(report)
    assert figure.axes[0].get_yticklabels()[0].get_text() == r"hot · \$x\$ \$y\$"


def test_rows_that_do_not_fit_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timeline_rows, "MOST_ROWS", 1)
    assert "1 more rows are not shown" in texts(drawn(HOT))


def test_nothing_found_is_said():
    figure = drawn("{version: 2, rules: [{id: hot, metric: temp, above: 99}]}")
    assert [text.get_text() for text in figure.axes[0].texts] == ["No incidents"]


@pytest.mark.parametrize(("name", "magic"), [("t.png", b"\x89PNG"), ("t.SVG", b"<?xml"), ("t.pdf", b"%PDF")])
def test_the_suffix_decides_the_format(name: str, magic: bytes):
    check_picture(name)
    report = report_of(SAMPLES)
    content = timeline_picture(report, name)
    assert content.startswith(magic)
    assert content == timeline_picture(report, name)


def test_another_suffix_is_refused():
    with pytest.raises(ConfigError) as raised:
        check_picture("timeline.txt")
    assert str(raised.value) == "--picture timeline.txt: not a picture's name, it ends in .png, .svg, .pdf"
