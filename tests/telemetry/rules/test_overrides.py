"""Give devices bounds of their own, and name line and rule of each row that does not fit."""

import pytest

from telemetry.rules.bounds import Bounds
from telemetry.rules.errors import RuleError
from telemetry.rules.overrides import with_overrides
from telemetry.rules.parse import parse_rules
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet

RULES = parse_rules("""
version: 2
rules:
- {id: hot, metric: temp, above: 30, clear: 29.7, devices: ["a*"], except: [ax]}
- {id: band, metric: temp, outside: [10, 35], clear: [12, 34]}
- {id: inner, metric: temp, inside: [10, 20], clear: [9, 21]}
- {id: cold, metric: temp, below: 5}
- {id: rate, metric: temp, rate: {above: 2, per: 1m}}
- {id: mean, metric: temp, window: {statistic: mean, length: 1m}, above: 28}
- {id: stuck, metric: temp, stuck: {for: 1m}}
- {id: both, all: [{metric: temp, above: 1}]}
""").rules


def overridden(*rows: str, header: str = "device,rule,bound,upper") -> dict[str, Rule]:
    return {rule.id: rule for rule in with_overrides(RULES, "\n".join([header, *rows, ""]), "own.csv")}


def refusal(*rows: str, header: str = "device,rule,bound,upper") -> str:
    with pytest.raises(RuleError) as error:
        overridden(*rows, header=header)
    return str(error.value)


def test_each_rule_with_a_bound_takes_bounds_of_its_own() -> None:
    rows = ["a1,hot,31,", "z,band,5,40", "z,inner,1,2", "z,cold,-1.5,", "z,rate,3,", "z,mean,1e2,", "a2,hot,25,"]
    found = overridden(*rows)
    assert found["hot"].overrides == {
        "a1": Bounds("above", 31.0, None, 30.7),
        "a2": Bounds("above", 25.0, None, 24.7),
    }
    assert found["band"].overrides == {"z": Bounds("outside", 5.0, 40.0, 7.0, 39.0)}
    assert found["inner"].overrides == {"z": Bounds("inside", 1.0, 2.0, 0.0, 3.0)}
    assert found["cold"].overrides == {"z": Bounds("below", -1.5)}
    assert found["rate"].overrides == {"z": Bounds("above", 3.0)}
    assert found["mean"].overrides == {"z": Bounds("above", 100.0)}
    assert found["stuck"].overrides == {}


def test_columns_come_in_any_order_and_upper_is_optional() -> None:
    found = overridden("31,a1,hot", "", "7,b,cold", header="bound,device,rule")
    assert found["hot"].overrides == {"a1": Bounds("above", 31.0, None, 30.7)}
    assert found["cold"].overrides == {"b": Bounds("below", 7.0)}


def test_names_are_quoted_as_in_any_csv_file() -> None:
    assert list(overridden('"b, ""c""",cold,1,')["cold"].overrides) == ['b, "c"']


def test_a_row_that_repeats_the_rule_changes_nothing() -> None:
    found = overridden("a1,hot,30,", "z,band,10,35.0")
    assert tuple(found.values()) == RULES
    assert RuleSet(list(found.values())).version == RuleSet(RULES).version


def test_the_version_depends_on_the_table_and_not_on_its_order() -> None:
    def version(*rows: str) -> str:
        return RuleSet(list(overridden(*rows).values())).version

    one, other = "a1,hot,31,", "a2,hot,32,"
    assert version(one, other) == version(other, one)
    assert len({version(), version(one), version(other), version(one, other), version("a1,hot,31.5,")}) == 5


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("b,hto,1,", "rule 'hto': is not in the rules file"),
        ("b,hot,1,", "rule 'hot': does not apply to device 'b'"),
        ("ax,hot,1,", "rule 'hot': does not apply to device 'ax'"),
        ("a,hot,2,", "rule 'hot': device 'a' is there twice"),
        (",cold,1,", "rule 'cold': device is empty"),
        ("a,stuck,1,", "rule 'stuck': has no bound that a device could have for itself"),
        ("a,both,1,", "rule 'both': has no bound that a device could have for itself"),
        ("a,cold,,", "rule 'cold': bound must be a finite number, not ''"),
        ("a,cold,nan,", "rule 'cold': bound must be a finite number, not 'nan'"),
        ("a,cold,inf,", "rule 'cold': bound must be a finite number, not 'inf'"),
        ("a,cold,1e999,", "rule 'cold': bound must be a finite number, not '1e999'"),
        ("a,cold,1_0,", "rule 'cold': bound must be a finite number, not '1_0'"),
        ("a,cold,1,2", "rule 'cold': upper must be empty for below, not '2'"),
        ("a,band,1,", "rule 'band': upper must be a finite number, not ''"),
        ("a,band,3,2", "rule 'band': bound 3 is above upper 2"),
        ("a,band,3,5", "rule 'band': [3, 5] is too narrow for the distance of its clear"),
        ("a,cold", "2 cells, but the header has 4"),
        ("a,cold,1,,", "5 cells, but the header has 4"),
        ('a,"cold"x,1,', "not a CSV file: ',' expected after '\"'"),
    ],
)
def test_a_row_that_does_not_fit_is_named(row: str, problem: str) -> None:
    assert refusal("a,hot,1,", row) == f"own.csv line 3: {problem}"


def test_a_clear_that_would_be_beyond_all_numbers_is_refused() -> None:
    rules = parse_rules("version: 2\nrules: [{id: r, metric: temp, above: 0.0, clear: -1.0e+308}]").rules
    with pytest.raises(RuleError) as error:
        with_overrides(rules, "device,rule,bound\na,r,-1e308\n", "own.csv")
    assert str(error.value) == "own.csv line 2: rule 'r': its clear would not be a finite number"


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "the header has no column device"),
        ("device,rule", "the header has no column bound"),
        ("device;rule;bound", "the header has no column device"),
        ("device,rule,bound,uper", "unknown column 'uper', expected device, rule, bound, upper"),
        ("device,rule,bound,bound", "a column is there twice"),
    ],
)
def test_a_header_that_does_not_fit_is_named(header: str, problem: str) -> None:
    assert refusal(header=header) == f"own.csv line 1: {problem}"
