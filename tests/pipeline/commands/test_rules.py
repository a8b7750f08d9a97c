"""Check a rules file, and print its schema."""

import json
from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.rules.json_schema import rules_schema
from telemetry.rules.parse import load_rules

RULES = """
version: 2
roster: devices.txt
overrides: bounds.csv
rules:
- {id: temp-high, metric: temp, above: 30, clear: 29, for: 2m, keep: 5m, severity: critical}
- {id: silent, silence: {for: 5m}}
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a rules file, which is not the current directory."""
    folder = tmp_path / "there"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "devices.txt").write_text("a\nb\n")
    (folder / "bounds.csv").write_text("device,rule,bound\na,temp-high,40\n")
    return folder


def test_check_says_what_each_rule_does(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "there/rules.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "temp-high (critical): opens when temp is above 30 for 2m, closes when it is at or below 29 for 5m; all "
        "devices, with bounds of its own for a.",
        "silent (warning): opens when a device has sent nothing for 5m (a device of the roster that never has: 1h "
        "after the start), closes at the next reading; all devices.",
        "incidents are updated at most every 5m.",
        "roster: expects a and b.",
        f"version {load_rules('there/rules.yaml').version}",
    ]
    assert err == ""


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        ("rules.yaml", "above: 30", "above: hot", "line 6: rule 'temp-high': above must be a finite number, not 'hot'"),
        (
            "rules.yaml",
            ": 2m",
            ": 2",
            "line 6: rule 'temp-high': for must be a duration with its unit, such as 2s, not 2",
        ),
        ("rules.yaml", "version: 2", "version: 1", "line 3: roster is of version 2: write `version: 2`"),
        ("rules.yaml", "silent,", "silent: {", "line 7: not valid YAML: "),
        ("bounds.csv", "temp-high", "temp-hihg", "there/bounds.csv line 2: rule 'temp-hihg': is not in the rules file"),
        ("devices.txt", "b", "a", "there/devices.txt line 2: roster: device 'a' is there twice"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    file: str, before: str, after: str, problem: str, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (rules / file).read_text()
    (rules / file).write_text(text.replace(before, after))
    assert main(["rules", "check", "there/rules.yaml"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"telemetry rules check: error: FILE there/rules.yaml: {problem}")


def test_metrics_are_checked_if_they_are_given(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "there/rules.yaml", "--metrics", "co,temp"]) == 0
    capsys.readouterr()
    assert main(["rules", "check", "there/rules.yaml", "--metrics", "co,lpg"]) == 2
    problem = "line 6: rule 'temp-high': metric 'temp' is not one of co, lpg"
    assert capsys.readouterr().err == f"telemetry rules check: error: FILE there/rules.yaml: {problem}\n"


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == rules_schema()
