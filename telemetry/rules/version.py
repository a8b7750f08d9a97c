"""Derive the version of rules: a hash of their meaning, without layout and without defaults.

A field that a later release adds does not change the version of rules that do not use it. Rules that a file of version
1 can express have the version that they have always had, which is stored with anomalies.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from telemetry.rules.conditions import Threshold
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.shelf import Shelf

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def rules_version(
    rules: Sequence[Rule], incidents: IncidentPolicy, roster: Roster | None, shelves: Sequence[Shelf] = ()
) -> str:
    """Return 12 hexadecimal digits; the same for rules that mean the same, in the same order."""
    if roster is None and not shelves and incidents == IncidentPolicy() and all(map(_is_version_1, rules)):
        return _digest(_version_1_text(rules).encode())
    content: dict[str, Any] = {"rules": [_canonical(rule) for rule in rules]}
    if incidents != IncidentPolicy():
        content["incidents"] = _said(incidents)
    if roster is not None:
        content["roster"] = msgspec.to_builtins(roster)
    if shelves:
        content["shelves"] = [[shelf.rule, shelf.device, shelf.until_us] for shelf in shelves]
    return _digest(_ENCODER.encode(content))


def rule_version(rule: Rule) -> str:
    """Return 12 hexadecimal digits for one rule; the same for rules that mean the same, wherever they stand."""
    return _digest(_ENCODER.encode(_canonical(rule)))


def _canonical(rule: Rule) -> dict[str, Any]:
    """Return what a rule says, without what it leaves at its default."""
    overrides = [[name, bounds.low, bounds.high] for name, bounds in sorted(rule.overrides.items())]
    fields: tuple[tuple[str, object, object], ...] = (
        ("metric", rule.metric, ""),
        ("severity", rule.severity, "warning"),
        ("devices", rule.devices, ("*",)),
        ("except", rule.except_, ()),
        ("for", rule.for_us, 0),
        ("keep", rule.keep_us, 0),
        ("max_gap", rule.max_gap_us, None),
        ("overrides", overrides, []),
    )
    said = {name: value for name, value, default in fields if value != default}
    return {"id": rule.id, "condition": _said(rule.condition), **said}


def _said(value: Any) -> Any:
    """Return a condition as plain values, without fields that equal their defaults.

    `msgspec` itself leaves out only what is the very object of the default, which depends on where a rule came from.
    """
    if isinstance(value, tuple):
        return [_said(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    said = {"type": value.__struct_config__.tag} if value.__struct_config__.tag else {}
    for field in msgspec.structs.fields(value):
        found = getattr(value, field.name)
        if field.required or found != field.default:
            said[field.name] = _said(found)
    return said


def _is_version_1(rule: Rule) -> bool:
    plain = Rule(rule.id, rule.metric, rule.condition, rule.severity, rule.devices)
    return isinstance(rule.condition, Threshold) and not rule.condition.bounds.has_clear and rule == plain


def _version_1_text(rules: Sequence[Rule]) -> str:
    """Return the text whose hash has been the version of such rules; it never changes, whatever fields rules have."""
    texts = [
        f"Rule(id={rule.id!r}, metric={rule.metric!r}, comparison={rule.comparison!r}, threshold={rule.threshold!r}, "
        f"threshold_upper={rule.threshold_upper!r}, severity={rule.severity!r}, devices={rule.devices!r})"
        for rule in rules
    ]
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=6).hexdigest()
