"""Read rules files (YAML) into rule sets."""

from pathlib import Path
from typing import Final

from telemetry.rules.errors import RuleError
from telemetry.rules.fields import Fields, read_rules_yaml, shown
from telemetry.rules.file_format import FileFields, field_names
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.overrides import with_overrides
from telemetry.rules.parse_incidents import parse_incidents
from telemetry.rules.parse_rule import parse_rule
from telemetry.rules.roster import Roster, collect_roster, parse_roster
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.side_files import beside, read_named, read_text
from telemetry.text.marked_yaml import MarkedList, MarkedMapping

DEFAULT_RULES: Final = Path(__file__).with_name("default_rules.yaml")
_SHAPE: Final = "must be a mapping with `version: 2` and `rules:`"
_FIELDS_OF_VERSION_1: Final = ("version", "rules")
_FIELDS: Final = field_names(FileFields)


def load_rules(path: str | None) -> RuleSet:
    """Read a rules file and the files that it names, on any Beam filesystem; None for the default rules.

    Raises:
        RuleError: if one cannot be read, or is not a valid rules file, roster or table of overrides.
    """
    name = str(path or DEFAULT_RULES)
    return parse_rules(read_named(name), name)


def parse_rules(text: str, path: str = "") -> RuleSet:
    """Read rules from YAML text; see `load_rules`.

    Args:
        text: of the rules file.
        path: of the rules file, from whose folder relative paths lead; "" for the current directory.
    """
    document = read_rules_yaml(text)
    if not isinstance(document, MarkedMapping):
        raise RuleError(_SHAPE)
    fields = Fields(document, "")
    version = fields.get("version")
    if isinstance(version, bool) or version not in (1, 2):
        fields.expect(_FIELDS)
        fields.refuse(f"version: must be 1 or 2, not {shown(version)}", "version")
    fields.expect(_FIELDS_OF_VERSION_1 if version == 1 else _FIELDS, _FIELDS)
    rules = _rules(fields, int(version))
    if "overrides" in fields:
        table = beside(path, _path(fields, "overrides", "a CSV file"))
        rules = with_overrides(rules, _text(fields, "overrides", table), table)
    policy = IncidentPolicy()
    if "incidents" in fields:
        policy = parse_incidents(fields.mapping("incidents", "{reopen: 10m}"))
    return RuleSet(rules, policy, _roster(fields, path) if "roster" in fields else None)


def named_files(text: str, path: str) -> list[str]:
    """Return the paths of the files that a rules file names; none if the text is no such file.

    Args:
        text: of the rules file.
        path: of the rules file.
    """
    try:
        document = read_rules_yaml(text)
    except RuleError:
        return []
    named = document if isinstance(document, MarkedMapping) else {}
    values = (named.get(name) for name in ("overrides", "roster"))
    return [beside(path, value) for value in values if isinstance(value, str) and value]


def _rules(fields: Fields, version: int) -> list[Rule]:
    entries = fields.get("rules")
    if not isinstance(entries, MarkedList) or not entries:
        fields.refuse("rules: must be a list of at least one rule", "rules")
    numbered = enumerate(zip(entries, entries.lines, strict=True), start=1)
    rules = [parse_rule(number, entry, line, version) for number, (entry, line) in numbered]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"rule {rule.id!r}: id is used twice", rule.line)
        seen.add(rule.id)
    return rules


def _roster(fields: Fields, path: str) -> Roster:
    listed = fields.get("roster")
    if isinstance(listed, MarkedList):
        if not listed:
            fields.refuse("roster: names no device", "roster")
        return collect_roster(zip(listed.lines, listed, strict=True))
    file = beside(path, _path(fields, "roster", "a list of devices or a file"))
    return parse_roster(_text(fields, "roster", file), file)


def _text(fields: Fields, name: str, path: str) -> str:
    try:
        return read_text(path)
    except RuleError as error:
        raise RuleError(f"{name}: {error}", fields.line(name)) from error


def _path(fields: Fields, name: str, expected: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        fields.refuse(f"{name}: must be {expected}, not {shown(value)}", name)
    return value
