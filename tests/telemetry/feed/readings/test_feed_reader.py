"""Read payloads of many shapes as a feed says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE
from telemetry.feed.parse import parse_feed
from telemetry.feed.readings.discover import discover_metrics
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import Envelope, FeedRows
from telemetry.text.timestamps import parse_time


def read(
    feed: str,
    payloads: Sequence[bytes] | bytes,
    metrics: tuple[str, ...] = ("temp",),
    columns: tuple[str, ...] | None = None,
    attributes: Mapping[str, str] = {},
    publish_us: int | None = None,
) -> FeedRows:
    some = [payloads] if isinstance(payloads, bytes) else payloads
    envelope = Envelope(attributes, publish_us, columns)
    return FeedReader(parse_feed(f"version: 1\n{feed}"), metrics).read(some, [envelope] * len(some))


def rows_of(read: FeedRows) -> list[tuple[Any, ...]]:
    """Return (payload, number, time, device, values…); a missing value is None."""
    values = [[None if np.isnan(value) else value for value in row] for row in read.values.T.tolist()]
    names = [read.devices[code] for code in read.device.tolist()]
    columns = (read.payload.tolist(), read.number.tolist(), read.time_us.tolist(), names)
    return [(*row, *some) for *row, some in zip(*columns, values, strict=True)]


def unread(read: FeedRows) -> list[tuple[int, int, str, str]]:
    """Return (metric, row, problem, text) of the values that could not be read."""
    if read.problems is None:
        return []
    places = np.argwhere(read.problems).tolist()
    return [(m, row, str(PROBLEM_OF_CODE[read.problems[m, row]]), read.text(m, row)) for m, row in places]


def rejected(read: FeedRows) -> list[tuple[int, int, bytes, str]]:
    return [(one.payload, one.number, one.content, one.reason.value) for one in read.rejected]


def us(text: str) -> int:
    return parse_time(text)


def test_columns_of_csv_have_names_dialect_and_codes_of_the_feed() -> None:
    feed = """
format: csv
csv: {delimiter: ";", decimal: ","}
time: {column: [Date, Time], zone: Europe/Rome}
device: {name: station}
missing: [-200]
"""
    content = (
        b"13/07/2020;10.00.00;1,5;-200;\n14/07/2020;11.00.00;x; 2;\n\nbad;1;2;3;\n15/07/2020;12.00.00;;1.013,2 hPa;\n"
    )
    found = read(feed, content, ("T", "p"), ("Date", "Time", "T", "p", ""))
    assert rows_of(found) == [
        (0, 1, us("2020-07-13T08:00:00Z"), "station", 1.5, None),
        (0, 2, us("2020-07-14T09:00:00Z"), "station", None, 2),
        (0, 5, us("2020-07-15T10:00:00Z"), "station", None, 1013.2),
    ]
    assert unread(found) == [(0, 1, "not_a_number", "x")]
    assert rejected(found) == [(0, 4, b"bad;1;2;3;", "bad_timestamp")]
    assert found.raw(np.array([1])) == [b"14/07/2020;11.00.00;x; 2;"]
    assert found.ignored == {}


def test_cells_in_quotes_may_have_decimal_commas_between_commas() -> None:
    content = b'1594512000,a,"21,5"\n1594512060,a,"1.013,25"\n1594512120,a,22\n'
    found = read("csv: {decimal: ','}", content, ("temp",), ("ts", "device", "temp"))
    assert [row[-1] for row in rows_of(found)] == [21.5, 1013.25, 22]


def test_rows_are_fitted_to_their_header() -> None:
    content = (
        b"2020-07-12T00:00:00Z,a\n2020-07-12T00:01:00Z,b,1,,\n2020-07-12T00:02:00Z,c,2,3\n"
        b'"x\n2020-07-12T00:03:00Z,"d",4'
    )
    found = read("time: {column: t}\ndevice: {column: d}", content, ("m",), ("t", "d", "m"))
    assert rows_of(found) == [
        (0, 1, us("2020-07-12T00:00:00Z"), "a", None),
        (0, 2, us("2020-07-12T00:01:00Z"), "b", 1),
        (0, 5, us("2020-07-12T00:03:00Z"), "d", 4),
    ]
    assert rejected(found) == [
        (0, 3, b"2020-07-12T00:02:00Z,c,2,3", "bad_row"),
        (0, 4, b'"x', "bad_row"),
    ]
    assert found.raw(np.array([0, 1])) == content.split(b"\n")[:2]


def test_cells_over_several_lines_nul_bytes_and_comments() -> None:
    feed = "csv: {multiline: true, comment: '#'}\ntime: {column: t}\ndevice: {column: d}"
    content = b'# made\n1594512000,"a\nb",1\n\x00\x00\x001594512060,c,"2"\n1594512120,"never\n1594512180,d,3\n'
    found = read(feed, content, ("m",), ("t", "d", "m"))
    assert rows_of(found) == [
        (0, 2, us("2020-07-12T00:00:00Z"), "a\nb", 1),
        (0, 3, us("2020-07-12T00:01:00Z"), "c", 2),
        (0, 5, us("2020-07-12T00:03:00Z"), "d", 3),
    ]
    assert rejected(found) == [(0, 4, b'1594512120,"never', "bad_row")]
    assert found.raw(np.array([1])) == [b'\x00\x00\x001594512060,c,"2"']


def test_csv_in_messages_names_its_columns_or_has_a_header_each() -> None:
    named = "format: csv\ncsv: {columns: [t, d, m]}\ntime: {column: t}\ndevice: {column: d}"
    rows = [
        (0, 1, us("2020-07-12T00:00:00Z"), "a", 1),
        (1, 1, us("2020-07-12T00:01:00Z"), "b", 2),
        (1, 2, us("2020-07-12T00:02:00Z"), "c", 3),
    ]
    payloads = [b"1594512000,a,1\n", b"1594512060,b,2\n1594512120,c,3\nx"]
    found = read(named, payloads, ("m",))
    assert (rows_of(found), rejected(found)) == (rows, [(1, 3, b"x", "bad_timestamp")])
    (header,) = rows_of(read("format: csv\ntime: {column: t}\ndevice: {column: d}", b"t, m ,d\n1594512000,1,a", ("m",)))
    assert header == (0, 2, us("2020-07-12T00:00:00Z"), "a", 1)


def test_paths_lead_into_documents_and_lists_of_readings() -> None:
    feed = "time: {column: received_at}\ndevice: {column: ids.device_id}"
    payloads = [
        b'{"received_at":"2020-07-12T00:00:00.123456789Z","ids":{"device_id":"x"},"body":{"temp":21.5},"a.b":1}',
        b'[{"received_at":1594512000123,"ids":{"device_id":7},"body":{"temp":"95.2 \xc2\xb0C"}},\n {"ids":{}}]',
        b"\x00\x01\n\x02",
    ]
    found = read(feed, payloads, ("body.temp", "a.b"))
    assert rows_of(found) == [
        (0, 1, us("2020-07-12T00:00:00.123456Z"), "x", 21.5, 1),
        (1, 1, us("2020-07-12T00:00:00.123Z"), "7", 95.2, None),
    ]
    assert rejected(found) == [(1, 2, b'{"ids":{}}', "missing_field"), (2, 0, payloads[2], "not_json")]


def test_elements_of_a_list_are_readings_with_what_is_around_them() -> None:
    feed = "records: data.readings\ntime: {column: t}\ndevice: {column: id}"
    elements = b'{"t":1594512000,"temp":1},{"t":1,"temp":2},{"t":1594512120,"id":"y","temp":3}'
    payload = b'{"id":"x","data":{"readings":[%b]}}' % elements
    found = read(feed, payload)
    assert rows_of(found) == [
        (0, 1, us("2020-07-12T00:00:00Z"), "x", 1),
        (0, 3, us("2020-07-12T00:02:00Z"), "y", 3),
    ]
    alone = b'{"id":"x","data":{"readings":[{"t":1,"temp":2}]}}'
    assert rejected(found) == [(0, 2, alone, "bad_timestamp")]
    (again,) = read(feed, alone).rejected
    assert again.content == alone


def test_the_envelope_names_device_and_time() -> None:
    feed = "time: {publish: true}\ndevice: {attribute: topic, match: 'plants/([^/]+)/'}"
    found = read(
        feed, [b'{"temp":1}', b'{"ts":1594512000,"temp":2}'], attributes={"topic": "plants/p1/t"}, publish_us=5
    )
    assert rows_of(found) == [(0, 1, 5, "p1", 1), (1, 1, us("2020-07-12T00:00:00Z"), "p1", 2)]
    (lost,) = read(feed, b'{"temp":1}', attributes={"topic": "other"}, publish_us=5).rejected
    assert (lost.reason.value, lost.error) == ("wrong_type", "device 'other' does not match 'plants/([^/]+)/'")
    (lost,) = read("time: {attribute: at}\ndevice: {name: x}", b"{}", attributes={"at": "noon"}).rejected
    assert (lost.reason.value, lost.error) == ("bad_timestamp", "at noon is no time in a known form")
    timed = read("time: {attribute: at}\ndevice: {name: x}", b'{"temp":1}', attributes={"at": "2020-07-12T00:00:00Z"})
    assert rows_of(timed) == [(0, 1, us("2020-07-12T00:00:00Z"), "x", 1)]


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [("latin-1", "latin-1"), ("latin-1", "utf-8"), ("utf-16", "utf-16-le"), ("", "utf-8-sig"), ("", "utf-16")],
)
@pytest.mark.parametrize("columns", ["", "csv: {columns: [ts, device, temp]}\nformat: csv"])
def test_messages_in_other_encodings_are_read(encoding: str, codec: str, columns: str) -> None:
    row = "1594512000,grün,21" if columns else '{"ts":1594512000,"device":"grün","temp":21}'
    found = read(f"encoding: '{encoding}'\n{columns}", row.encode(codec), publish_us=5)
    assert rows_of(found) == [(0, 1, us("2020-07-12T00:00:00Z"), "grün", 21)]


def test_files_name_devices_and_make_times() -> None:
    feed = "time: {start: 2020-07-12T00:00:00Z, interval: 5s}\ndevice: {file: true, match: '(room.*)'}"
    attributes = {"file": "my-room-1.csv.gz", "first_row": "10"}
    found = read(feed, b"1\nx\n3", columns=("temp",), attributes=attributes)
    assert rows_of(found) == [
        (0, 1, us("2020-07-12T00:00:50Z"), "room-1", 1),
        (0, 2, us("2020-07-12T00:00:55Z"), "room-1", None),
        (0, 3, us("2020-07-12T00:01:00Z"), "room-1", 3),
    ]
    assert unread(found) == [(0, 1, "not_a_number", "x")]


def test_the_name_of_a_file_is_without_its_ending_alone() -> None:
    feed = "time: {column: t}\ndevice: {file: true}"
    for file, device in (("in/room.1.csv", "room.1"), ("room.2.csv.gz", "room.2"), ("room", "room"), (".csv", ".csv")):
        (row,) = rows_of(read(feed, b"1594512000,1", columns=("t", "temp"), attributes={"file": file}))
        assert row[3] == device


LONG = """
long: {name: entity_id, value: state}
time: {column: last_changed}
device: {name: home}
metrics: {temp: {column: sensor.t}, hum: {column: sensor.h, low: 0, high: 100}}
"""


def test_long_tables_have_one_value_a_row() -> None:
    content = (
        b"sensor.t,21.5,1594512000\nsensor.h,unavailable,1594512060\nsensor.h,200,1594512120\n"
        b"sensor.h,48,1594512180\nlight.x,on,1594512240"
    )
    found = read(LONG, content, ("temp", "hum"), ("entity_id", "state", "last_changed"))
    minutes = [us(f"2020-07-12T00:0{minute}:00Z") for minute in range(5)]
    expected = [(21.5, None), (None, None), (None, None), (None, 48), (None, None)]
    assert [row[2:] for row in rows_of(found)] == [
        (time, "home", *values) for time, values in zip(minutes, expected, strict=True)
    ]
    assert unread(found) == [(1, 2, "out_of_range", "200")]
    records = b"\n".join(
        b'{"entity_id":"%b","state":"%b","last_changed":%b}' % tuple(line.split(b",")) for line in content.split(b"\n")
    )
    assert rows_of(read(LONG, records, ("temp", "hum"))) == rows_of(found)


def test_names_of_long_tables_may_hold_the_device_as_well() -> None:
    feed = """
long: {name: topic, value: v, match: "/(temp|hum)$"}
device: {column: topic, match: "^home/([^/]+)"}
metrics: {temp: , hum: , door: {column: home/gate}}
"""
    content = b"\n".join(
        b"1594512000,home/" + row for row in (b"attic/temp,1", b"bath/temp,2", b"bath/hum,3", b"gate,4")
    )
    metrics = ("temp", "hum", "door")
    found = read(feed, content, metrics, ("ts", "topic", "v"))
    time = us("2020-07-12T00:00:00Z")
    assert [row[2:] for row in rows_of(found)] == [
        (time, "attic", 1, None, None),
        (time, "bath", 2, None, None),
        (time, "bath", None, 3, None),
        (time, "gate", None, None, 4),
    ]
    lines = content.split(b"\n")
    records = [b'{"ts":%b,"topic":"%b","v":%b}' % tuple(line.split(b",")) for line in lines]
    assert rows_of(read(feed, b"\n".join(records), metrics)) == rows_of(found)
    assert discover_metrics(parse_feed(f"version: 1\n{feed}"), b"\n".join(records), Envelope()) == [
        "temp",
        "hum",
        "home/gate",
    ]


@pytest.mark.parametrize("columns", [None, ("ts", "device", "temp", "hum")])
def test_in_a_strict_feed_a_value_that_cannot_be_read_costs_its_row(columns: tuple[str, ...] | None) -> None:
    content = b"1594512000,a,NA,1\n1594512060,b,x,2"
    if columns is None:
        lines = (
            b'{"ts":%b,"device":"%b","temp":"%b","hum":%b}' % tuple(row.split(b",")) for row in content.split(b"\n")
        )
        content = b"\n".join(lines)
    found = read("strict: true", content, ("temp", "hum"), columns)
    assert [row[3:] for row in rows_of(found)] == [("a", None, 1)]
    assert [(one.number, one.reason.value, one.error) for one in found.rejected] == [
        (2, "wrong_type", "temp is 'x': not_a_number")
    ]
    lenient = read("strict: false", content, ("temp", "hum"), columns)
    assert [row[3:] for row in rows_of(lenient)] == [("a", None, 1), ("b", None, 2)]


def test_a_row_with_too_few_cells_and_a_line_break_in_quotes_is_filled_up() -> None:
    rows = b'1594512000,a,"1\n"\n"1594512001\n"\n1594512002,b,2\n'
    found = read("format: csv\ncsv: {multiline: true}", rows, columns=("ts", "device", "temp"))
    assert rows_of(found) == [(0, 1, 1_594_512_000_000_000, "a", 1), (0, 3, 1_594_512_002_000_000, "b", 2)]
    assert rejected(found) == [(0, 2, b'"1594512001\n"', "bad_timestamp")]


@pytest.mark.parametrize("records", ["rows", "data.rows", "data.*.rows", "data[0]"])
def test_a_record_without_the_list_is_rejected_as_it_is(records: str) -> None:
    found = read(f"records: {records}", b'{"time": 1594512000}')
    assert (rows_of(found), rejected(found)) == ([], [(0, 1, b'{"time": 1594512000}', "missing_field")])


@pytest.mark.parametrize("before", [b"", b"1594512000,a,x,x\n"])
def test_values_do_not_depend_on_what_was_read_before(before: bytes) -> None:
    feed = "format: csv\nmetrics: {temp: {missing: [hot, none here]}, note: }"
    reader = FeedReader(parse_feed(f"version: 1\n{feed}"), ("temp", "note"))
    envelope = Envelope(columns=("ts", "device", "temp", "note"))
    if before:
        reader.read([before], [envelope])
    digits = b"9" * 120
    found = reader.read(
        [b"1594512000,a,hot,1\n   \n1594512000,b,%b,hot\n1594512000,c,1%b,\n" % (digits, b"0" * 400)], [envelope]
    )
    time = 1_594_512_000_000_000
    expected = [(0, 1, time, "a", None, 1), (0, 3, time, "b", float(digits), None), (0, 4, time, "c", None, None)]
    assert rows_of(found) == expected
    assert unread(found) == [(0, 2, "not_finite", "1" + "0" * 400), (1, 1, "not_a_number", "hot")]
