"""Read files of rule tests, valid ones and each kind of mistake."""

import math
from pathlib import Path

import numpy as np
import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules
from transforms.incidents.rule_tests.parse import START_US, load_rule_tests, parse_rule_tests
from transforms.incidents.rule_tests.rule_test import ExpectedIncident, RuleTestFile, Stated

SECOND = 1_000_000
RULES = """
version: 2
roster: [a, c]
rules:
- {id: hot, metric: temp, above: 30}
- {id: dry, metric: humidity, below: 20}
"""
ON_DEVICES = "- {id: silent, silence: {for: 1m}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a rules file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def a_test(fields: str = "", series: str = "{device: a, temp: 20 31}", incidents: str = "") -> str:
    """Return a file of one test."""
    return (
        f"rules: rules.yaml\ninterval: 10s\ntests:\n- name: one\n  series:\n  - {series}\n"
        f"  incidents: [{incidents}]\n{fields}"
    )


def refusal(text: str) -> str:
    with pytest.raises(RuleError) as error:
        parse_rule_tests(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_smallest_test() -> None:
    found = parse_rule_tests(a_test())
    assert found.rules == load_rules("rules.yaml")
    (test,) = found.tests
    assert (test.name, test.line, test.start_us, test.until_us) == ("one", 4, START_US, START_US + 10 * SECOND)
    assert (test.only, test.expected) == ((), ())
    assert (test.rows.metrics, test.rows.devices) == (("temp", "humidity"), ("a",))
    assert test.rows.event_us.tolist() == [START_US, START_US + 10 * SECOND]
    assert np.array_equal(test.rows.values, [[20.0, 31.0], [math.nan, math.nan]], equal_nan=True)


def test_readings_of_several_devices_and_metrics_are_in_order_of_time() -> None:
    """A device sends at a time if it has a value of any metric then."""
    series = "{device: b, temp: 1 _ _ 2}\n  - {device: a, humidity: _ 5 6, temp: '3'}"
    (test,) = parse_rule_tests(a_test(series=series)).tests
    rows = test.rows
    assert [(rows.devices[code], (time - START_US) // SECOND)
            for code, time in zip(rows.device, rows.event_us, strict=True)] == [
        ("b", 0), ("a", 0), ("a", 10), ("a", 20), ("b", 30)
    ]  # fmt: skip
    missing = math.nan
    expected = [[1, 3, missing, missing, 2], [missing, missing, 5, 6, missing]]
    assert np.array_equal(rows.values, expected, equal_nan=True)


def test_time_passes_while_readings_are_missing() -> None:
    (test,) = parse_rule_tests(a_test(series="{device: a, temp: 20 _x30}")).tests
    assert len(test.rows) == 1
    assert test.until_us == START_US + 300 * SECOND


def test_everything_a_test_can_say() -> None:
    incident = (
        "{rule: hot, device: c, opened: 1m, closed: 1h, noticed: 0s, metric: temp, severity: info, worst: 31, "
        "readings: 2, stale: true, flapping: false, reason: clear}"
    )
    text = a_test("  start: 1000\n  interval: 1m\n  until: 2d\n  only: [hot]\n", incidents=incident)
    (test,) = parse_rule_tests(text).tests
    start_us = 1000 * SECOND
    assert (test.start_us, test.until_us, test.only) == (start_us, start_us + 2 * 86_400 * SECOND, ("hot",))
    assert test.rows.event_us.tolist() == [start_us, start_us + 60 * SECOND]
    assert test.expected == (
        ExpectedIncident(
            {
                "rule": "hot",
                "device": "c",
                "opened": start_us + 60 * SECOND,
                "closed": start_us + 3_600 * SECOND,
                "noticed": start_us,
                "metric": "temp",
                "severity": "info",
                "worst": 31.0,
                "readings": 2,
                "stale": True,
                "flapping": False,
                "reason": "clear",
            }
        ),
    )


@pytest.mark.parametrize("start", ["2020-07-12T00:00:00Z", "'2020-07-12T00:00:00Z'", "2020-07-12T02:00:00+02:00",
                                   "1594512000", "1594512000.0", "'1594512000'"])  # fmt: skip
def test_ways_to_write_the_start(start: str) -> None:
    assert parse_rule_tests(a_test(f"  start: {start}\n")).tests[0].start_us == 1_594_512_000 * SECOND


@pytest.mark.parametrize("opened", ["2020-01-01T00:00:10Z", "'2020-01-01T00:00:10Z'", "2020-01-01T01:00:10.000+01:00"])
def test_times_of_incidents_can_be_points_in_time(opened: str) -> None:
    (test,) = parse_rule_tests(a_test(incidents=f"{{rule: hot, device: a, opened: {opened}}}")).tests
    stated: dict[str, Stated] = {"rule": "hot", "device": "a", "opened": START_US + 10 * SECOND, "closed": None}
    assert test.expected == (ExpectedIncident(stated, dated=True),)


def test_an_incident_without_an_end_is_open() -> None:
    left_out = parse_rule_tests(a_test(incidents="{rule: hot, device: a, opened: 10s}")).tests[0].expected
    null = parse_rule_tests(a_test(incidents="{rule: hot, device: a, opened: 10s, closed: null}")).tests[0].expected
    assert left_out == null
    assert left_out[0].stated["closed"] is None


def test_any_metric_shows_that_a_device_is_alive_where_a_rule_is_on_its_silence(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES + ON_DEVICES)
    (test,) = parse_rule_tests(a_test(series="{device: a, lpg: 1 _ 2}")).tests
    assert test.rows.event_us.tolist() == [START_US, START_US + 20 * SECOND]
    assert np.isnan(test.rows.values).all()


def test_paths_lead_from_the_folder_of_the_file(folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "there" / "rules.test.yaml").write_text(a_test().replace("rules.yaml", "../rules.yaml"))
    found = load_rule_tests("there/rules.test.yaml")
    assert isinstance(found, RuleTestFile)
    assert (found.path, found.rules) == ("there/rules.test.yaml", load_rules("rules.yaml"))


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("interval: 10s", "intervall: 10s", "line 2: unknown field 'intervall', did you mean interval?"),
        ("interval: 10s", "interval: 10", "line 2: interval must be a duration with its unit, such as 10s, not 10"),
        ("interval: 10s", "interval: 0s", "line 2: interval must be longer than 0s, not '0s'"),
        ("interval: 10s\n", "", "line 1: interval must be a duration with its unit, not None"),
        ("rules.yaml", "", "line 1: rules: must be the path of a rules file, not None"),
        ("rules.yaml", "none.yaml", "line 1: rules: none.yaml: No such file or directory"),
        ("name: one", "name: 1", "line 4: test 1: name must be text, not 1"),
        ("name: one", "nome: one", "line 4: test 1: unknown field 'nome', did you mean name?"),
        ("device: a", "device: 7", "line 6: test 'one': series[1].device must be a name, not 7"),
        ("temp: 20 31", "temp: 20", "line 6: test 'one': series[1].temp must be text such as '20 31x5', not 20"),
        (
            "temp: 20 31",
            "temp: 20 31y",
            "line 6: test 'one': series[1].temp: '31y' is no reading, write 20, 20x5, 20+0.5x5, 20-0.5x5, _ or _x5",
        ),
        ("temp:", "tmep:", "line 6: test 'one': unknown field 'tmep' in series[1], did you mean series[1].temp?"),
        (", temp: 20 31", "", "line 6: test 'one': series[1].device 'a' has no series of a metric, such as temp: 20x5"),
        ("{device: a, temp: 20 31}", "a", "line 5: test 'one': series must be a list of mappings such as "
         "{device: a, temp: 20 20 31x5}, not ['a']"),
        ("incidents: []", "incidents:", "line 7: test 'one': incidents must be a list of mappings such as "
         "{rule: temp-high, device: a, opened: 20s, closed: 70s}, not None"),
        ("  incidents: []\n", "", "line 4: test 'one': incidents must be a list of mappings such as "
         "{rule: temp-high, device: a, opened: 20s, closed: 70s}, not None"),
        ("- name: one", "- one", "line 5: not valid YAML: mapping values are not allowed here"),
    ],
)  # fmt: skip
def test_a_mistake_names_line_field_and_value(before: str, after: str, problem: str) -> None:
    assert refusal(a_test().replace(before, after)) == problem


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            "  start: soon\n",
            "start must be RFC 3339 such as 2020-01-01T00:00:00Z, or seconds since the epoch, not 'soon'",
        ),
        (
            "  start: 2020-01-01T00:00:00\n",
            "start must be RFC 3339 such as 2020-01-01T00:00:00Z, or seconds since the epoch, not 2020-01-01 00:00:00",
        ),
        ("  start: -1\n", "start -1 is not between 1970 and 2100"),
        ("  start: 4102444799\n", "series: its last reading would not be before 2100"),
        ("  until: 5\n", "until must be an offset such as 90s, or a time such as 2020-01-01T00:01:30Z, not 5"),
        ("  until: '5'\n", "until must be an offset such as 90s, or a time such as 2020-01-01T00:01:30Z, not '5'"),
        ("  until: 36500d\n", "until '36500d' is not between 1970 and 2100"),
        ("  only: hot\n", "only must be a list of names or globs, not 'hot'"),
        ("  only: [hut]\n", "only: 'hut' is not in the rules file"),
        ("  interval: 0s\n", "interval must be longer than 0s, not '0s'"),
    ],
)
def test_mistakes_of_times_and_rules(fields: str, problem: str) -> None:
    line = 5 if problem.startswith("series") else 8
    assert refusal(a_test(fields)) == f"line {line}: test 'one': {problem}"


@pytest.mark.parametrize(
    ("incident", "problem"),
    [
        ("rule: hut, device: a, opened: 1s", "rule must be a rule of this test, not 'hut'"),
        ("device: a, opened: 1s", "rule must be a rule of this test, not None"),
        ("rule: hot, device: b, opened: 1s", "device must be a device of this test, not 'b'"),
        (
            "rule: hot, device: a",
            "opened must be an offset such as 90s, or a time such as 2020-01-01T00:01:30Z, not None",
        ),
        (
            "rule: hot, device: a, opened: 1s, closed: never",
            "closed must be an offset such as 90s, or a time such as 2020-01-01T00:01:30Z, not 'never'",
        ),
        (
            "rule: hot, device: a, opened: 1s, severity: hot",
            "severity must be one of info, warning, critical, not 'hot'",
        ),
        ("rule: hot, device: a, opened: 1s, worst: high", "worst must be a finite number, not 'high'"),
        ("rule: hot, device: a, opened: 1s, readings: -1", "readings must be a whole number from 0, not -1"),
        ("rule: hot, device: a, opened: 1s, stale: 1", "stale must be true or false, not 1"),
        ("rule: hot, device: a, opened: 1s, reason: 1", "reason must be text, not 1"),
    ],
)
def test_mistakes_of_incidents(incident: str, problem: str) -> None:
    assert refusal(a_test(incidents=f"{{{incident}}}")) == f"line 7: test 'one': incidents[1].{problem}"


def test_an_unknown_field_of_an_incident() -> None:
    problem = "unknown field 'open' in incidents[1], did you mean incidents[1].opened?"
    assert refusal(a_test(incidents="{rule: hot, device: a, open: 1s}")) == f"line 7: test 'one': {problem}"


def test_only_narrows_the_rules_that_incidents_may_name() -> None:
    text = a_test("  only: [dry]\n", incidents="{rule: hot, device: a, opened: 10s}")
    assert refusal(text) == "line 7: test 'one': incidents[1].rule must be a rule of this test, not 'hot'"


@pytest.mark.parametrize("tests", ["", "tests:", "tests: []", "tests: {}"])
def test_a_file_without_tests(tests: str) -> None:
    value = {"tests: []": "[]", "tests: {}": "{}"}.get(tests, "None")
    line = 3 if tests else 1
    assert refusal(f"rules: rules.yaml\ninterval: 10s\n{tests}\n") == (
        f"line {line}: tests: must be a list of at least one test, not {value}"
    )


@pytest.mark.parametrize("text", ["", "[]", "one"])
def test_a_file_that_is_no_mapping(text: str) -> None:
    assert refusal(text) == "must be a mapping with `rules:`, `interval:` and `tests:`"


def test_names_and_devices_are_there_once() -> None:
    text = a_test()
    assert refusal(text + text.partition("tests:\n")[2]) == "line 8: test 'one': name is used twice"
    series = "{device: a, temp: 20x5}\n  - {device: a, humidity: 50x5}"
    assert refusal(a_test(series=series)) == "line 7: test 'one': series[2].device 'a' is there twice"
    assert refusal(a_test().replace("- name: one", "- one")).startswith("line 5")
    assert refusal("rules: rules.yaml\ninterval: 1s\ntests: [one]") == "line 3: test 1: must be a mapping, not 'one'"


def test_mistakes_of_the_rules_file_are_told_with_their_line(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("above: 30", "above: hot"))
    problem = "rules.yaml line 5: rule 'hot': above must be a finite number, not 'hot'"
    assert refusal(a_test()) == f"line 1: rules: {problem}"
    (folder / "rules.yaml").write_text(RULES + "- {id: stuck, metric: temp, stuck: {for: 1m}, keep: 1m}\n")
    problem = "rules.yaml line 7: rule 'stuck': keep is not for stuck, use reopen"
    assert refusal(a_test()) == f"line 1: rules: {problem}"


def test_files_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(RuleError, match=r"^No such file or directory$"):
        load_rule_tests("none.yaml")
    (folder / "latin.yaml").write_bytes(b"\xff")
    with pytest.raises(RuleError, match=r"^not UTF-8 text$"):
        load_rule_tests("latin.yaml")
