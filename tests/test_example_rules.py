"""The example of a rules file: it shows every condition, passes its tests, and finds the simulator's faults."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pipeline.backtest.labels import Labels, read_labels
from pipeline.backtest.run_backtest import BacktestReport, run_backtest
from pipeline.backtest.time_order import TimeOrder
from publisher.simulate.difficulties import KINDS as DIFFICULTIES
from publisher.simulate.faults import KINDS
from publisher.simulate.stream import Simulation, generate, prepare
from publisher.simulate.writer import make_labels, write_labels
from telemetry.cli.main import main
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.parse import load_rules
from telemetry.rules.timeline import RulesTimeline
from tests.support.sources import ROOT
from transforms.incidents.watched_rows import WatchedRows

RULES: Final = str(ROOT / "demo" / "rules.yaml")
SECOND: Final = 1_000_000
START_US: Final = 1_594_512_000 * SECOND
COARSE: Final = "dc:a6:32"
"""Devices whose sensors have steps of half a degree; no rule judges whether they are stuck."""
ALWAYS: Final = {
    "spike": {"temp-high", "temp-jump", "hot-not-dry"},
    "drift": {"temp-high", "temp-mean", "temp-often-high", "temp-drop", "hot-not-dry"},
    "stuck": {"temp-stuck"},
    "silence": {"silent"},
    "shift": {"temp-jump", "temp-drop"},
    "small-shift": set(),
    "noise": {"temp-unsteady"},
}
"""Rules that find each fault of a kind."""


def test_it_shows_every_condition_and_every_time() -> None:
    rules = load_rules(RULES).rules
    assert {type(rule.condition) for rule in rules} == {Threshold, Rate, Stuck, Silence, WindowStatistic, Combination}
    thresholds = [rule for rule in rules if isinstance(rule.condition, Threshold)]
    assert any(rule.bounds is not None and rule.bounds.has_clear and rule.keep_us for rule in thresholds)
    assert any(rule.for_us for rule in thresholds)
    assert {(c.statistic, c.quantile) for rule in rules if isinstance(c := rule.condition, WindowStatistic)} == {
        ("mean", None),
        ("quantile", 0.75),
        ("stddev", None),
    }


def test_it_passes_its_tests_which_test_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(ROOT / "demo" / "rules.test.yaml")]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == "18 tests in 1 file: 18 passed, 0 failed\n"
    text = (ROOT / "demo" / "rules.test.yaml").read_text(encoding="utf-8")
    assert [rule.id for rule in load_rules(RULES).rules if f"{{rule: {rule.id}, " not in text] == []


def judged(simulation: Simulation, folder: Path) -> tuple[BacktestReport, Labels]:
    """Return the report of a backtest of simulated readings with the rules, and the labels."""
    write_labels(make_labels(scene := prepare(simulation)), folder / "labels.jsonl")
    labels = read_labels([str(folder / "labels.jsonl")])
    rules = load_rules(RULES)
    with TimeOrder(rules.metrics) as order:
        for batch in generate(simulation, scene):
            devices = batch.column("device").dictionary_encode()
            names, numbers = tuple(devices.dictionary.to_pylist()), devices.indices.to_numpy()
            times = np.rint(batch.column("ts").to_numpy() * SECOND).astype(np.int64)
            values = np.array([batch.column(metric).to_numpy(zero_copy_only=False) for metric in rules.metrics])
            order.add(WatchedRows(rules.metrics, names, numbers, times, values))
        report = run_backtest(
            order, [(RULES, RulesTimeline.always(rules))], sources=["simulated"], rejected={}, labels=labels
        )
    return report, labels


@pytest.mark.parametrize(("seed", "devices"), [(0, 3), (7, 4), (21, 6)])
def test_it_finds_the_faults_of_hard_telemetry_and_invents_none(seed: int, devices: int, tmp_path: Path) -> None:
    report, labels = judged(Simulation(100_000, devices, seed, START_US, 5 * SECOND, KINDS, DIFFICULTIES), tmp_path)
    assert {fault.kind for fault in labels.faults} == set(KINDS)
    assert {event.kind for event in labels.benign} >= {"front", "missing"}
    score = report.judged.score
    assert score is not None
    assert (score.total.false, [one.alarmed for one in score.total.benign if one.alarmed]) == (0, [])
    found = {(rule.rule_id, one.kind): one for rule in score.rules for one in rule.kinds}
    stuck = sum(fault.kind == "stuck" and not fault.device.startswith(COARSE) for fault in labels.faults)
    assert found["temp-stuck", "stuck"].found == stuck > 0
    for kind, rules in ALWAYS.items():
        for rule in rules - {"temp-stuck"}:
            assert found[rule, kind].found == found[rule, kind].faults, (rule, kind)
    silences = found["silent", "silence"]
    figures = {one.rule_id: one for one in report.judged.figures}
    assert figures["silent"].incidents == silences.found == silences.faults > 0
