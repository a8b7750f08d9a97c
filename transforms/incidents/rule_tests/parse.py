"""Read files of rule tests (YAML)."""

from collections.abc import Sequence
from typing import Final

from telemetry.rules.errors import RuleError
from telemetry.rules.fields import Fields, read_rules_yaml, shown
from telemetry.rules.file_format import field_names
from telemetry.rules.parse import load_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.side_files import beside, read_named
from telemetry.text.marked_yaml import MarkedList, MarkedMapping
from telemetry.text.timestamps import LATEST_US
from transforms.incidents.rule_tests.file_format import RuleTestFields, RuleTestFileFields
from transforms.incidents.rule_tests.parse_expected import parse_expected
from transforms.incidents.rule_tests.parse_series import parse_series
from transforms.incidents.rule_tests.rule_test import RuleTest, RuleTestFile
from transforms.incidents.rule_tests.times import read_moment, read_start

START_US: Final = 1_577_836_800_000_000
"""2020-01-01T00:00:00Z, where the time of tests begins that do not say it."""
_SHAPE: Final = "must be a mapping with `rules:`, `interval:` and `tests:`"
_FILE_FIELDS: Final = field_names(RuleTestFileFields)
_FIELDS: Final = field_names(RuleTestFields)


def load_rule_tests(path: str) -> RuleTestFile:
    """Read a file of rule tests, and the rules that it names, on any Beam filesystem.

    Raises:
        RuleError: if one cannot be read or used; the text names line, field and value.
    """
    return parse_rule_tests(read_named(path), path)


def parse_rule_tests(text: str, path: str = "") -> RuleTestFile:
    """Read rule tests from YAML text; see `load_rule_tests`.

    Args:
        text: of the file.
        path: of the file, from whose folder relative paths lead; "" for the current directory.
    """
    document = read_rules_yaml(text)
    if not isinstance(document, MarkedMapping):
        raise RuleError(_SHAPE)
    fields = Fields(document, "")
    fields.expect(_FILE_FIELDS)
    rules = _rules(fields, path)
    interval_us = fields.duration("interval", 1)
    entries = fields.get("tests")
    if not isinstance(entries, MarkedList) or not entries:
        fields.refuse(f"tests: must be a list of at least one test, not {shown(entries)}", "tests")
    tests: list[RuleTest] = []
    for number, (entry, line) in enumerate(zip(entries, entries.lines, strict=True), start=1):
        test = _test(number, entry, line, rules, interval_us)
        if any(other.name == test.name for other in tests):
            raise RuleError(f"test {shown(test.name)}: name is used twice", test.line)
        tests.append(test)
    return RuleTestFile(path, rules, tuple(tests))


def _rules(fields: Fields, path: str) -> RuleSet:
    name = fields.get("rules")
    if not isinstance(name, str) or not name:
        fields.refuse(f"rules: must be the path of a rules file, not {shown(name)}", "rules")
    file = beside(path, name)
    try:
        rules = load_rules(file)
    except RuleError as error:
        problem = str(error)
        separator = " " if problem.startswith("line ") else ": "
        fields.refuse(f"rules: {file}{separator}{problem}", "rules")
    return rules


def _test(number: int, entry: object, line: int, rules: RuleSet, interval_us: int) -> RuleTest:
    if not isinstance(entry, MarkedMapping):
        raise RuleError(f"test {number}: must be a mapping, not {shown(entry)}", line)
    name = entry.get("name")
    fields = Fields(entry, f"test {shown(name)}" if isinstance(name, str) and name else f"test {number}")
    fields.expect(_FIELDS)
    if not isinstance(name, str) or not name:
        fields.refuse(f"name must be text, not {shown(name)}", "name")
    start_us = read_start(fields, "start") if "start" in fields else START_US
    interval_us = fields.optional_duration("interval", interval_us, 1)
    rows, times = parse_series(fields, rules, start_us, interval_us)
    until_us = start_us + (times - 1) * interval_us
    if until_us >= LATEST_US:
        fields.refuse("series: its last reading would not be before 2100", "series")
    if "until" in fields:
        until_us, _ = read_moment(fields, "until", start_us)
    only = _only(fields, rules)
    devices = {*rows.devices, *(rules.roster.devices if rules.roster is not None else ())}
    expected = parse_expected(fields, only or [rule.id for rule in rules.rules], devices, start_us)
    return RuleTest(name, line, start_us, until_us, rows, only, expected)


def _only(fields: Fields, rules: RuleSet) -> tuple[str, ...]:
    names: Sequence[str] = fields.globs("only", ()) if "only" in fields else ()
    known = [rule.id for rule in rules.rules]
    for name in names:
        if name not in known:
            fields.refuse(f"only: {shown(name)} is not in the rules file", "only")
    return tuple(names)
