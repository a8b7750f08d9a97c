"""The conditions that learn: what is written, and what is not."""

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import parse_rules
from telemetry.rules.rule import Rule
from telemetry.rules.sentences import describe_rule
from telemetry.rules.unusual import Unusual

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KINDS = "jump, level, drift, novel, together"


def rule_of(fields: str) -> Rule:
    (rule,) = parse_rules(f"version: 2\nrules:\n- {{id: r, {fields}}}\n").rules
    return rule


@pytest.mark.parametrize(
    ("unusual", "condition", "keep"),
    [
        ("{kind: jump}", Unusual("jump", 8.0, 4.0, 10 * MINUTE, 6 * HOUR), 5 * MINUTE),
        ("{kind: jump, sensitivity: 12}", Unusual("jump", 12.0, 6.0, 10 * MINUTE, 6 * HOUR), 5 * MINUTE),
        (
            "{kind: level, direction: up, season: hour, clear: 2}",
            Unusual("level", 8.0, 2.0, DAY, DAY, "up", "hour"),
            10 * MINUTE,
        ),
        ("{kind: drift, half_life: 1h, learn: 6h}", Unusual("drift", 10.0, 5.0, 6 * HOUR, HOUR), 10 * MINUTE),
        ("{kind: novel}", Unusual("novel", 4.0, 4.0, DAY, 14 * DAY, span_us=HOUR), 150 * MINUTE),
        (
            "{kind: novel, window: 5m, span: 0s}",
            Unusual("novel", 4.0, 4.0, DAY, 14 * DAY, window_us=5 * MINUTE),
            150 * MINUTE,
        ),
    ],
)
def test_a_kind_of_one_metric(unusual: str, condition: Unusual, keep: int) -> None:
    assert rule_of(f"metric: temp, unusual: {unusual}") == Rule("r", "temp", condition, keep_us=keep)
    assert rule_of(f"metric: temp, unusual: {unusual}, keep: 1h").keep_us == HOUR


def test_several_metrics_together() -> None:
    found = rule_of("unusual: {kind: together, metrics: [temp, co]}")
    assert found.condition == Unusual("together", 6.0, 3.0, DAY, DAY, metrics=("temp", "co"))
    assert (found.metric, found.metrics) == ("", ("temp", "co"))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("metric: temp, unusual: jump", "unusual must be a mapping such as {kind: jump}, not 'jump'"),
        ("metric: temp, unusual: {}", f"unusual.kind must be one of {KINDS}, not None"),
        ("metric: temp, unusual: {kind: jmp}", f"unusual.kind must be one of {KINDS}, not 'jmp'"),
        (
            "metric: temp, unusual: {kind: jump, sens: 1}",
            "unknown field 'sens' in unusual, did you mean unusual.season?",
        ),
        ("metric: temp, unusual: {kind: jump, sensitivity: 0}", "unusual.sensitivity must be above 0, not 0"),
        ("metric: temp, unusual: {kind: jump, clear: 9}", "unusual.clear must be at or below 8, not 9"),
        ("metric: temp, unusual: {kind: jump, clear: -1}", "unusual.clear must be at least 0, not -1"),
        ("metric: temp, unusual: {kind: jump, season: hour}", "unusual.season is for level, not for jump"),
        ("metric: temp, unusual: {kind: level, season: week}", "unusual.season must be one of hour, not 'week'"),
        (
            "metric: temp, unusual: {kind: novel, direction: up}",
            "unusual.direction is for jump, level and drift, not for novel",
        ),
        (
            "metric: temp, unusual: {kind: jump, direction: left}",
            "unusual.direction must be one of both, up, down, not 'left'",
        ),
        ("metric: temp, unusual: {kind: level, window: 5m}", "unusual.window is for novel, not for level"),
        ("metric: temp, unusual: {kind: jump, half_life: 0s}", "unusual.half_life must be at least 1s, not '0s'"),
        ("metric: temp, unusual: {kind: together, metrics: [a, b]}", "metric belongs into unusual.metrics"),
        ("unusual: {kind: together}", "unusual.metrics must be a list of two metrics or more, not None"),
        ("unusual: {kind: together, metrics: [a]}", "unusual.metrics must be a list of two metrics or more, not ['a']"),
        (
            "unusual: {kind: together, metrics: [a, a]}",
            "unusual.metrics must be a list of two metrics or more, not ['a', 'a']",
        ),
        ("unusual: {kind: jump}", "metric must be the name of a metric, not None"),
        ("metric: temp, unusual: {kind: jump}, clear: 1", "clear belongs into unusual"),
        ("metric: temp, unusual: {kind: jump}, within: 1m", "within needs all, any or not"),
    ],
)
def test_a_problem_names_line_rule_and_field(fields: str, problem: str) -> None:
    with pytest.raises(RuleError) as raised:
        rule_of(fields)
    assert str(raised.value) == f"line 3: rule 'r': {problem}"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            "metric: temp, unusual: {kind: jump}",
            "r (warning): opens when temp jumps by more than 8 times its usual change (learned for 10m, half-life 6h), "
            "closes when its score is at or below 4 for 5m; all devices.",
        ),
        (
            "metric: temp, unusual: {kind: level, season: hour, direction: up}, for: 2m",
            "r (warning): opens when temp is more than 8 times its usual spread above its usual value at this hour "
            "(learned for 1d, half-life 1d) for 2m, closes when its score is at or below 4 for 10m; all devices.",
        ),
        (
            "metric: temp, unusual: {kind: drift, direction: down}",
            "r (warning): opens when temp drifts down by more than 10 times its usual drift (learned for 6h, half-life "
            "30m), closes when its score is at or below 5 for 10m; all devices.",
        ),
        (
            "metric: temp, unusual: {kind: novel, window: 5m}",
            "r (warning): opens when the mean of temp in windows of 5m is rarer than one value in 10,000, or its mean "
            "over 1h is rarer than ever (learned for 1d, half-life 14d), closes when its score is at or below 4 for "
            "150m; all devices.",
        ),
        (
            "unusual: {kind: together, metrics: [temp, humidity, co]}",
            "r (warning): opens when temp, humidity and co are together more than 6 times as far from usual as they "
            "usually are (learned for 1d, half-life 1d), closes when its score is at or below 3 for 10m; all devices.",
        ),
        (
            "metric: temp, stuck: learned",
            "r (warning): opens when temp repeats its value longer than it ever does (learned for 1d), closes when it "
            "moves; all devices.",
        ),
    ],
)
def test_the_sentence_about_a_rule(fields: str, sentence: str) -> None:
    assert describe_rule(rule_of(fields)) == sentence
