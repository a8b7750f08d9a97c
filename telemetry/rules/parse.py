"""Read rules files (YAML) into rule sets."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from telemetry.rules.bounds import Bounds, Comparison
from telemetry.rules.conditions import Threshold
from telemetry.rules.errors import RuleError
from telemetry.rules.rule import Rule, Severity
from telemetry.rules.rule_set import RuleSet
from telemetry.storage.files import StorageError, read_file

DEFAULT_RULES: Final = Path(__file__).with_name("default_rules.yaml")
_FIELDS: Final = frozenset({"id", "metric", "severity", "devices", *get_args(Comparison)})
_LONGEST_SHOWN: Final = 100
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def load_rules(path: str | None) -> RuleSet:
    """Read a rules file, on any Beam filesystem; None for the default rules.

    Raises:
        RuleError: if it cannot be read or is not a valid rules file.
    """
    try:
        text = read_file(str(path or DEFAULT_RULES)).decode("utf-8")
    except StorageError as error:
        raise RuleError(error.problem) from error
    except UnicodeDecodeError as error:
        raise RuleError("not UTF-8 text") from error
    return parse_rules(text)


def parse_rules(text: str) -> RuleSet:
    """Read rules from YAML text; see `load_rules`."""
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # an impossible date, an integer without end
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise RuleError(f"not valid YAML{where}") from error
    if not isinstance(document, Mapping):
        raise RuleError("must be a mapping with `version: 1` and `rules:`")
    unknown = [_shown(name) for name in document if name not in ("version", "rules")]
    if unknown:
        raise RuleError(f"unknown field {min(unknown)}, expected version and rules")
    if document.get("version") != 1 or document["version"] is True:
        raise RuleError(f"version: must be 1, not {_shown(document.get('version'))}")
    entries = document.get("rules")
    if not isinstance(entries, list) or not entries:
        raise RuleError("rules: must be a list of at least one rule")
    rules = [_parse_rule(number, entry) for number, entry in enumerate(entries, start=1)]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"rule {rule.id!r}: id is used twice")
        seen.add(rule.id)
    return RuleSet(rules)


def _parse_rule(number: int, entry: object) -> Rule:
    if not isinstance(entry, Mapping):
        raise RuleError(f"rule {number}: must be a mapping")
    name = entry.get("id")
    where = f"rule {_shown(name)}" if isinstance(name, str) else f"rule {number}"
    unknown = [_shown(field) for field in entry if field not in _FIELDS]
    if unknown:
        raise RuleError(f"{where}: unknown field {min(unknown)}")
    if not isinstance(name, str) or _ID.fullmatch(name) is None:
        raise RuleError(f"{where}: id must be letters, digits, '.', '_' or '-', not {_shown(name)}")
    metric = entry.get("metric")
    if not isinstance(metric, str) or not metric:
        raise RuleError(f"{where}: metric must be the name of a metric, not {_shown(metric)}")
    severity = entry.get("severity", "warning")
    if severity not in get_args(Severity):
        raise RuleError(f"{where}: severity must be one of {', '.join(get_args(Severity))}, not {_shown(severity)}")
    comparison, low, high = _parse_comparison(where, entry)
    condition = Threshold(Bounds(comparison, low, high))
    return Rule(name, metric, condition, severity, _parse_devices(where, entry))


def _parse_comparison(where: str, entry: Mapping[str, Any]) -> tuple[Comparison, float, float | None]:
    given = [name for name in get_args(Comparison) if name in entry]
    if len(given) != 1:
        raise RuleError(f"{where}: exactly one of {', '.join(get_args(Comparison))} is needed, got {len(given)}")
    comparison: Comparison = given[0]
    bound = entry[comparison]
    if comparison in ("above", "below"):
        return comparison, _number(where, comparison, bound), None
    if not isinstance(bound, list) or len(bound) != 2:
        raise RuleError(f"{where}: {comparison} must be [low, high], not {_shown(bound)}")
    low, high = (_number(where, comparison, value) for value in bound)
    if low > high:
        raise RuleError(f"{where}: {comparison} [{low:g}, {high:g}] has its low bound above its high one")
    return comparison, low, high


def _parse_devices(where: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    devices = entry.get("devices", ["*"])
    if not isinstance(devices, list) or not devices or not all(isinstance(glob, str) for glob in devices):
        raise RuleError(f"{where}: devices must be a list of names or globs, not {_shown(devices)}")
    return tuple(devices)


def _number(where: str, field: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # an integer beyond the largest double
            number = float(value)
            if math.isfinite(number):
                return number
    raise RuleError(f"{where}: {field} must be a finite number, not {_shown(value)}")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "a huge number"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
