"""Readings with what rules had learned, below the timeline of a backtest."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.backtest.run_backtest import BacktestReport, run_backtest
from pipeline.backtest.time_order import TimeOrder
from plotting.backtest import learned_series
from plotting.backtest.learned_series import TracedSeries, traced_series
from plotting.backtest.picture import timeline_figure
from plotting.draw.draw_panels import COLUMNS
from plotting.draw.time_axis import DAY_US
from plotting.style.themes import LIGHT
from telemetry.cli.main import main
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesTimeline
from tests.support.incidents import METRICS, START
from transforms.incidents.learned_trace import LearnedTracer
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watched_rows import WatchedRows

MINUTE = 60_000_000
LEARNED = """
version: 2
rules:
- {id: high, metric: temp, above: 24, severity: critical}
- {id: jump, metric: temp, unusual: {kind: jump, learn: 1h}}
- {id: level, metric: temp, unusual: {kind: level, learn: 1h, half_life: 1h}, devices: [b]}
- {id: novel, metric: temp, unusual: {kind: novel, learn: 1h}}
- {id: quiet, metric: humidity, unusual: {kind: jump}}
"""


def readings(number: int = 200) -> WatchedRows:
    """Return so many readings of each of two devices, one a minute; b has one spike, a has two."""
    random = np.random.default_rng(1)
    temps = 20 + random.normal(0, 0.2, (number, 2))
    temps[[150, 180], 0] += 5.0
    temps[120, 1] += 5.0
    times = START + np.repeat(np.arange(number), 2) * MINUTE
    values = np.array([temps.ravel(), np.full(2 * number, np.nan)])
    return WatchedRows(METRICS, ("a", "b"), np.tile(np.array([0, 1], np.int32), number), times, values)


def traced(rows: WatchedRows, rules: str = LEARNED) -> tuple[BacktestReport, list[TracedSeries]]:
    timeline = RulesTimeline.always(parse_rules(rules))
    with TimeOrder(METRICS) as order:
        order.add(rows)
        report = run_backtest(order, [("rules.yaml", timeline)], sources=["t.csv"], rejected={})
        return report, traced_series(order, timeline, report)


def test_series_with_incidents_of_rules_that_expect_a_value_are_traced_with_all_they_hold() -> None:
    rows = readings()
    _, found = traced(rows)
    assert [(one.rule.id, one.panel.device) for one in found] == [("jump", "a"), ("jump", "b"), ("level", "b")]
    tracer = LearnedTracer(parse_rules(LEARNED))
    whole = {(one.rule.id, one.device): one for one in tracer.trace(TimeSlice(rows, int(rows.event_us[-1]) + 1))}
    for one in found:
        trace, panel = whole[one.rule.id, one.panel.device], one.panel
        (band,) = panel.learned
        assert band.times.tolist() == [*trace.time_us.tolist(), rows.event_us[-1]]
        np.testing.assert_array_equal(band.expected, trace.expected)
        np.testing.assert_array_equal(band.spread, trace.spread)
        told = trace.score > 8
        assert sorted(panel.anomalies.times.tolist()) == trace.time_us[told].tolist()
        drawn = sorted(zip(panel.readings.times.tolist(), panel.readings.values.tolist(), strict=True))
        assert drawn == sorted(zip(trace.time_us[~told].tolist(), trace.value[~told].tolist(), strict=True))


def test_incidents_of_the_series_alone_are_shaded() -> None:
    _, (first, *_) = traced(readings())
    minutes = [(one.start_us - START) // MINUTE for one in first.panel.incidents]
    assert (minutes, first.panel.incidents[0].severity) == ([150, 180], "warning")


def test_those_with_the_most_incidents_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learned_series, "MOST_SERIES", 2)
    assert [(one.rule.id, one.panel.device) for one in traced(readings())[1]] == [("jump", "a"), ("jump", "b")]


def test_rules_that_expect_nothing_are_not_traced() -> None:
    _, found = traced(readings(), "{version: 2, rules: [{id: high, metric: temp, above: 24}]}")
    assert found == []


def test_many_readings_become_as_many_steps_as_a_picture_has_columns() -> None:
    _, (first, *_) = traced(readings(4 * COLUMNS))
    (band,) = first.panel.learned
    assert COLUMNS <= len(band.expected) <= COLUMNS + 1
    assert band.times[0] == START
    assert len(first.panel.readings) < 4 * COLUMNS


def figure_of(rows: WatchedRows) -> tuple[Figure, list[TracedSeries]]:
    report, found = traced(rows)
    with LIGHT.style():
        return timeline_figure(report, found), found


def artists(axes: Axes, gid: str) -> list[object]:
    return [child for child in axes.get_children() if child.get_gid() == gid]


def test_they_are_drawn_below_the_timeline_with_bands() -> None:
    figure, found = figure_of(readings())
    timeline, *others = figure.axes
    shown = sorted(others, key=lambda axes: -axes.get_position().y0)
    assert [axes.get_title(loc="left") for axes in shown] == ["jump · a", "jump · b", "level · b"]
    for axes, one in zip(shown, found, strict=True):
        assert axes.get_position().y1 < timeline.get_position().y0
        assert axes.get_xlim() == timeline.get_xlim()
        assert axes.get_ylabel() == "Temperature (°C)"
        (band,) = artists(axes, "learned")
        (piece,) = one.panel.learned[0].pieces()
        corners = band.get_paths()[0].vertices  # type: ignore[attr-defined]
        assert corners[0].tolist() == [piece.times[0] / DAY_US, piece.low[0]]
        assert len(corners) == 4 * len(piece.expected) + 1
        assert len(artists(axes, "incident")) == len(one.panel.incidents)
    legend = shown[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Learned: usual value ± 3 spreads", "Unusual readings"]
    assert all(axes.get_legend() is None for axes in shown[1:])


def test_the_command_draws_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = readings()
    lines = [
        f"{time_us / 1e6},{rows.devices[code]},{value:.3f}"
        for time_us, code, value in zip(rows.event_us, rows.device, rows.values[0], strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["ts,device,temp", *lines]) + "\n")
    sizes = []
    for name, rules in (("learned", LEARNED), ("plain", "{version: 2, rules: [{id: high, metric: temp, above: 24}]}")):
        (tmp_path / f"{name}.yaml").write_text(rules)
        picture = tmp_path / f"{name}.png"
        arguments = ["--input", str(tmp_path / "t.csv"), "--rules", str(tmp_path / f"{name}.yaml")]
        assert main(["backtest", *arguments, "--picture", str(picture)]) == 0, capsys.readouterr().err
        sizes.append(int.from_bytes(picture.read_bytes()[20:24], "big"))
    assert sizes[0] > sizes[1] + 500
