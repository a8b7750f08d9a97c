"""Read rules files, valid ones and each kind of mistake."""

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import DEFAULT_RULES, load_rules, parse_rules
from tests.support.rules import threshold_rule


def one_rule(fields) -> str:
    return f"version: 1\nrules:\n- {{id: hot, metric: temp, {fields}}}\n"


def refusal(text) -> str:
    with pytest.raises(RuleError) as error:
        parse_rules(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_default_is_the_founding_rule():
    assert load_rules(None).rules == (threshold_rule("temp-high", "temp", "above", 30.0, None, "critical", ("*",)),)
    assert load_rules(str(DEFAULT_RULES)) == load_rules(None)


def test_everything_a_rule_can_say():
    text = """
version: 1
rules:
  - {id: a, metric: temp, above: 30}
  - {id: b.1, metric: co, below: -1.5e-3, severity: info}
  - {id: c_2, metric: humidity, outside: [20, 80.5], severity: critical, devices: ["b8:*", x]}
  - {id: 4-d, metric: lpg, inside: [0, 0]}
"""
    assert parse_rules(text).rules == (
        threshold_rule("a", "temp", "above", 30.0, None, "warning", ("*",)),
        threshold_rule("b.1", "co", "below", -0.0015, None, "info", ("*",)),
        threshold_rule("c_2", "humidity", "outside", 20.0, 80.5, "critical", ("b8:*", "x")),
        threshold_rule("4-d", "lpg", "inside", 0.0, 0.0, "warning", ("*",)),
    )


def test_the_version_says_what_is_meant_not_how_it_is_laid_out():
    version = parse_rules(one_rule("above: 30")).version
    assert version == parse_rules(one_rule("devices: ['*'], severity: warning, above: 30.0")).version
    others = ["above: 31", "below: 30", "above: 30, severity: info", "above: 30, devices: [a]"]
    versions = {parse_rules(one_rule(fields)).version for fields in others}
    assert len(versions | {version}) == len(others) + 1


NUMBERS = {
    ".nan": "nan",
    ".inf": "inf",
    "-.inf": "-inf",
    "true": "True",
    "'30'": "'30'",
    "1e400": "'1e400'",
    "null": "None",
    "[30]": "[30]",
    "{a: 1}": "{'a': 1}",
    "2020-01-01": "datetime.date(2020, 1, 1)",
    "1" * 90: None,
    "1" * 401: f"{'1' * 100}…",
    "-" + "9" * 4_000: f"-{'9' * 99}…",
    "0x" + "f" * 5_000: "a huge number",
}


@pytest.mark.parametrize(("number", "shown"), NUMBERS.items(), ids=[number[:12] for number in NUMBERS])
@pytest.mark.parametrize("comparison", ["above", "below", "outside", "inside"])
def test_a_bound_is_a_finite_number(comparison, number, shown):
    is_range = comparison in ("outside", "inside")
    text = one_rule(f"{comparison}: " + (f"[{number}, {number}]" if is_range else number))
    if shown is None:
        assert parse_rules(text).rules[0].threshold == float(number)
    else:
        assert refusal(text) == f"line 3: rule 'hot': {comparison} must be a finite number, not {shown}"


def test_the_upper_bound_is_looked_at_too():
    assert refusal(one_rule("inside: [1, .nan]")) == "line 3: rule 'hot': inside must be a finite number, not nan"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("severity: info", "exactly one of above, below, outside, inside is needed, got 0"),
        ("above: 1, below: 2", "exactly one of above, below, outside, inside is needed, got 2"),
        ("inside: 3", "inside must be [low, high], not 3"),
        ("outside: [1]", "outside must be [low, high], not [1]"),
        ("outside: [1, 2, 3]", "outside must be [low, high], not [1, 2, 3]"),
        ("inside: [2, 1]", "inside [2, 1] has its low bound above its high one"),
        ("above: 1, severity: bad", "severity must be one of info, warning, critical, not 'bad'"),
        ("above: 1, severity: [info]", "severity must be one of info, warning, critical, not ['info']"),
        ("above: 1, severity: null", "severity must be one of info, warning, critical, not None"),
        ("above: 1, devices: a", "devices must be a list of names or globs, not 'a'"),
        ("above: 1, devices: []", "devices must be a list of names or globs, not []"),
        ("above: 1, devices: [1]", "devices must be a list of names or globs, not [1]"),
        ("above: 1, treshold: 3", "unknown field 'treshold'"),
        ("above: 1, metrics: 3", "unknown field 'metrics', did you mean metric?"),
        ("above: 1, 7: 3", "unknown field 7"),
    ],
)
def test_a_problem_names_the_rule_and_the_field(fields, problem):
    assert refusal(one_rule(fields)) == f"line 3: rule 'hot': {problem}"


@pytest.mark.parametrize(("metric", "shown"), [("5", "5"), ("''", "''"), ("null", "None"), ("[temp]", "['temp']")])
def test_a_metric_is_a_name(metric, shown):
    text = f"version: 1\nrules:\n- id: hot\n  metric: {metric}\n  above: 1\n"
    assert refusal(text) == f"line 4: rule 'hot': metric must be the name of a metric, not {shown}"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("7", "rule 2: must be a mapping"),
        ("[id, b]", "rule 2: must be a mapping"),
        ("{metric: temp, above: 1}", "rule 2: id must be letters, digits, '.', '_' or '-', not None"),
        ("{id: 5, metric: temp, above: 1}", "rule 2: id must be letters, digits, '.', '_' or '-', not 5"),
        ("{id: a/b, above: 1}", "rule 'a/b': id must be letters, digits, '.', '_' or '-', not 'a/b'"),
        ('{id: "a\\n", above: 1}', r"rule 'a\n': id must be letters, digits, '.', '_' or '-', not 'a\n'"),
        ("{id: b, above: 1}", "rule 'b': metric must be the name of a metric, not None"),
        ("{id: b, id_: 1}", "rule 'b': unknown field 'id_', did you mean id?"),
        ("{id: a, metric: temp, below: 1}", "rule 'a': id is used twice"),
    ],
)
def test_a_rule_without_a_usable_name_is_numbered(entry, problem):
    assert refusal(f"version: 1\nrules:\n- {{id: a, metric: temp, above: 1}}\n- {entry}\n") == f"line 4: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a mapping with `version: 2` and `rules:`"),
        ("- 1", "must be a mapping with `version: 2` and `rules:`"),
        ("rules: [1]", "line 1: version: must be 1 or 2, not None"),
        ("\nversion: 3\nrules: [1]", "line 2: version: must be 1 or 2, not 3"),
        ("version: '1'\nrules: [1]", "line 1: version: must be 1 or 2, not '1'"),
        ("version: true\nrules: [1]", "line 1: version: must be 1 or 2, not True"),
        ("version: [1]\nrules: [1]", "line 1: version: must be 1 or 2, not [1]"),
        ("version: 1", "line 1: rules: must be a list of at least one rule"),
        ("version: 1\nrules: []", "line 2: rules: must be a list of at least one rule"),
        ("version: 1\nrules: {a: 1}", "line 2: rules: must be a list of at least one rule"),
        ("version: 1\nrule: []", "line 2: unknown field 'rule', did you mean rules?"),
        ("version: 1\nrules: [", "line 2: not valid YAML: expected the node content, but found '<stream end>'"),
        (
            "version: 1\n\ta: b",
            "line 2: not valid YAML: found character '\\t' that cannot start any token",
        ),
        (
            "version: 1\n---\nversion: 1",
            "line 2: not valid YAML: expected a single document in the stream, but found another document",
        ),
        (
            "a: !!python/object:os.system {}",
            "line 1: not valid YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'",
        ),
        ("version: 1\nrules: \x07", "line 2: not valid YAML: special characters are not allowed"),
        ("version: " + "1" * 5_000, "line 1: not valid YAML: no such date, number or other value"),
        ("version: 2020-13-45", "line 1: not valid YAML: no such date, number or other value"),
        ("version: " + "[" * 1_000, "not valid YAML: nested too deeply"),
    ],
)
def test_a_file_that_is_no_rules_file_says_why(text, problem):
    assert refusal(text) == problem


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file or directory"), (b"\xff", "not UTF-8 text"), (b"rules", "must be a")]
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "rules.yaml").write_bytes(content)
    with pytest.raises(RuleError, match=problem):
        load_rules(str(tmp_path / "rules.yaml"))
