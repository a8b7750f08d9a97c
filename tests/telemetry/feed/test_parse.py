"""Read feed files, and name the line and the field of a mistake."""

import pytest

from telemetry.feed.errors import FeedError
from telemetry.feed.feed import DeviceFields, Feed, LongFields, MetricFields, TimeFields
from telemetry.feed.parse import load_feed, parse_feed

FULL = """
version: 1
time: {column: [Date, Time], zone: Europe/Rome}
device:
  file: true
  match: "room-(.*)"
metrics:
  temp: {column: T, unit: °C, missing: [-200, x]}
  hum:
long: {name: parameter, value: value}
"""


def test_a_feed_has_the_fields_of_its_file() -> None:
    assert parse_feed(FULL) == Feed(
        time=TimeFields(column=("Date", "Time"), zone="Europe/Rome"),
        device=DeviceFields(file=True, match="room-(.*)"),
        metrics={"temp": MetricFields(column="T", unit="°C", missing=(-200.0, "x")), "hum": None},
        long=LongFields("parameter", "value"),
    )


def test_points_in_time_need_no_quotes() -> None:
    assert parse_feed("version: 1\ntime: {start: 2020-07-12T00:00:00Z}").time.start == "2020-07-12T00:00:00+00:00"


def test_a_feed_of_its_version_alone_is_the_canonical_form() -> None:
    assert parse_feed("version: 1") == Feed()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1", "must be a mapping with `version: 1`"),
        ("- version", "must be a mapping with `version: 1`"),
        ("version: 2", "line 1: version: Invalid enum value 2"),
        ("version: 1\ntim: {}", "line 2: unknown field 'tim', did you mean time?"),
        ("version: 1\ntime:\n  zone: Europe/Rom", "line 3: time.zone: 'Europe/Rom' is no zone of the IANA database; "
         "did you mean Europe/Rome?"),
        ("version: 1\nmetrics:\n  a: {lo: 1}", "line 2: metrics: unknown field 'lo', did you mean low?"),
        ("version: 1\nmetrics:\n  a: {low: 2, high: 1}", "line 3: metrics.a.low: 2.0 is above high 1.0"),
        ("version: 1\nmetrics:\n  a: {scale: 0}", "line 3: metrics.a.scale: 0 would make all values equal"),
        ("version: 1\ncsv: {header: 0}", "line 2: csv.header: 0 needs csv.columns, the names of the columns"),
        ("version: 1\ncsv: {delimiter: '.'}", "line 2: csv.decimal: '.' is the delimiter, too"),
        ("version: 1\ncsv: {delimiter: '\"'}", "line 2: csv.delimiter: '\"' cannot stand between cells"),
        ("version: 1\ntime: {column: a, attribute: b}", "line 2: time: only one of column and attribute can say it"),
        ("version: 1\ntime: {start: noon}", "line 2: time.start: noon is no time in a known form"),
        ("version: 1\ntime: {start: 2020-07-12}", "line 2: time.start: 2020-07-12 is a naive time: say its zone; such "
         "as zone: Europe/Rome"),
        ("version: 1\ntime: {column: n, start: 2020-07-12T00:00:00Z}", "line 2: time: only one of column and start can "
         "say it; a column that counts from start is counter"),
        ("version: 1\ntime: {counter: n}", "line 2: time.counter: needs start, the time of the number 0, and no column "
         "or attribute"),
        ("version: 1\ntime: {column: [a, b, c, d, e, f, g, h]}", "line 2: time.column: a column, or a list of at most "
         "7, its parts"),
        ("version: 1\ntime: {format: '%Q'}", "line 2: time.format: '%Q' has the unknown directive %Q"),
        ("version: 1\ndevice: {file: true, name: x}", "line 2: device: only one of file and name can say it"),
        ("version: 1\ndevice: {match: '('}", "line 2: device.match: '(' is no regular expression: missing ), "
         "unterminated subpattern at position 0"),
        ("version: 1\ndevice: {match: x}", "line 2: device.match: 'x' has no group in parentheses"),
        ("version: 1\nlong: {name: n, value: v, match: x}", "line 2: long.match: 'x' has no group in parentheses"),
        ("version: 1\nrecords: a..b", "line 2: records: 'a..b' is no path at character 2"),
        ("version: 1\nencoding: utf-99", "line 2: encoding: 'utf-99' is no known encoding"),
        ("version: 1\nformat: avro\noptions: {x: y}", "line 3: options.x: avro has only the options schema, framing, "
         "body"),
        ("version: 1\nformat: csv\nrecords: a", "line 3: records: is of no use for csv"),
        ("version: 1\ntime: {}\ntime: {}", "line 3: time is written twice"),
        ("version: 1\ntime: [", "line 2: not valid YAML: expected the node content, but found '<stream end>'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(FeedError) as error:
        parse_feed(text)
    assert str(error.value) == problem


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(FeedError, match="No such file"):
        load_feed(str(tmp_path / "feed.yaml"))
    (tmp_path / "feed.yaml").write_bytes(b"version: 1\n\xff")
    with pytest.raises(FeedError, match="not UTF-8 text"):
        load_feed(str(tmp_path / "feed.yaml"))
