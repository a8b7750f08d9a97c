"""Read the incidents that a test expects."""

from collections.abc import Collection
from typing import Final, get_args

from telemetry.rules.fields import Fields, shown
from telemetry.rules.file_format import field_names
from telemetry.rules.rule import Severity
from telemetry.text.marked_yaml import MarkedList
from transforms.incidents.rule_tests.file_format import ExpectedFields
from transforms.incidents.rule_tests.rule_test import TIMES, ExpectedIncident, Stated
from transforms.incidents.rule_tests.times import read_moment

_FIELDS: Final = field_names(ExpectedFields)
_EXAMPLE: Final = "{rule: temp-high, device: a, opened: 20s, closed: 70s}"


def parse_expected(
    fields: Fields, rules: Collection[str], devices: Collection[str], start_us: int
) -> tuple[ExpectedIncident, ...]:
    """Return the incidents that a test expects.

    Args:
        fields: of the test.
        rules: ids of the rules whose incidents are compared.
        devices: those that send, and those of the roster.
        start_us: time of the first readings, microseconds UTC.

    Raises:
        RuleError: if it is no list of incidents, or one is of another rule or device.
    """
    listed = fields.get("incidents")
    if isinstance(listed, MarkedList) and not listed:
        return ()
    found = []
    for entry in fields.mappings("incidents", _EXAMPLE):
        entry.expect(_FIELDS)
        _check_known(entry, "rule", rules, "a rule of this test")
        _check_known(entry, "device", devices, "a device of this test")
        found.append(_incident(entry, start_us))
    return tuple(found)


def _check_known(fields: Fields, name: str, known: Collection[str], expected: str) -> None:
    value = fields.get(name)
    if not isinstance(value, str) or value not in known:
        fields.refuse(f"{fields.label(name)} must be {expected}, not {shown(value)}", name)


def _incident(fields: Fields, start_us: int) -> ExpectedIncident:
    stated: dict[str, Stated] = {"closed": None}
    dated = False
    for name in ("opened", *fields.names):
        if name in TIMES and not (name == "closed" and fields.get(name) is None):
            stated[name], is_dated = read_moment(fields, name, start_us)
            dated = dated or is_dated
        else:
            stated[name] = _value(fields, name)
    return ExpectedIncident({name: stated[name] for name in _FIELDS if name in stated}, dated)


def _value(fields: Fields, name: str) -> Stated:
    value: Stated = fields.get(name)
    if name == "closed" or (value is None and name in ("worst", "reason")):
        return None
    if name == "worst":
        return fields.number(name)
    if name == "readings":
        return fields.whole(name, 0)
    if name in ("stale", "flapping"):
        wrong, expected = not isinstance(value, bool), "true or false"
    elif name == "severity":
        wrong, expected = value not in get_args(Severity), f"one of {', '.join(get_args(Severity))}"
    else:
        wrong, expected = not isinstance(value, str), "text"
    if wrong:
        fields.refuse(f"{fields.label(name)} must be {expected}, not {shown(value)}", name)
    return value
