"""Read the condition of a rule from its fields."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeVar, get_args

from telemetry.rules.bounds import Bounds, Comparison
from telemetry.rules.conditions import (
    HOUR_US,
    Combination,
    Condition,
    Junction,
    Part,
    Rate,
    Silence,
    Statistic,
    Stuck,
    Threshold,
    WindowStatistic,
)
from telemetry.rules.fields import Fields, shown
from telemetry.rules.file_format import PartFields, RateFields, SilenceFields, StuckFields, WindowFields, field_names
from telemetry.rules.parse_unusual import learned_stuck, parse_unusual
from telemetry.rules.unusual import LearnedStuck

COMPARISONS: Final[tuple[Comparison, ...]] = get_args(Comparison)
CONDITIONS: Final = (*COMPARISONS, "rate", "stuck", "unusual", "silence", "all", "any", "not")
"""Fields of which a rule has exactly one."""
JUNCTIONS: Final[tuple[Junction, ...]] = get_args(Junction)
_NameT = TypeVar("_NameT", bound=str)
_QUANTILE: Final = re.compile(r"p([1-9]\d?(?:\.\d+)?)", re.ASCII)
_PLAIN: Final = tuple(name for name in get_args(Statistic) if name != "quantile")


def parse_condition(fields: Fields, kinds: Sequence[str]) -> Condition:
    """Return the condition of a rule.

    Args:
        fields: those of the rule, all known.
        kinds: names of which exactly one must be written.

    Raises:
        RuleError: if it is not complete, or contradicts itself.
    """
    kind = _only(fields, kinds)
    _check_companions(fields, kind)
    if "window" in fields:
        return _window(fields)
    if kind in COMPARISONS:
        return Threshold(_bounds(fields, _only(fields, COMPARISONS)))
    if kind == "rate":
        return _rate(fields.mapping("rate", "{above: 2.0, per: 1m}"))
    if kind == "stuck":
        return _stuck(fields)
    if kind == "unusual":
        return parse_unusual(fields.mapping("unusual", "{kind: jump}"))
    if kind == "silence":
        return _silence(fields.mapping("silence", "{for: 5m}"))
    return _combination(fields, _only(fields, JUNCTIONS))


def _check_companions(fields: Fields, kind: str) -> None:
    """Refuse fields that mean nothing beside the condition, or stand in the wrong place."""
    compares = kind in COMPARISONS
    if "window" in fields and not compares:
        fields.refuse(f"window needs one of {', '.join(COMPARISONS)}, not {kind}", "window")
    if "min_readings" in fields and "window" not in fields:
        fields.refuse("min_readings needs a window", "min_readings")
    if "clear" in fields and not compares:
        places = {
            "rate": "belongs into rate, beside its bound",
            "unusual": "belongs into unusual",
            "all": "",
            "any": "",
            "not": "",
        }
        where = places.get(kind, "needs a bound") or f"belongs into the parts of {kind}, beside their bounds"
        fields.refuse(f"clear {where}", "clear")


def _only(fields: Fields, names: Sequence[_NameT]) -> _NameT:
    given = [name for name in names if name in fields]
    if len(given) != 1:
        listed = ", ".join(fields.label(name) for name in names)
        fields.refuse(f"exactly one of {listed} is needed, got {len(given)}", given[-1] if given else "")
    return given[0]


def _bounds(fields: Fields, comparison: Comparison) -> Bounds:
    """Return the bounds of a comparison that is written, with its `clear`; a `clear` at the bound itself is none."""
    if comparison in ("above", "below"):
        return _one_bound(fields, comparison)
    low, high = fields.pair(comparison)
    if "clear" not in fields:
        return Bounds(comparison, low, high)
    clear_low, clear_high = fields.pair("clear")
    given = f"[{clear_low:g}, {clear_high:g}]"
    if comparison == "outside" and not low <= clear_low <= clear_high <= high:
        fields.refuse(f"{fields.label('clear')} {given} must lie within [{low:g}, {high:g}]", "clear")
    if comparison == "inside" and not clear_low <= low <= high <= clear_high:
        fields.refuse(f"{fields.label('clear')} {given} must enclose [{low:g}, {high:g}]", "clear")
    return Bounds(
        comparison, low, high, None if clear_low == low else clear_low, None if clear_high == high else clear_high
    )


def _one_bound(fields: Fields, comparison: Comparison) -> Bounds:
    bound = fields.number(comparison)
    if "clear" not in fields:
        return Bounds(comparison, bound)
    clear = fields.number("clear")
    if clear > bound if comparison == "above" else clear < bound:
        side = "at or below" if comparison == "above" else "at or above"
        fields.refuse(f"{fields.label('clear')} must be {side} {bound:g}, not {clear:g}", "clear")
    return Bounds(comparison, bound, None, None if clear == bound else clear)


def _rate(fields: Fields) -> Rate:
    fields.expect(field_names(RateFields))
    bounds = _bounds(fields, _only(fields, ("above", "below")))
    return Rate(bounds, fields.duration("per", 1), fields.duration("over", 1) if "over" in fields else None)


def _stuck(rule: Fields) -> Stuck | LearnedStuck:
    if rule.get("stuck") == "learned":
        return learned_stuck()
    fields = rule.mapping("stuck", "{for: 10m}, or the word learned")
    fields.expect(field_names(StuckFields))
    if _only(fields, ("for", "learn")) == "learn":
        if "within" in fields:
            fields.refuse(f"{fields.label('within')} needs for: learned runs are of equal values", "within")
        return learned_stuck(fields.duration("learn"))
    return Stuck(fields.duration("for", 1), fields.number("within", 0.0) if "within" in fields else 0.0)


def _silence(fields: Fields) -> Silence:
    fields.expect(field_names(SilenceFields))
    kind = _only(fields, ("for", "intervals"))
    grace_us = fields.optional_duration("grace", HOUR_US)
    if kind == "for":
        return Silence(fields.duration("for", 1), None, grace_us)
    return Silence(None, fields.number("intervals", 1.0), grace_us)


def _window(fields: Fields) -> WindowStatistic:
    window = fields.mapping("window", "{statistic: mean, length: 5m}")
    window.expect(field_names(WindowFields))
    statistic, quantile = _statistic(window)
    length_us = window.duration("length", 1)
    bounds = _bounds(fields, _only(fields, COMPARISONS))
    return WindowStatistic(statistic, length_us, bounds, quantile, fields.whole("min_readings", 1, 1))


def _statistic(window: Fields) -> tuple[Statistic, float | None]:
    name = window.get("statistic")
    if name in _PLAIN:
        return name, None
    if name == "median":
        return "quantile", 0.5
    found = _QUANTILE.fullmatch(name) if isinstance(name, str) else None
    if found is None or Decimal(found[1]) > Decimal("99.9"):
        known = ", ".join((*_PLAIN, "median"))
        window.refuse(f"window.statistic must be one of {known} or p1 to p99.9, not {shown(name)}", "statistic")
    return "quantile", float(Decimal(found[1]) / 100)


def _combination(fields: Fields, how: Junction) -> Combination:
    parts = []
    for part in fields.mappings(how, "{metric: temp, above: 30}"):
        part.expect(field_names(PartFields))
        parts.append(Part(metric_name(part), _bounds(part, _only(part, COMPARISONS))))
    return Combination(how, tuple(parts), fields.optional_duration("within", 0))


def metric_name(fields: Fields) -> str:
    """Return the metric that must be written."""
    metric = fields.get("metric")
    if not isinstance(metric, str) or not metric:
        fields.refuse(f"{fields.label('metric')} must be the name of a metric, not {shown(metric)}", "metric")
    return metric
