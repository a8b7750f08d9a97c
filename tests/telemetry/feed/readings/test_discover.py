"""Metrics that are found in payloads."""

from telemetry.feed.parse import parse_feed
from telemetry.feed.readings.discover import discover_metrics
from telemetry.feed.readings.feed_rows import Envelope

ROWS = b"0,1594512000,a,21.5\n1,1594512010,a,22\n"


def test_columns_without_a_name_are_none() -> None:
    feed = parse_feed("version: 1\ntime: {column: ts}")
    unnamed = Envelope(columns=("column 1", "ts", "device", "temp"))
    assert discover_metrics(feed, ROWS, unnamed) == ["temp"]
    assert discover_metrics(feed, ROWS, unnamed._replace(columns=("column 2", "ts", "device", "temp"))) == [
        "column 2", "temp"
    ]  # fmt: skip
