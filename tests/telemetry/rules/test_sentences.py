"""Say in one sentence what each kind of rule does."""

import pytest

from telemetry.rules.parse import parse_rules
from telemetry.rules.sentences import describe_rules

RULES = [
    (
        "{id: a, metric: temp, above: 30.0, clear: 29.0, for: 2m, keep: 5m}",
        "opens when temp is above 30 for 2m, closes when it is at or below 29 for 5m; all devices.",
    ),
    (
        "{id: a, metric: temp, below: -1.25, max_gap: 1m}",
        "opens when temp is below -1.25, closes when it is at or above -1.25; a gap of more than 1m begins a "
        "breach anew; all devices.",
    ),
    (
        "{id: a, metric: temp, outside: [10, 35], clear: [11, 34], devices: [a]}",
        "opens when temp is below 10 or above 35, closes when it is from 11 to 34; devices a.",
    ),
    (
        "{id: a, metric: temp, inside: [10, 35], devices: [a, 'b*', c], except: [b1, b2]}",
        "opens when temp is from 10 to 35, closes when it is below 10 or above 35; devices a, b* and c "
        "except b1 and b2.",
    ),
    (
        "{id: a, metric: temp, rate: {above: 2.0, clear: 1, per: 1m, over: 5m}, for: 1h}",
        "opens when the rate of temp (per 1m, over 5m) is above 2 for 1h, closes when it is at or below 1; "
        "all devices.",
    ),
    (
        "{id: a, metric: temp, rate: {below: -2, per: 1m}}",
        "opens when the rate of temp (per 1m, between two readings) is below -2, closes when it is at or "
        "above -2; all devices.",
    ),
    (
        "{id: a, metric: temp, stuck: {for: 10m}}",
        "opens when temp has not changed for 10m, closes when it moves; all devices.",
    ),
    (
        "{id: a, metric: temp, stuck: {for: 10m, within: 0.5}}",
        "opens when temp has not moved by more than 0.5 for 10m, closes when it moves; all devices.",
    ),
    (
        "{id: a, silence: {for: 5m, grace: 2h}}",
        "opens when a device has sent nothing for 5m (a device of the roster that never has: 2h after the "
        "start), closes at the next reading; all devices.",
    ),
    (
        "{id: a, metric: temp, silence: {intervals: 10}}",
        "opens when a device has sent no temp for 10 of its usual intervals (a device of the roster that "
        "never has: 1h after the start), closes at the next reading; all devices.",
    ),
    (
        "{id: a, metric: temp, window: {statistic: mean, length: 5m}, above: 28.0, min_readings: 10, for: 10m}",
        "opens when the mean of temp in windows of 5m with at least 10 values is above 28 for 10m, closes "
        "when it is at or below 28; all devices.",
    ),
    (
        "{id: a, all: [{metric: temp, above: 30, clear: 29}, {metric: co, below: 80}], within: 1m, for: 2m}",
        "opens when temp is above 30 and co is below 80 within 1m, for 2m, closes when temp is at or below "
        "29 or co is at or above 80; all devices.",
    ),
    (
        "{id: a, any: [{metric: temp, above: 30}, {metric: co, below: 80}, {metric: lpg, inside: [0, 1]}]}",
        "opens when temp is above 30, co is below 80 or lpg is from 0 to 1 in the same reading, closes when "
        "temp is at or below 30, co is at or above 80 and lpg is below 0 or above 1; all devices.",
    ),
    (
        "{id: a, not: [{metric: temp, above: 30}, {metric: co, below: 80}]}",
        "opens when all of these hold in the same reading: temp is at or below 30 and co is at or above 80, "
        "closes when temp is above 30 or co is below 80; all devices.",
    ),
]


def sentences(text: str) -> list[str]:
    return describe_rules(parse_rules(f"version: 2\n{text}"))


@pytest.mark.parametrize(("rule", "sentence"), RULES, ids=[rule[:60] for rule, _ in RULES])
def test_a_rule_is_one_sentence(rule: str, sentence: str) -> None:
    assert sentences(f"rules:\n- {rule}\n") == [f"a (warning): {sentence}", "incidents are updated at most every 5m."]


def test_id_and_severity_come_first() -> None:
    (sentence, _) = sentences("rules:\n- {id: temp-high, metric: temp, above: 1, severity: critical}\n")
    assert sentence.startswith("temp-high (critical): opens when temp is above 1, ")


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        ("min", "the smallest value"),
        ("max", "the largest value"),
        ("stddev", "the standard deviation"),
        ("count", "the number of values"),
        ("first", "the first value"),
        ("last", "the last value"),
        ("range", "the range"),
        ("median", "the median"),
        ("p1", "the 1st percentile"),
        ("p2", "the 2nd percentile"),
        ("p3", "the 3rd percentile"),
        ("p11", "the 11th percentile"),
        ("p22", "the 22nd percentile"),
        ("p90", "the 90th percentile"),
        ("p95.5", "the 95.5th percentile"),
        ("p99.9", "the 99.9th percentile"),
    ],
)
def test_each_statistic_has_words(statistic: str, words: str) -> None:
    rule = f"{{id: a, metric: temp, window: {{statistic: {statistic}, length: 1m}}, above: 1}}"
    opening = f"a (warning): opens when {words} of temp in windows of 1m is above 1, "
    assert sentences(f"rules:\n- {rule}\n")[0] == f"{opening}closes when it is at or below 1; all devices."


def test_incidents_and_roster_are_sentences_of_their_own() -> None:
    text = (
        "incidents: {reopen: 10m, update_every: 1m, flapping: {opens: 3, within: 1h, calm: 2h}}\n"
        "roster: [b, a]\nrules:\n- {id: a, metric: temp, above: 1}\n"
    )
    assert sentences(text)[1:] == [
        "incidents are updated at most every 1m, continue when they open again within 10m and flap from the 3rd "
        "opening within 1h, until 2h are calm.",
        "roster: expects a and b.",
    ]
    assert sentences(text.replace("[b, a]", "[a, b, c, d, e, f]"))[2] == "roster: expects 6 devices."
