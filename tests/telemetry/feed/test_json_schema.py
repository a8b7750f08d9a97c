"""The JSON Schema accepts every feed that the parser accepts, and refuses the mistakes that it can describe."""

import json
from contextlib import suppress
from typing import Any, Final

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from telemetry.feed.errors import FeedError
from telemetry.feed.json_schema import feed_schema, feed_schema_text
from telemetry.feed.parse import parse_feed

VALIDATOR: Final = Draft202012Validator(feed_schema())
TEXTS: Final = st.sampled_from(["", "a", "a.b", "ts", ";", "%Y-%m-%d", "Europe/Rome", "(x)", "base64", "csv", "1s"])
NUMBERS: Final = st.sampled_from([0, 1, 1.5, -200])
CODES: Final = st.lists(TEXTS | NUMBERS, max_size=2)
ODD: Final = TEXTS | NUMBERS | st.booleans() | st.none() | st.lists(TEXTS, max_size=2)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of some fields, mostly of the right type."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(one, one, one, ODD) for name, one in fields.items()})


CSV: Final = some(
    delimiter=TEXTS, decimal=st.sampled_from([".", ","]), header=st.integers(0, 3), skip=st.integers(0, 2),
    columns=st.lists(TEXTS, max_size=2), comment=TEXTS, multiline=st.booleans(),
)  # fmt: skip
TIME: Final = some(
    column=TEXTS | st.lists(TEXTS, min_size=1, max_size=2), attribute=TEXTS, publish=st.booleans(), zone=TEXTS,
    format=TEXTS | st.lists(TEXTS, max_size=2), unit=st.sampled_from(["s", "excel", None, "x"]),
    day_first=st.booleans() | st.none(), start=st.sampled_from(["", "2020-07-12T00:00:00Z"]), interval=TEXTS,
)  # fmt: skip
DEVICE: Final = some(column=TEXTS, attribute=TEXTS, file=st.booleans(), name=TEXTS, match=TEXTS)
METRIC: Final = some(
    column=TEXTS, unit=TEXTS, missing=CODES, low=NUMBERS | st.none(), scale=NUMBERS, boolean=st.booleans()
)
FEEDS: Final = some(
    format=st.sampled_from(["", "csv", "json", "senml"]), body=TEXTS, encoding=st.sampled_from(["", "latin-1"]),
    csv=CSV, records=TEXTS, time=TIME, device=DEVICE, missing=CODES, strict=st.booleans(),
    metrics=st.dictionaries(TEXTS, METRIC | st.none(), max_size=2),
    long=st.none() | st.fixed_dictionaries({"name": TEXTS, "value": TEXTS}, optional={"match": TEXTS}),
    options=st.dictionaries(TEXTS, TEXTS, max_size=1),
)  # fmt: skip


def is_valid(document: object) -> bool:
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(document))))


def parses(document: object) -> bool:
    with suppress(FeedError):
        parse_feed(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        return True
    return False


@settings(deadline=None, max_examples=120)
@given(FEEDS)
def test_the_schema_accepts_what_the_parser_accepts(fields: dict[str, Any]) -> None:
    document = {"version": 1, **fields}
    if parses(document):
        event("parses")
        assert is_valid(document)


@pytest.mark.parametrize(
    "mistake",
    [
        {},
        {"version": 2},
        {"version": 1, "tim": {}},
        {"version": 1, "time": {"colum": "x"}},
        {"version": 1, "time": {"interval": "5"}},
        {"version": 1, "time": {"unit": "fortnights"}},
        {"version": 1, "csv": {"delimiter": ";;"}},
        {"version": 1, "csv": {"decimal": "x"}},
        {"version": 1, "csv": {"header": -1}},
        {"version": 1, "long": {"name": "x"}},
        {"version": 1, "metrics": {"temp": {"low": "x"}}},
        {"version": 1, "missing": -200},
    ],
    ids=str,
)
def test_the_schema_refuses(mistake: dict[str, Any]) -> None:
    assert not is_valid(mistake)
    assert not parses(mistake)


def test_the_schema_describes_each_field() -> None:
    for part in feed_schema()["$defs"].values():
        assert all("description" in field for field in part["properties"].values())
    assert feed_schema_text().startswith('{\n  "$schema": ')
