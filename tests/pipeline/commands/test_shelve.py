"""Shelve a rule or a device: always for a time, and beside the rules file."""

import re
import time
from pathlib import Path

import pytest

from telemetry.cli.main import main
from telemetry.rules.errors import RuleError
from telemetry.rules.shelf import Shelf
from telemetry.rules.shelves import load_shelves, shelves_path, write_shelves

RULES = "version: 2\nroster: [a, boiler-1]\nrules:\n- {id: hot, metric: temp, above: 30}\n"
HOUR_US = 3_600_000_000


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


def shelve(rules: str, *args: str) -> int:
    return main(["shelve", *args, "--rules", rules])


def brief(rules: str) -> list[tuple[str, str, str]]:
    return [(shelf.rule, shelf.device, shelf.reason) for shelf in load_shelves(rules)]


def test_a_rule_and_a_device_are_shelved_and_told(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    before_us = time.time_ns() // 1_000
    assert shelve(rules, "hot", "--until", "2h", "--reason", "cleaning") == 0
    assert shelve(rules, "boiler-*", "--until", "2099-12-24T06:00:00Z") == 2, "more than 90 days ahead"
    assert shelve(rules, "boiler-*", "--until", "1d") == 0
    assert shelve(rules, "hot", "--device", "a", "--until", "10m") == 0
    assert brief(rules) == [("hot", "*", "cleaning"), ("", "boiler-*", ""), ("hot", "a", "")]
    assert 2 * HOUR_US <= load_shelves(rules)[0].until_us - before_us <= 3 * HOUR_US
    capsys.readouterr()
    assert shelve(rules) == 0
    assert [re.sub(r"20\S+Z", "T", line) for line in capsys.readouterr().out.splitlines()] == [
        "rule hot is shelved for every device until T: cleaning",
        "every rule is shelved for device boiler-* until T",
        "rule hot is shelved for device a until T",
    ]


def test_a_shelf_is_replaced_and_ended(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    shelve(rules, "hot", "--until", "2h")
    first_us = load_shelves(rules)[0].until_us
    shelve(rules, "hot", "--until", "5h")
    (shelf,) = load_shelves(rules)
    assert shelf.until_us > first_us
    capsys.readouterr()
    assert shelve(rules, "hot", "--until", "now") == 0
    assert capsys.readouterr().out == "nothing is shelved\n"
    assert load_shelves(rules) == ()


def test_a_sensor_that_was_replaced_is_shelved_for_a_minute(rules: str) -> None:
    before_us = time.time_ns() // 1_000
    assert shelve(rules, "a", "--reset", "--reason", "new probe") == 0
    (shelf,) = load_shelves(rules)
    assert (shelf.rule, shelf.device, shelf.reason) == ("", "a", "new probe")
    assert before_us + 60_000_000 <= shelf.until_us <= time.time_ns() // 1_000 + 60_000_000


def test_what_has_ended_is_left_out(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_shelves(rules, (Shelf(1_000_000, "hot"), Shelf(time.time_ns() // 1_000 + HOUR_US, "", "a")))
    assert shelve(rules) == 0
    assert capsys.readouterr().out.startswith("every rule is shelved for device a until")
    shelve(rules, "hot", "--until", "1h")
    assert brief(rules) == [("", "a", ""), ("hot", "*", "")]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["hot"], "--until : is needed: a shelf always ends"),
        (["hot", "--until", "soon"], "--until soon: not a time"),
        (["hot", "--until", "1970-01-02T00:00:00Z"], "--until 1970-01-02T00:00:00Z: has passed"),
        (["hot", "--until", "91d"], "--until 91d: is more than 90 days ahead"),
        (["hott", "--until", "1h"], "RULE|DEVICE hott: is neither a rule nor a device of the roster"),
        (["a", "--device", "b", "--until", "1h"], "RULE|DEVICE a: --device needs a rule of"),
        (["a", "--until", "now"], "RULE|DEVICE a: is not shelved in"),
        (["hot", "--reset", "--until", "1h"], "--reset : ends after a minute: leave out --until 1h"),
        (["--reset"], "RULE|DEVICE : say what is to be shelved"),
        (["--until", "1h"], "RULE|DEVICE : say what is to be shelved"),
    ],
)
def test_mistakes_are_one_line(rules: str, args: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shelve(rules, *args) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem.replace(" :", ":") in line.replace(" :", ":")
    assert not Path(shelves_path(rules)).exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "not a file of shelves"),
        ('{"format": 2}', "format 2 is that of another version"),
        ('{"format": 1, "shelves": [{"until": "soon"}]}', "until: must be a time, not 'soon'"),
        ('{"format": 1, "shelves": [{"rule": "hot"}]}', "missing required field `until`"),
    ],
)
def test_a_file_of_shelves_that_cannot_be_used_is_refused(
    rules: str, text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(shelves_path(rules)).write_text(text)
    with pytest.raises(RuleError, match=re.escape(problem)):
        load_shelves(rules)
    assert shelve(rules) == 2
    assert "rules.shelved.json" in capsys.readouterr().err


def test_the_file_lies_beside_the_rules_in_a_bucket_too() -> None:
    assert shelves_path("gs://bucket/plant.a/rules.yaml") == "gs://bucket/plant.a/rules.shelved.json"
    assert shelves_path("plant.a/rules") == "plant.a/rules.shelved.json"
