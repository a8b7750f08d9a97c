"""Hash the meaning of rules: as ever for what version 1 can say, and without defaults for the rest."""

import pickle
from dataclasses import replace

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.conditions import Combination, Part, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.incident_policy import Flapping, IncidentPolicy
from telemetry.rules.parse import load_rules, parse_rules
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.rules_bytes import decode_rules, encode_rules
from telemetry.rules.version import rule_version
from tests.support.rules import threshold_rule
from tests.support.sources import ROOT

HOT = threshold_rule("hot", "temp", "above", 30.0)
CLEAR = Threshold(Bounds("above", 30.0, None, 29.0))


@pytest.mark.parametrize(
    ("rules", "version"),
    [
        ("- {id: temp-high, metric: temp, above: 30.0, severity: critical}", "412918c19318"),
        (
            "- {id: a, metric: temp, above: 30}\n"
            "- {id: b.1, metric: co, below: -1.5e-3, severity: info}\n"
            "- {id: c_2, metric: humidity, outside: [20, 80.5], severity: critical, devices: ['b8:*', x]}\n"
            "- {id: 4-d, metric: lpg, inside: [0, 0]}",
            "9057c8f033a4",
        ),
        ("- {id: e, metric: température, below: -0.0, devices: [\"a'b\", 'é']}", "ce39ad9735f7"),
    ],
)
def test_versions_that_are_stored_with_anomalies_stay(rules: str, version: str) -> None:
    assert parse_rules(f"version: 1\nrules:\n{rules}\n").version == version


def test_the_default_rules_keep_their_version() -> None:
    assert load_rules(None).version == "412918c19318"


def test_versions_of_other_rules_stay_as_well() -> None:
    rules = [
        replace(HOT, condition=CLEAR, for_us=1, keep_us=2, max_gap_us=3, except_=("x",)),
        Rule("rate", "temp", Rate(Bounds("below", -2.0), 60, 300)),
        Rule("stuck", "temp", Stuck(60, 0.5)),
        Rule("silent", "", Silence(intervals=10.0, grace_us=5)),
        Rule("p95", "temp", WindowStatistic("quantile", 60, Bounds("outside", 1.0, 2.0), 0.95, 10)),
        Rule("both", "", Combination("all", (Part("temp", Bounds("above", 1.0)), Part("co", Bounds("below", 2.0))), 7)),
    ]
    policy = IncidentPolicy(1, 2, Flapping(3, 4, 5))
    assert RuleSet(rules, policy, Roster(("a", "b"))).version == "ccde5b401ee2"
    assert [rule_version(rule) for rule in rules] == [
        "3aa2b843ef1e",
        "a942a15f56d1",
        "57108b1b7512",
        "9ba717169013",
        "51f4f6771fc9",
        "c5f4c6c612d1",
    ]


CHANGES = [
    replace(HOT, id="other"),
    replace(HOT, metric="co"),
    replace(HOT, severity="info"),
    replace(HOT, devices=("a",)),
    replace(HOT, except_=("a",)),
    replace(HOT, for_us=1),
    replace(HOT, keep_us=1),
    replace(HOT, max_gap_us=0),
    replace(HOT, overrides={"a": Bounds("above", 31.0)}),
    replace(HOT, overrides={"b": Bounds("above", 31.0)}),
    replace(HOT, overrides={"a": Bounds("above", 32.0)}),
    replace(HOT, condition=CLEAR),
    replace(HOT, condition=Rate(Bounds("above", 30.0), 1)),
    replace(HOT, condition=Rate(Bounds("above", 30.0), 1, 1)),
    replace(HOT, condition=Stuck(1)),
    replace(HOT, condition=Silence(1)),
    replace(HOT, condition=Silence(1, grace_us=1)),
    replace(HOT, condition=WindowStatistic("mean", 1, Bounds("above", 30.0))),
]


def test_each_change_of_a_rule_is_another_version() -> None:
    assert len({RuleSet([rule]).version for rule in [HOT, *CHANGES]}) == len(CHANGES) + 1
    assert len({rule_version(rule) for rule in [HOT, *CHANGES]}) == len(CHANGES) + 1


def test_each_change_beside_the_rules_is_another_version() -> None:
    sets = [
        RuleSet([HOT]),
        RuleSet([HOT], IncidentPolicy(reopen_us=1)),
        RuleSet([HOT], IncidentPolicy(update_every_us=1)),
        RuleSet([HOT], IncidentPolicy(flapping=Flapping(2, 1, 1))),
        RuleSet([HOT], roster=Roster(("a",))),
        RuleSet([HOT], roster=Roster(("b",))),
    ]
    assert len({rules.version for rules in sets}) == len(sets)


def test_the_place_in_the_file_makes_no_difference() -> None:
    for rule in [HOT, *CHANGES]:
        moved = replace(rule, line=7)
        assert moved == rule
        assert rule_version(moved) == rule_version(rule)
        assert RuleSet([moved]).version == RuleSet([rule]).version


def test_the_order_of_overrides_makes_no_difference() -> None:
    one, other = Bounds("above", 1.0), Bounds("above", 2.0)
    forth, back = replace(HOT, overrides={"a": one, "b": other}), replace(HOT, overrides={"b": other, "a": one})
    assert rule_version(forth) == rule_version(back)


def test_the_order_of_rules_does() -> None:
    other = replace(HOT, id="other")
    assert RuleSet([HOT, other]).version != RuleSet([other, HOT]).version


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("{id: r, silence: {intervals: 6}}", "{id: r, silence: {intervals: 6.0, grace: 1h}, severity: warning}"),
        ("{id: r, metric: m, stuck: {for: 1m}}", "{id: r, metric: m, stuck: {for: 60s, within: 0}, devices: ['*']}"),
        (
            "{id: r, metric: m, window: {statistic: max, length: 1m}, above: 3}",
            "{id: r, metric: m, window: {statistic: max, length: 1m}, above: 3.0, min_readings: 1}",
        ),
    ],
)
def test_a_default_that_is_written_out_makes_no_difference(short: str, long: str) -> None:
    said, written = (parse_rules(f"version: 2\nrules:\n- {rule}\n") for rule in (short, long))
    assert said.version == written.version
    assert rule_version(said.rules[0]) == rule_version(written.rules[0])


def test_rules_that_have_travelled_keep_their_version() -> None:
    rules = parse_rules((ROOT / "demo" / "rules.yaml").read_text())
    for again in (pickle.loads(pickle.dumps(rules)), decode_rules(encode_rules(pickle.loads(pickle.dumps(rules))))):
        assert RuleSet(again.rules, again.incidents, again.roster).version == rules.version
        assert list(map(rule_version, again.rules)) == list(map(rule_version, rules.rules))
