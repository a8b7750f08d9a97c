"""Check a rules file, test it, and print its schema."""

import json
from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.rules.json_schema import rules_schema
from telemetry.rules.parse import load_rules
from tests.support.sources import ROOT

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


@pytest.fixture
def tested(rules: Path) -> Path:
    """The folder with two files of tests."""
    text = (
        "rules: rules.yaml\ninterval: 1m\ntests:\n- name: hot\n  series: [{device: b, temp: 31x4}]\n"
        "  only: [temp-high]\n  incidents: [{rule: temp-high, device: b, opened: 0s}]\n"
    )
    (rules / "one.test.yaml").write_text(text)
    bound = text.replace("device: b", "device: a").replace("31x4", "39x9")
    (rules / "two.test.yaml").write_text(text + bound.partition("tests:\n")[2].replace("name: hot", "name: own bound"))
    return rules


def test_tests_pass_or_fail(tested: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "there/one.test.yaml"]) == 0
    assert capsys.readouterr() == ("1 test in 1 file: 1 passed, 0 failed\n", "")
    assert main(["rules", "test", "there/one.test.yaml", "there/two.test.yaml"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "FAILED there/two.test.yaml line 8: own bound",
        "  missing",
        "    exp: {rule: temp-high, device: a, opened: 0s, closed: null}",
        "    got: nothing",
        "",
        "3 tests in 2 files: 2 passed, 1 failed",
    ]
    assert err == ""


@pytest.mark.parametrize(
    ("file", "before", "after", "problem"),
    [
        (
            "two.test.yaml",
            "opened:",
            "open:",
            "line 7: test 'hot': unknown field 'open' in incidents[1], did you mean ",
        ),
        ("two.test.yaml", "31x4", "hot", "line 5: test 'hot': series[1].temp: 'hot' is no reading, write 20, "),
        (
            "rules.yaml",
            "above: 30",
            "above: hot",
            "line 1: rules: there/rules.yaml line 6: rule 'temp-high': above must ",
        ),
        ("devices.txt", "b", "a", "line 1: rules: there/rules.yaml: there/devices.txt line 2: roster: device 'a' is "),
    ],
)
def test_a_file_of_tests_that_cannot_be_used_is_exit_code_2_and_runs_nothing(
    file: str, before: str, after: str, problem: str, tested: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tested / file).read_text()
    (tested / file).write_text(text.replace(before, after, 1))
    assert main(["rules", "test", "there/two.test.yaml", "there/one.test.yaml"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"telemetry rules test: error: FILE there/two.test.yaml: {problem}")


def test_no_file_of_tests(tested: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tested / "none.yaml").write_text("rules: rules.yaml\ninterval: 1m\ntests: []\n")
    for args, problem in (
        ([], "the following arguments are required: FILE"),
        (["x.yaml"], "FILE x.yaml: No such file or directory"),
        (["there/none.yaml"], "FILE there/none.yaml: line 3: tests: must be a list of at least one test, not []"),
    ):
        assert main(["rules", "test", *args]) == 2
        assert capsys.readouterr() == ("", f"telemetry rules test: error: {problem}\n")


def test_the_default_rules_pass_their_tests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", str(ROOT / "tests/telemetry/rules/default_rules.test.yaml")]) == 0
    assert capsys.readouterr().out == "5 tests in 1 file: 5 passed, 0 failed\n"


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == rules_schema()
