"""Give devices bounds of their own, from a table.

The table is a CSV file with the columns ``device``, ``rule``, ``bound`` and, for a range, ``upper``. Each `clear` of
the rule keeps its distance from its bound.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from telemetry.rules.bounds import Bounds
from telemetry.rules.errors import RuleError
from telemetry.rules.fields import shown
from telemetry.rules.rule import Rule
from telemetry.rules.side_files import read_table

COLUMNS: Final = ("device", "rule", "bound", "upper")


def with_overrides(rules: Sequence[Rule], text: str, path: str) -> list[Rule]:
    """Return the rules with the bounds of a table; a row that repeats the bounds of its rule changes nothing.

    Args:
        rules: those of the file.
        text: of the table.
        path: of the table, for messages.

    Raises:
        RuleError: for a row with an unknown rule, a device that its rule does not apply to, or bounds that do not fit.
    """
    known = {rule.id: rule for rule in rules}
    found: dict[str, dict[str, Bounds]] = {rule.id: {} for rule in rules}
    for line, (device, rule_id, bound, upper) in read_table(text, path, COLUMNS[:3], COLUMNS):
        rule = known.get(rule_id)
        if rule is None:
            raise RuleError(f"rule {shown(rule_id)}: is not in the rules file", line, path)
        problem = _misfit(rule, device, found[rule_id])
        if problem:
            raise RuleError(f"rule {rule_id!r}: {problem}", line, path)
        try:
            found[rule_id][device] = _own_bounds(rule, bound, upper)
        except ValueError as error:
            raise RuleError(f"rule {rule_id!r}: {error}", line, path) from error
    return [replace(rule, overrides=_without_repeats(rule, found[rule.id])) for rule in rules]


def _misfit(rule: Rule, device: str, found: dict[str, Bounds]) -> str:
    """Return why a device can have no bounds of its own for a rule; "" if it can."""
    if rule.bounds is None:
        return "has no bound that a device could have for itself"
    if not device:
        return "device is empty"
    if not rule.matches(device):
        return f"does not apply to device {shown(device)}"
    return f"device {shown(device)} is there twice" if device in found else ""


def _own_bounds(rule: Rule, bound: str, upper: str) -> Bounds:
    """Return the bounds of a row; raise a ValueError that says what is wrong with them."""
    low = _number("bound", bound)
    if rule.threshold_upper is None:
        if upper.strip():
            raise ValueError(f"upper must be empty for {rule.comparison}, not {shown(upper)}")
        return _moved(rule, low, None)
    high = _number("upper", upper)
    if low > high:
        raise ValueError(f"bound {low:g} is above upper {high:g}")
    return _moved(rule, low, high)


def _moved(rule: Rule, low: float, high: float | None) -> Bounds:
    assert rule.bounds is not None, "checked before"
    moved = rule.bounds.moved(low, high)
    ends = (moved.clear_at, moved.clear_high_at)
    if not all(math.isfinite(end) for end in ends if end is not None):
        raise ValueError("its clear would not be a finite number")
    if moved.comparison == "outside" and ends[1] is not None and ends[0] > ends[1]:
        raise ValueError(f"[{low:g}, {high:g}] is too narrow for the distance of its clear")
    return moved


def _number(column: str, cell: str) -> float:
    try:
        number = float(cell) if "_" not in cell else math.nan  # float() would take Python's 1_000
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{column} must be a finite number, not {shown(cell)}")
    return number


def _without_repeats(rule: Rule, found: dict[str, Bounds]) -> dict[str, Bounds]:
    return {device: bounds for device, bounds in found.items() if bounds != rule.bounds}
