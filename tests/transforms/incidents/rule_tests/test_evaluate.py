"""Evaluate tests: with the job's own evaluation, up to the end of the test."""

from pathlib import Path
from typing import Any

import pytest

from transforms.incidents.rule_tests.evaluate import evaluate
from transforms.incidents.rule_tests.parse import START_US, parse_rule_tests

RULES = """
version: 2
roster: [a, never]
incidents: {update_every: 1m}
rules:
- {id: hot, metric: temp, above: 30, for: 20s, keep: 20s, severity: critical}
- {id: silent, silence: {for: 1m, grace: 2m}}
"""


@pytest.fixture(autouse=True)
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rules file in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)


def incidents(series: str, fields: str = "") -> list[dict[str, Any]]:
    """Return the fields of each incident, times in seconds from the start."""
    text = f"rules: rules.yaml\ninterval: 10s\ntests:\n- {{name: a, series: [{series}], incidents: []{fields}}}\n"
    file = parse_rule_tests(text)
    found: list[dict[str, Any]] = [dict(one.values) for one in evaluate(file.rules, file.tests[0])]
    for one in found:
        for name in ("opened", "closed", "noticed"):
            one[name] = None if one[name] is None else (one[name] - START_US) / 1e6
    return found


HOT = {
    "rule": "hot",
    "device": "a",
    "opened": 10.0,
    "closed": 60.0,
    "metric": "temp",
    "severity": "critical",
    "worst": 33.0,
    "readings": 3,
    "stale": False,
    "flapping": False,
    "reason": "clear",
    "noticed": 30.0,
}


def test_an_incident_is_told_as_its_latest_transition_tells_it() -> None:
    assert incidents("{device: a, temp: 20 31 33 32 25x4}") == [HOT]
    assert incidents("{device: a, temp: 20 31 33 32 25x4}", ", until: 50s") == [
        HOT | {"closed": None, "reason": None}
    ]  # fmt: skip


def test_the_end_itself_is_judged() -> None:
    assert incidents("{device: a, temp: 20 31 33 32}", ", until: 29s") == []
    assert [one["noticed"] for one in incidents("{device: a, temp: 20 31 33 32}", ", until: 30s")] == [30.0]
    assert [one["noticed"] for one in incidents("{device: a, temp: 20 _x5}")] == []
    assert [one["noticed"] for one in incidents("{device: a, temp: 20 _x5 21}")] == []  # it may send at its deadline
    assert [one["noticed"] for one in incidents("{device: a, temp: 20 _x6}", ", only: [silent]")] == [60.0]


def test_devices_of_the_roster_are_expected_though_they_never_send() -> None:
    found = incidents("{device: a, temp: 20x13}")
    assert [(one["rule"], one["device"], one["opened"], one["noticed"], one["closed"]) for one in found] == [
        ("silent", "never", 0.0, 120.0, None)
    ]


def test_the_silence_of_a_device_makes_its_other_incidents_stale() -> None:
    found = incidents("{device: a, temp: 31x4 _x8}")
    assert [(one["rule"], one["opened"], one["closed"], one["stale"]) for one in found] == [
        ("hot", 0.0, None, True),
        ("silent", 30.0, None, False),
    ]


def test_only_leaves_out_incidents_and_not_their_effects() -> None:
    assert incidents("{device: a, temp: 31x4 _x8}", ", only: [hot]") == incidents("{device: a, temp: 31x4 _x8}")[:1]


def test_nothing_at_all() -> None:
    assert incidents("{device: a, temp: _x10}") == []
