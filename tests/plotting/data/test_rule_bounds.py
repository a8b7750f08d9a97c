"""Check the bounds taken from a rules file."""

import pytest

from plotting.data.panels import TimeRange, window_panels
from plotting.data.results import read_results
from plotting.data.rule_bounds import read_rules_flag, with_rule_bounds
from telemetry.errors import ConfigError
from telemetry.rules.parse import parse_rules
from tests.support.runs import anomaly, window, write_run

RULES = """
version: 1
rules:
  - {id: hot, metric: temp, above: 40}
  - {id: band, metric: temp, outside: [5, 35], devices: ["b*"]}
  - {id: damp, metric: humidity, above: 80}
"""


@pytest.fixture
def panels(tmp_path):
    write_run(tmp_path, [window("a"), window("b1")], [anomaly("a", threshold=30.0)])
    stored = read_results(tmp_path, "temp")
    return window_panels(stored.aggregates, stored.anomalies, ["a", "b1"], TimeRange())


def test_without_rules_the_bounds_are_those_that_were_breached(panels):
    assert [panel.thresholds for panel in with_rule_bounds(panels, None, "temp")] == [(30.0,), ()]


def test_with_rules_they_are_those_of_every_rule_that_watches(panels):
    found = with_rule_bounds(panels, parse_rules(RULES), "temp")
    assert [panel.thresholds for panel in found] == [(40.0,), (5.0, 35.0, 40.0)]
    assert [panel.anomalies for panel in found] == [panel.anomalies for panel in panels]
    assert [panel.thresholds for panel in with_rule_bounds(panels, parse_rules(RULES), "humidity")] == [
        (80.0,),
        (80.0,),
    ]


def test_more_bounds_than_can_be_told_apart_are_not_drawn(panels):
    rules = "".join(f"\n  - {{id: r{n}, metric: temp, above: {n}}}" for n in range(5))
    assert with_rule_bounds(panels, parse_rules(f"version: 1\nrules:{rules}"), "temp")[0].thresholds == ()


def test_bounds_of_the_device_are_drawn_and_rules_that_judge_no_single_value_are_not(panels, tmp_path):
    (tmp_path / "own.csv").write_text("device,rule,bound\na,hot,42\n")
    (tmp_path / "rules.yaml").write_text(
        "version: 2\noverrides: own.csv\nrules:\n"
        "- {id: hot, metric: temp, above: 40, clear: 38, for: 1m, except: [c]}\n"
        "- {id: mean, metric: temp, window: {statistic: mean, length: 1m}, above: 30}\n"
        "- {id: rate, metric: temp, rate: {above: 5, per: 1m}}\n"
        "- {id: silent, silence: {for: 1m}}\n"
    )
    found = with_rule_bounds(panels, read_rules_flag(str(tmp_path / "rules.yaml")), "temp")
    assert [panel.thresholds for panel in found] == [(42.0,), (40.0,)]


def test_the_file(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    rules = read_rules_flag(str(file))
    assert rules is not None
    assert [rule.id for rule in rules.rules] == ["hot", "band", "damp"]
    assert read_rules_flag("") is None
    file.write_text("version: 3")
    with pytest.raises(ConfigError, match=r"--rules .*version: must be 1 or 2, not 3"):
        read_rules_flag(str(file))
