"""Find fields of a feed that contradict each other, or say what cannot be."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from telemetry.feed.feed import CSV, JSON, Feed
from telemetry.feed.files.encodings import is_usable_encoding
from telemetry.feed.formats.path_steps import parse_path
from telemetry.feed.formats.readers import record_reader
from telemetry.feed.formats.records import FeedFormatError
from telemetry.feed.time_spec import start_us, time_spec
from telemetry.feed.times.reader import TimeReader

_MOST_TIME_COLUMNS: Final = 7  # from the year to a fraction of the second
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Problem(NamedTuple):
    """A field that cannot be used.

    Attributes:
        keys: path of the field.
        problem: one line.
    """

    keys: list[str]
    problem: str


def check_feed(feed: Feed, written: Mapping[str, Any]) -> Problem | None:
    """Return the first problem of a feed, or None.

    Args:
        feed: the feed.
        written: its document: which fields the file has.
    """
    return (
        _time(feed, written) or _device(feed, written) or _long(feed) or _format(feed) or _csv(feed) or _metrics(feed)
    )


def _time(feed: Feed, written: Mapping[str, Any]) -> Problem | None:
    time, named = feed.time, written.get("time") or {}
    ways = [name for name in ("column", "attribute", "start") if named.get(name)]
    if ways == ["column", "start"]:
        return Problem(["time"], "only one of column and start can say it; a column that counts from start is counter")
    if len(ways) > 1:
        return Problem(["time"], f"only one of {' and '.join(ways)} can say it")
    if time.counter and (named.get("column") or time.attribute or not time.start):
        return Problem(["time", "counter"], "needs start, the time of the number 0, and no column or attribute")
    if not isinstance(time.column, str) and not 1 <= len(time.column) <= _MOST_TIME_COLUMNS:
        return Problem(["time", "column"], f"a column, or a list of at most {_MOST_TIME_COLUMNS}, its parts")
    if time.start and time.publish:
        return Problem(["time"], "only one of start and publish can say it")
    try:
        TimeReader(time_spec(feed))
    except ValueError as error:
        text = str(error)
        field = "zone" if "zone" in text else "format"
        return Problem(["time", field], text)
    if time.start:
        try:
            start_us(feed)
        except ValueError as error:
            return Problem(["time", "start"], str(error))
    return None


def _device(feed: Feed, written: Mapping[str, Any]) -> Problem | None:
    device, named = feed.device, written.get("device") or {}
    ways = [name for name in ("column", "attribute", "file", "name") if named.get(name)]
    if len(ways) > 1:
        return Problem(["device"], f"only one of {' and '.join(ways)} can say it")
    return _match(["device", "match"], device.match)


def _long(feed: Feed) -> Problem | None:
    return None if feed.long is None else _match(["long", "match"], feed.long.match)


def _match(keys: list[str], pattern: str) -> Problem | None:
    """Return the problem of an expression that must have a group."""
    if not pattern:
        return None
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        return Problem(keys, f"{pattern!r} is no regular expression: {error}")
    return None if groups else Problem(keys, f"{pattern!r} has no group in parentheses")


def _format(feed: Feed) -> Problem | None:
    if feed.encoding and not is_usable_encoding(feed.encoding):
        return Problem(["encoding"], f"{feed.encoding!r} is no known encoding")
    if feed.format == CSV and (feed.options or feed.body or feed.records):
        name = next(name for name in ("options", "body", "records") if getattr(feed, name))
        return Problem([name], "is of no use for csv")
    if feed.format == CSV:
        return None
    try:
        record_reader(feed.format or JSON, body=feed.body, **feed.options)
    except FeedFormatError as error:
        keys = [error.option] if error.option in ("format", "body") else ["options", error.option]
        return Problem(keys, error.problem)
    return None


def _csv(feed: Feed) -> Problem | None:
    fields = feed.csv
    if not fields.header and not fields.columns:
        return Problem(["csv", "header"], "0 needs csv.columns, the names of the columns")
    if fields.delimiter in ("\n", "\r", fields.quote, fields.comment or "\n"):
        return Problem(["csv", "delimiter"], f"{fields.delimiter!r} cannot stand between cells")
    if fields.delimiter == fields.decimal == ".":  # cells with a decimal comma may be in quotes
        return Problem(["csv", "decimal"], f"{fields.decimal!r} is the delimiter, too")
    if not (fields.delimiter.isascii() and fields.quote.isascii()):
        return Problem(["csv"], "delimiter and quote must be ASCII characters")
    return None


def _metrics(feed: Feed) -> Problem | None:
    if feed.format != CSV:
        try:
            parse_path(feed.records or "records")
        except FeedFormatError as error:
            return Problem(["records"], error.problem)
    for name, metric in feed.metrics.items():
        low, high = (None, None) if metric is None else (metric.low, metric.high)
        if low is not None and high is not None and low > high:
            return Problem(["metrics", name, "low"], f"{low} is above high {high}")
        for field in ("unit", "label"):
            if metric is not None and _CONTROL.search(getattr(metric, field)):
                return Problem(["metrics", name, field], "must be one line, without control characters")
        if metric is not None and metric.scale == 0:
            return Problem(["metrics", name, "scale"], "0 would make all values equal")
    return None
