"""Say how a test has failed."""

from pathlib import Path

import pytest
import yaml

from transforms.incidents.rule_tests.compare import compare
from transforms.incidents.rule_tests.describe import describe_failure
from transforms.incidents.rule_tests.evaluate import evaluate
from transforms.incidents.rule_tests.parse import parse_rule_tests
from transforms.incidents.rule_tests.rule_test import RuleTestFile


@pytest.fixture(autouse=True)
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rules file in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "rules.yaml").write_text(
        "version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n- {id: mean, metric: temp, above: 25, "
        "window: {statistic: mean, length: 30s}}\n"
    )


SERIES = "{device: a, temp: 20 31.5 32 20 20.1 20.1 20}"


def read(incidents: str, series: str = SERIES) -> RuleTestFile:
    return parse_rule_tests(
        f"rules: rules.yaml\ninterval: 10s\ntests:\n- name: a warm room\n  series: [{series}]\n"
        f"  incidents: {incidents}\n",
        "there/rules.test.yaml",
    )


def failure(incidents: str, series: str = SERIES) -> list[str]:
    file = read(incidents, series)
    (test,) = file.tests
    return describe_failure(file.path, test, compare(test.expected, evaluate(file.rules, test))).splitlines()


def test_expected_stands_beside_found() -> None:
    assert failure(
        "[{rule: hot, device: a, opened: 10s, closed: 40s, worst: 31}, {rule: hot, device: a, opened: 1h, closed: 2h}]"
    ) == [
        "FAILED there/rules.test.yaml line 4: a warm room",
        "  differs in closed, worst",
        "    exp: {rule: hot, device: a, opened: 10s, closed: 40s, worst: 31.0}",
        "    got: {rule: hot, device: a, opened: 10s, closed: 30s, worst: 32.0}",
        "  missing",
        "    exp: {rule: hot, device: a, opened: 1h, closed: 2h}",
        "    got: nothing",
        "  not expected",
        "    exp: nothing",
        "    got: {rule: mean, device: a, opened: 30s, closed: 1m}",
    ]


def test_times_are_shown_as_they_are_written() -> None:
    shown = failure("[{rule: hot, device: a, opened: 2020-01-01T00:00:10.5Z}, {rule: mean, device: a, opened: 30.25s}]")
    assert shown[2:4] + shown[5:7] == [
        "    exp: {rule: hot, device: a, opened: '2020-01-01T00:00:10.500000Z', closed: null}",
        "    got: {rule: hot, device: a, opened: '2020-01-01T00:00:10Z', closed: '2020-01-01T00:00:30Z'}",
        "    exp: {rule: mean, device: a, opened: 30.25s, closed: null}",
        "    got: {rule: mean, device: a, opened: 30s, closed: 1m}",
    ]


@pytest.mark.parametrize("device", ["b8:27:eb", "'12:30'", "'no'", "'#1'", "'a, b'", "küche", "'{x}'"])
def test_incidents_can_be_copied_into_the_file(device: str) -> None:
    series = f"{{device: {device}, temp: 20 31.5 32 20.1 20x3}}"
    shown = [line.partition("got: ")[2] for line in failure("[]", series)]
    found = [line for line in shown if line]
    assert len(found) == 2
    file = read(f"[{', '.join(found)}]", series)
    assert compare(file.tests[0].expected, evaluate(file.rules, file.tests[0])) == []
    assert yaml.safe_load(found[0])["device"] == yaml.safe_load(device)
