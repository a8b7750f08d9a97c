"""Feeds in plain words."""

import pytest

from telemetry.feed.parse import parse_feed
from telemetry.feed.sentences import describe_feed

EVERYTHING = r"""
version: 1
format: csv
encoding: latin-1
csv: {delimiter: "\t", decimal: ",", quote: "'", header: 0, skip: 1, columns: [a, b], comment: "#", multiline: true}
time: {column: [Date, Time], format: ["%d/%m/%Y %H:%M", "%d/%m/%Y"], zone: Europe/Rome, day_first: true, publish: true}
device: {file: true, match: "room-(.*)"}
metrics:
  temp: {column: T, label: heat, unit: °C, missing: [-200, x], low: -50, high: 90.5, scale: 0.1, offset: -40}
  "on": {boolean: true}
  hum:
long: {name: parameter, value: value, match: "/(.*)"}
missing: [-999]
strict: true
"""


def test_every_field_is_said() -> None:
    assert describe_feed(parse_feed(EVERYTHING)) == [
        "format: csv, encoded in latin-1, cells between tabs, numbers with a decimal comma, cells in ', no header, 1 "
        "more line passed over, the columns a, b, no lines that begin with #, cells over several lines.",
        "time: Date and Time, as %d/%m/%Y %H:%M or %d/%m/%Y, the day first, times without a zone in Europe/Rome, else "
        "the publish time.",
        "device: the name of the file, what room-(.*) finds in it.",
        "one value a row: its name is parameter, what /(.*) finds in it, its value value.",
        "metric temp, of T, called heat, in °C, missing where it is -200 or x, from -50, up to 90.5, times 0.1, "
        "plus -40.",
        "metric on, true and on are 1, false and off are 0.",
        "metric hum.",
        "missing values: -999.",
        "a value that cannot be read costs its row.",
    ]


@pytest.mark.parametrize(
    ("feed", "sentences"),
    [
        ("", [
            "format: csv or json, by the name of a file.",
            "time: ts.",
            "device: device.",
            "metrics: those of --metrics, else all fields that hold numbers.",
        ]),
        ("format: line-protocol\noptions: {precision: s}\nbody: base64|gzip\ntime: {attribute: at, unit: ms, "
         "day_first: false}\ndevice: {attribute: id}", [
            "format: line-protocol, precision s, within base64 of gzip.",
            "time: the attribute at, numbers of ms, the month first.",
            "device: the attribute id.",
            "metrics: those of --metrics, else all fields that hold numbers.",
        ]),
        ("records: data\ncsv: {header: 3, skip: 2, delimiter: ' '}\ntime: {start: 2020-07-12T00:00:00Z, interval: 5s}\n"
         "device: {name: x}", [
            "format: csv or json, by the name of a file, a reading for each element of data, cells between blanks, the "
            "header in line 3, 2 more lines passed over.",
            "time: 2020-07-12T00:00:00+00:00 for the first row of a file, 5s more for each row behind it.",
            "device: always x.",
            "metrics: those of --metrics, else all fields that hold numbers.",
        ]),
        ("csv: {columns: [n, temp]}\ntime: {counter: n, start: 2020-07-12T00:00:00Z, interval: 5s}", [
            "format: csv or json, by the name of a file, the columns n, temp.",
            "time: 2020-07-12T00:00:00+00:00 where n is 0, 5s more for each step of it.",
            "device: device.",
            "metrics: those of --metrics, else all fields that hold numbers.",
        ]),
    ],
)  # fmt: skip
def test_what_is_usual_is_short(feed: str, sentences: list[str]) -> None:
    assert describe_feed(parse_feed(f"version: 1\n{feed}")) == sentences
