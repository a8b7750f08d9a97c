"""The JSON Schema accepts every file that the parser accepts, and refuses the mistakes that it can describe."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from telemetry.rules.errors import RuleError
from telemetry.rules.json_schema import rules_schema
from telemetry.rules.parse import DEFAULT_RULES, parse_rules

VALIDATOR: Final = Draft202012Validator(rules_schema())
NUMBERS: Final = st.sampled_from([0, 1, 1.5, -2.5, 30, 31])
DURATIONS: Final = st.sampled_from(["0s", "1s", "500ms", "1.5h", " 2m ", "7d"])


def is_valid(document: object) -> bool:
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(document))))


def parses(document: object) -> bool:
    with suppress(RuleError):
        parse_rules(yaml.safe_dump(document, sort_keys=False))
        return True
    return False


def mappings(needed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mappings with all needed fields and any of the optional ones; ``_`` at the end of a name is left out."""
    return st.fixed_dictionaries(needed, optional={name.removesuffix("_"): one for name, one in optional.items()})


def either(*ways: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings made in one of several ways."""
    return st.one_of(*ways)


PAIRS: Final = st.tuples(NUMBERS, NUMBERS).map(sorted)
TEMP: Final = {"metric": st.just("temp")}
GLOBS: Final = st.lists(st.sampled_from(["a", "b*", ""]), min_size=1, max_size=2)
ABOUT: Final = {"severity": st.sampled_from(["info", "critical"]), "devices": GLOBS, "except_": GLOBS}
TIMES: Final = {"for_": DURATIONS, "keep": DURATIONS, "max_gap": DURATIONS}
COMPARED: Final = either(
    *(mappings({**TEMP, name: NUMBERS}, clear=NUMBERS) for name in ("above", "below")),
    *(mappings({**TEMP, name: PAIRS}, clear=PAIRS) for name in ("outside", "inside")),
)
STATISTICS: Final = st.sampled_from(["mean", "median", "p1", "p95", "p99.9", "count"])
WINDOWS: Final = mappings(
    {"window": mappings({"statistic": STATISTICS, "length": DURATIONS})}, min_readings=st.integers(0, 9)
)
RATES: Final = either(
    *(mappings({name: NUMBERS, "per": DURATIONS}, over=DURATIONS, clear=NUMBERS) for name in ("above", "below"))
)
COMBINATIONS: Final = either(
    *(mappings({how: st.lists(COMPARED, max_size=2)}, within=DURATIONS) for how in ("all", "any", "not"))
)
UNUSUAL: Final = mappings(
    {"kind": st.sampled_from(["jump", "level", "drift", "novel"])},
    sensitivity=NUMBERS,
    clear=NUMBERS,
    direction=st.sampled_from(["both", "up", "down"]),
    season=st.just("hour"),
    learn=DURATIONS,
    half_life=DURATIONS,
    window=DURATIONS,
    span=DURATIONS,
)
CONDITIONS: Final = either(
    st.builds(dict.__or__, COMPARED, mappings({}, **TIMES)),
    st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, COMPARED, WINDOWS, mappings({}, **TIMES)),
    mappings({**TEMP, "rate": RATES}, **TIMES),
    mappings({**TEMP, "stuck": mappings({"for": DURATIONS}, within=NUMBERS)}, keep=DURATIONS, max_gap=DURATIONS),
    mappings({**TEMP, "stuck": st.just("learned") | mappings({"learn": DURATIONS})}, max_gap=DURATIONS),
    mappings({**TEMP, "unusual": UNUSUAL}, **TIMES),
    mappings({"unusual": mappings({"kind": st.just("together"), "metrics": st.just(["temp", "co"])}, learn=DURATIONS)}),
    mappings({"silence": mappings({"for": DURATIONS}, grace=DURATIONS)}, **TEMP),
    mappings({"silence": mappings({"intervals": NUMBERS}, grace=DURATIONS)}, **TEMP),
    st.builds(dict.__or__, COMBINATIONS, mappings({}, **TIMES)),
)
RULES: Final = st.builds(lambda condition, about: {"id": "r", **condition, **about}, CONDITIONS, mappings({}, **ABOUT))
FLAPPING: Final = mappings({"opens": st.integers(1, 3), "within": DURATIONS, "calm": DURATIONS})
FILES: Final = st.builds(
    lambda version, rule, beside: {"version": version, "rules": [rule], **beside},
    st.sampled_from([1, 2, 2, 2]),
    RULES,
    mappings(
        {},
        incidents=mappings({}, reopen=DURATIONS, update_every=DURATIONS, flapping=FLAPPING),
        roster=st.lists(st.sampled_from(["a", "b", "c d"]), max_size=3),
    ),
)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(rules_schema())


@given(FILES)
def test_the_schema_accepts_all_that_the_parser_accepts(document: dict[str, Any]) -> None:
    if parses(document):
        event("parses")
        assert is_valid(document), [error.message for error in VALIDATOR.iter_errors(document)]


def test_the_default_rules_are_valid() -> None:
    assert is_valid(yaml.safe_load(Path(DEFAULT_RULES).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "rule",
    [
        "{metric: temp, above: 1}",
        "{id: -a, metric: temp, above: 1}",
        "{id: a, metric: temp}",
        "{id: a, metric: temp, above: 1, below: 2}",
        "{id: a, metric: temp, above: hot}",
        "{id: a, metric: temp, above: [1]}",
        "{id: a, metric: temp, outside: 1}",
        "{id: a, metric: temp, outside: [1, 2, 3]}",
        "{id: a, metric: temp, above: 1, treshold: 2}",
        "{id: a, metric: temp, above: 1, severity: bad}",
        "{id: a, metric: temp, above: 1, devices: []}",
        "{id: a, metric: temp, above: 1, for: 60}",
        "{id: a, metric: temp, above: 1, for: 5 min}",
        "{id: a, metric: temp, rate: {above: 1}}",
        "{id: a, metric: temp, rate: {per: 1m}}",
        "{id: a, metric: temp, stuck: {}}",
        "{id: a, metric: temp, stuck: {for: 1m, within: -1}}",
        "{id: a, metric: temp, stuck: {for: 1m, learn: 1d}}",
        "{id: a, metric: temp, stuck: taught}",
        "{id: a, metric: temp, unusual: {kind: odd}}",
        "{id: a, metric: temp, unusual: {}}",
        "{id: a, metric: temp, unusual: {kind: jump, sensitivity: 0}}",
        "{id: a, metric: temp, unusual: {kind: level, season: week}}",
        "{id: a, unusual: {kind: together, metrics: [a]}}",
        "{id: a, silence: {}}",
        "{id: a, silence: {for: 1m, intervals: 2}}",
        "{id: a, metric: temp, above: 1, window: {statistic: avg, length: 1m}}",
        "{id: a, metric: temp, above: 1, min_readings: 0}",
        "{id: a, all: []}",
        "{id: a, all: [{metric: temp}]}",
    ],
)
def test_mistakes_that_a_schema_can_describe_are_refused_by_both(rule: str) -> None:
    document = {"version": 2, "rules": [yaml.safe_load(rule)]}
    assert (parses(document), is_valid(document)) == (False, False)
