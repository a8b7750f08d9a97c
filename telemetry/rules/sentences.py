"""Say in plain English what rules do."""

from collections.abc import Sequence
from decimal import Decimal

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.rules.unusual_sentences import learned_stuck_opening, unusual_opening
from telemetry.text.durations import format_duration

_STATISTICS = {
    "mean": "the mean",
    "min": "the smallest value",
    "max": "the largest value",
    "stddev": "the standard deviation",
    "count": "the number of values",
    "first": "the first value",
    "last": "the last value",
    "range": "the range",
}
_MOST_NAMES = 5


def describe_rules(rules: RuleSet) -> list[str]:
    """Return a sentence for each rule in the order of the file, one about incidents, and one about a roster."""
    about = [describe_rule(rule) for rule in rules.rules]
    about.append(describe_incidents(rules.incidents))
    return about if rules.roster is None else [*about, describe_roster(rules.roster)]


def describe_rule(rule: Rule) -> str:
    """Return one sentence about a rule: when its incidents open, when they close, and for which devices."""
    opens, closes = _opening(rule), _closing(rule)
    parts = [f"{rule.id} ({rule.severity}): opens when {opens}, closes {closes}"]
    if rule.max_gap_us is not None:
        parts.append(f"a gap of more than {format_duration(rule.max_gap_us)} begins a breach anew")
    parts.append(_devices(rule))
    return "; ".join(parts) + "."


def describe_incidents(policy: IncidentPolicy) -> str:
    """Return one sentence about the incidents of all rules."""
    parts = [f"are updated at most every {format_duration(policy.update_every_us)}"]
    if policy.reopen_us:
        parts.append(f"continue when they open again within {format_duration(policy.reopen_us)}")
    if policy.flapping is not None:
        flapping = policy.flapping
        parts.append(
            f"flap from the {_ordinal(Decimal(flapping.opens))} opening within {format_duration(flapping.within_us)}, "
            f"until {format_duration(flapping.calm_us)} are calm"
        )
    return f"incidents {_listed(parts, 'and')}."


def describe_roster(roster: Roster) -> str:
    """Return one sentence about the expected devices."""
    return f"roster: expects {_counted(roster.devices, 'device')}."


def _opening(rule: Rule) -> str:
    condition, after = rule.condition, f" for {format_duration(rule.for_us)}" if rule.for_us else ""
    if isinstance(condition, Stuck):
        moved = f"moved by more than {_number(condition.within)}" if condition.within else "changed"
        return f"{rule.metric} has not {moved} for {format_duration(condition.for_us)}"
    if isinstance(condition, Silence):
        sent = f"no {rule.metric}" if rule.metric else "nothing"
        if condition.intervals is not None:
            limit = f"{_number(condition.intervals)} of its usual intervals"
        else:
            limit = format_duration(condition.for_us or 0)
        never = f"(a device of the roster that never has: {format_duration(condition.grace_us)} after the start)"
        return f"a device has sent {sent} for {limit} {never}"
    if isinstance(condition, Combination):
        return f"{_parts(condition)}{',' if after else ''}{after}"
    if isinstance(condition, Unusual):
        return f"{unusual_opening(condition, rule.metric)}{after}"
    if isinstance(condition, LearnedStuck):
        return learned_stuck_opening(condition, rule.metric)
    return f"{_subject(rule)} is {_breach(condition.bounds)}{after}"


def _closing(rule: Rule) -> str:
    condition, after = rule.condition, f" for {format_duration(rule.keep_us)}" if rule.keep_us else ""
    if isinstance(condition, Stuck | LearnedStuck):
        return "when it moves"
    if isinstance(condition, Silence):
        return "at the next reading"
    if isinstance(condition, Combination):
        return f"when {_parts_clear(condition)}{after}"
    if isinstance(condition, Unusual):
        return f"when its score is at or below {condition.clear:g}{after}"
    return f"when it is {_clear(condition.bounds)}{after}"


def _subject(rule: Rule) -> str:
    condition = rule.condition
    if isinstance(condition, Rate):
        over = f"over {format_duration(condition.over_us)}" if condition.over_us is not None else "between two readings"
        return f"the rate of {rule.metric} (per {format_duration(condition.per_us)}, {over})"
    if isinstance(condition, WindowStatistic):
        name = _STATISTICS.get(condition.statistic) or _quantile(condition.quantile or 0.0)
        fewest = f" with at least {condition.min_readings} values" if condition.min_readings > 1 else ""
        return f"{name} of {rule.metric} in windows of {format_duration(condition.length_us)}{fewest}"
    assert isinstance(condition, Threshold), "every other condition has sentences of its own"
    return rule.metric


def _quantile(share: float) -> str:
    return "the median" if share == 0.5 else f"the {_ordinal(Decimal(repr(share)) * 100)} percentile"


def _parts(condition: Combination) -> str:
    within = f" within {format_duration(condition.within_us)}" if condition.within_us else " in the same reading"
    if condition.how == "not":
        return f"all of these hold{within}: " + _listed(
            [f"{part.metric} is {_clear(part.bounds)}" for part in condition.parts], "and"
        )
    word = "and" if condition.how == "all" else "or"
    return _listed([f"{part.metric} is {_breach(part.bounds)}" for part in condition.parts], word) + within


def _parts_clear(condition: Combination) -> str:
    if condition.how == "not":
        return _listed([f"{part.metric} is {_breach(part.bounds)}" for part in condition.parts], "or")
    word = "or" if condition.how == "all" else "and"
    return _listed([f"{part.metric} is {_clear(part.bounds)}" for part in condition.parts], word)


def _breach(bounds: Bounds) -> str:
    if bounds.high is None:
        return f"{bounds.comparison} {_number(bounds.low)}"
    inner = "below" if bounds.comparison == "outside" else "from"
    outer = "or above" if bounds.comparison == "outside" else "to"
    return f"{inner} {_number(bounds.low)} {outer} {_number(bounds.high)}"


def _clear(bounds: Bounds) -> str:
    low, high = _number(bounds.clear_at), None if bounds.clear_high_at is None else _number(bounds.clear_high_at)
    if bounds.comparison == "above":
        return f"at or below {low}"
    if bounds.comparison == "below":
        return f"at or above {low}"
    return f"from {low} to {high}" if bounds.comparison == "outside" else f"below {low} or above {high}"


def _devices(rule: Rule) -> str:
    named = "all devices" if "*" in rule.devices else f"devices {_listed(rule.devices, 'and')}"
    if rule.except_:
        named += f" except {_listed(rule.except_, 'and')}"
    if rule.overrides:
        bounds = "bounds of its own" if len(rule.overrides) == 1 else "bounds of their own"
        named += f", with {bounds} for {_counted(sorted(rule.overrides), 'device')}"
    return named


def _counted(names: Sequence[str], noun: str) -> str:
    if len(names) <= _MOST_NAMES:
        return _listed(names, "and")
    return f"{len(names):,} {noun}s"


def _listed(parts: Sequence[str], word: str) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def _ordinal(number: Decimal) -> str:
    text = f"{number.normalize():f}"
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return text + ("th" if text in ("11", "12", "13") else ending)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)
