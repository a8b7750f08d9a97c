"""Read one rule of a rules file."""

import re
from typing import Final, get_args

from telemetry.rules.conditions import Combination, Condition, Silence, Stuck
from telemetry.rules.errors import RuleError
from telemetry.rules.fields import Fields, shown
from telemetry.rules.file_format import RuleFields, field_names
from telemetry.rules.parse_conditions import COMPARISONS, CONDITIONS, metric_name, parse_condition
from telemetry.rules.parse_unusual import is_together, usual_keep_us
from telemetry.rules.rule import Rule, Severity
from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.text.marked_yaml import MarkedMapping

_FIELDS: Final = field_names(RuleFields)
_FIELDS_OF_VERSION_1: Final = frozenset({"id", "metric", "severity", "devices", *COMPARISONS})
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def parse_rule(number: int, entry: object, line: int, version: int) -> Rule:
    """Return a rule.

    Args:
        number: its place in the list, from 1, for messages about a rule without a name.
        entry: the item of the list.
        line: where it begins, from 1.
        version: of the file.

    Raises:
        RuleError: if it is not one.
    """
    if not isinstance(entry, MarkedMapping):
        raise RuleError(f"rule {number}: must be a mapping", line)
    name = entry.get("id")
    fields = Fields(entry, f"rule {shown(name)}" if isinstance(name, str) else f"rule {number}")
    fields.expect(_FIELDS_OF_VERSION_1 if version == 1 else _FIELDS, _FIELDS)
    if not isinstance(name, str) or _ID.fullmatch(name) is None:
        fields.refuse(f"id must be letters, digits, '.', '_' or '-', not {shown(name)}", "id")
    if version == 1 or not ({"silence", "all", "any", "not"}.intersection(entry) or is_together(fields)):
        metric_name(fields)
    severity = fields.get("severity", "warning")
    if severity not in get_args(Severity):
        fields.refuse(f"severity must be one of {', '.join(get_args(Severity))}, not {shown(severity)}", "severity")
    condition = parse_condition(fields, COMPARISONS if version == 1 else CONDITIONS)
    _check_fields_of(fields, condition)
    return Rule(
        id=name,
        metric=metric_name(fields) if "metric" in fields else "",
        condition=condition,
        severity=severity,
        devices=fields.globs("devices", ("*",)),
        except_=_except(fields),
        for_us=fields.optional_duration("for", 0),
        keep_us=fields.optional_duration("keep", usual_keep_us(condition)),
        max_gap_us=fields.duration("max_gap", 1) if "max_gap" in fields else None,
        line=line,
    )


def _check_fields_of(fields: Fields, condition: Condition) -> None:
    """Refuse fields of the rule that mean nothing for its condition."""
    if isinstance(condition, Combination):
        if "metric" in fields:
            fields.refuse(f"metric belongs into the parts of {condition.how}", "metric")
    elif "within" in fields:
        place = " belongs into stuck" if isinstance(condition, Stuck | LearnedStuck) else " needs all, any or not"
        fields.refuse(f"within{place}", "within")
    if isinstance(condition, Silence):
        for name in ("for", "keep", "max_gap"):
            if name in fields:
                place = "; the time of silence belongs into silence" if name == "for" else ""
                fields.refuse(f"{name} is not for silence{place}", name)
    if isinstance(condition, Unusual) and condition.metrics and "metric" in fields:
        fields.refuse("metric belongs into unusual.metrics", "metric")
    if isinstance(condition, Stuck | LearnedStuck):
        if "for" in fields:
            place = "belongs into stuck" if isinstance(condition, Stuck) else "is not for stuck: learned"
            fields.refuse(f"for {place}", "for")
        if "keep" in fields:  # a value that moves ends a run, and does not begin one of clear values
            fields.refuse("keep is not for stuck, use reopen", "keep")


def _except(fields: Fields) -> tuple[str, ...]:
    if "except" not in fields:
        return ()
    globs = fields.globs("except", ())
    if "*" in globs:
        fields.refuse("except leaves out every device", "except")
    return globs
