"""Flags that say how foreign telemetry is read."""

import argparse

import pytest

from telemetry.errors import ConfigError
from telemetry.feed.feed import Feed
from telemetry.feed.flags import add_feed_flags, read_feed
from telemetry.feed.parse import parse_feed


def feed_of(*flags: str) -> Feed:
    parser = argparse.ArgumentParser()
    add_feed_flags(parser)
    return read_feed(parser.parse_args(flags))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("at", ("at",)),
        ("Date,Time", ("Date", "Time")),
        ("Date, Time", ("Date", "Time")),
        ('"Date Time, GMT+02:00"', ("Date Time, GMT+02:00",)),
        ('"Day, local",Time', ("Day, local", "Time")),
    ],
)
def test_columns_of_the_time_may_hold_commas(text: str, columns: tuple[str, ...]) -> None:
    assert feed_of("--time-column", text).time.columns == columns


def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match='--time-column a,"b: no list of names: unexpected end of data'):
        feed_of("--time-column", 'a,"b')


@pytest.mark.parametrize(("name", "delimiter"), [("tab", "\t"), ("\\t", "\t"), ("space", " "), (";", ";")])
def test_delimiters_have_names(name: str, delimiter: str) -> None:
    assert feed_of("--delimiter", name).csv.delimiter == delimiter
    assert parse_feed(f"version: 1\ncsv: {{delimiter: '{name}'}}").csv.delimiter == delimiter
