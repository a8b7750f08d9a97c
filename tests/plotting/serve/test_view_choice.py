"""Check how the parameters of an address are parsed."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from plotting.data.panels import TimeRange
from plotting.serve.view_choice import RECENT_RANGES_S, ViewChoice, read_choice
from telemetry.errors import ConfigError
from tests.support.runs import MINUTE, T0

USUAL = ViewChoice("scatter", "humidity", ("x",), "6h", TimeRange(1, 2), "fr", "dark", 700)


def read(address, default=USUAL) -> Any:
    return read_choice(parse_qs(address, keep_blank_values=True), default)


def test_nothing_said_is_as_usual():
    assert read("") == USUAL
    assert read("", ViewChoice()) == ViewChoice()
    assert ViewChoice() == ViewChoice("trend", "temp", (), "", TimeRange(), "en", "light", 1100)


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ("figure=trend", "figure", "trend"),
        ("metric=temp", "metric", "temp"),
        ("device=b&device=a&device=b&device=", "devices", ("b", "a")),
        ("last=15min", "last", "15min"),
        ("last=", "last", ""),
        ("lang=en", "language", "en"),
        ("theme=light", "theme", "light"),
        ("width=900", "width", 900),
        ("width=1", "width", 480),
        ("width=99999", "width", 2400),
        ("width=", "width", 700),
        ("figure=scatter&figure=trend", "figure", "scatter"),
        ("unknown=1", "figure", "scatter"),
        ("metric=*", "metric", "humidity"),
    ],
)
def test_each_parameter_changes_what_it_names_and_nothing_else(address, field, value):
    found = read(address)
    assert getattr(found, field) == value
    others = {name for name in ViewChoice.__dataclass_fields__ if getattr(found, name) != getattr(USUAL, name)}
    assert others <= {field}


def test_an_overview_is_of_all_metrics_if_none_is_said():
    assert read("figure=overview").metric_or_all is None
    assert read("figure=overview&metric=*").metric_or_all is None
    assert read("figure=overview&metric=temp").metric_or_all == "temp"
    assert read("figure=trend").metric_or_all == "humidity"


def test_times_take_the_place_of_the_last_hours():
    both = read("start=2020-07-12T00:00:00Z&end=2020-07-12T00:01:00Z&last=1h")
    assert (both.span, both.last) == (TimeRange(T0, T0 + MINUTE), "")
    assert read("start=2020-07-12T00:00:00Z").span == TimeRange(T0, None)
    assert read("end=2020-07-12T00:00:00Z").span == TimeRange(None, T0)


@pytest.mark.parametrize("last", RECENT_RANGES_S)
def test_the_last_hours_end_with_the_newest_data(last):
    chosen = read(f"last={last}")
    assert chosen.range_at(T0) == TimeRange(T0 - RECENT_RANGES_S[last] * 1_000_000, None)
    assert chosen.range_at(None) == chosen.span


def test_a_fixed_range_does_not_move():
    assert ViewChoice(span=TimeRange(1, 2)).range_at(T0) == TimeRange(1, 2)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("figure=pie", "figure"),
        ("figure=", "figure"),
        ("lang=de", "lang"),
        ("theme=sepia", "theme"),
        ("last=2h", "last"),
        ("width=wide", "width"),
        ("start=yesterday", "--start"),
        ("end=tomorrow", "--end"),
        ("start=2020-07-12T00:01:00Z&end=2020-07-12T00:00:00Z", "--start"),
        ("&".join(f"device={number}" for number in range(101)), "device"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(address, named):
    with pytest.raises(ConfigError) as caught:
        read(address)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
