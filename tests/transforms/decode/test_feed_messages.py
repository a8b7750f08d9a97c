"""Decode messages that a feed describes, beside others and in slices, and find their bytes again."""

import base64
import gzip

import numpy as np
import pytest

from telemetry.feed.feed import Feed
from telemetry.feed.parse import parse_feed
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode.codec import decode, decode_parts
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.decoded_batch import DecodedBatch
from transforms.decode.payloads import raw_rows

NAMED = parse_feed("""
version: 1
time: {column: t, publish: true}
device: {column: d.id}
""")
BEGIN_S = 1_594_512_000


def decoded(messages: list[Message], feed: Feed, metrics: tuple[str, ...] = ("temp",)) -> DecodedBatch:
    return decode(MessageBatch.of(messages), DecodeSpec(metrics, feed=feed))


def rows_of(batch: DecodedBatch) -> list[tuple[str, int, str, int, float]]:
    """Return (message, number, device, seconds, temp) of the readings."""
    some = batch.readings
    assert some is not None
    ids = [some.messages.ids[index] for index in some.message.tolist()]
    names = [some.devices[code] for code in some.device.tolist()]
    seconds = (some.event_us // 1_000_000).tolist()
    return list(zip(ids, some.line.tolist(), names, seconds, some.values[0].tolist(), strict=True))


def letters_of(batch: DecodedBatch) -> list[tuple[str, int | None, str, bytes]]:
    return [(one.message_id, one.line, one.reason, base64.b64decode(one.payload)) for one in batch.rejected]


def test_messages_of_a_pull_are_read_together() -> None:
    packed = b'{"t":%d,"d":{"id":"c"},"temp":3}\n{"t":1}' % BEGIN_S
    messages = [
        Message(b'{"t":%d,"d":{"id":"a"},"temp":1}' % BEGIN_S, {}, "m0"),
        Message(b'{"d":{"id":"b"},"temp":2}', {}, "m1", (BEGIN_S + 1) * 1_000_000),
        Message(b"\x00\x01", {}, "m2"),
        Message(gzip.compress(packed), {"content-encoding": "gzip"}, "m3"),
        Message(b"no gzip", {"content-encoding": "gzip"}, "m4"),
    ]
    found = decoded(messages, NAMED)
    assert rows_of(found) == [
        ("m0", 1, "a", BEGIN_S, 1),
        ("m1", 1, "b", BEGIN_S + 1, 2),
        ("m3", 1, "c", BEGIN_S, 3),
    ]
    assert sorted(letters_of(found)) == [
        ("m2", None, "not_json", b"\x00\x01"),
        ("m3", 2, "missing_field", b'{"t":1}'),
        ("m4", None, "bad_encoding", b"no gzip"),
    ]


def test_an_element_that_is_no_reading_is_a_letter_of_its_own() -> None:
    payload = b'[{"ts": 1, "device": "a", "temp": 2}, 5,\n {"device": "a"}]'
    lines = Message(b'{"ts":3,"device":"b","temp":4}\n\n{"ts":5,"device":"b","temp":6}', {}, "lines")
    parts = list(decode_parts(MessageBatch.of([lines, Message(payload, {}, "m"), lines]), DecodeSpec(("temp",))))
    (letters,) = [letters_of(part) for part in parts if part.rejected]
    assert letters == [("m", 2, "not_an_object", b"5"), ("m", 3, "missing_field", b'{"device": "a"}')]
    batches = [part.readings for part in parts if part.readings is not None]
    assert [raw_rows(batch, np.arange(len(batch))) for batch in batches] == [
        [lines.payload.split(b"\n")[0], lines.payload.split(b"\n")[2]],
        [b'{"ts": 1, "device": "a", "temp": 2}'],
        [lines.payload.split(b"\n")[0], lines.payload.split(b"\n")[2]],
    ]


@pytest.mark.parametrize("columns", [None, ("t", "d.id", "temp")])
def test_large_messages_are_read_in_slices_and_found_again(columns: tuple[str, ...] | None) -> None:
    form = b'{"t":%d,"d":{"id":"a"},"temp":1}' if columns is None else b"%d,a,1"
    lines = [form % (BEGIN_S + row) if row % 1_000 else b"x" * 900 for row in range(100_000)]
    message = Message(b"\n".join(lines) + b"\n", {}, "m", columns=columns)
    found = decoded([message], NAMED)
    good = [row for row in range(100_000) if row % 1_000]
    assert found.readings is not None
    assert [row[1] for row in rows_of(found)] == [row + 1 for row in good]
    assert [letter[1] for letter in letters_of(found)] == list(range(1, 100_000, 1_000))
    some = np.array([0, 5, 90_000])
    assert raw_rows(found.readings, some) == [lines[good[index]] for index in some.tolist()]


def test_files_in_a_zone_know_the_pass_of_a_double_hour_from_the_chunk_before() -> None:
    feed = parse_feed("version: 1\ntime: {column: t, zone: Europe/London}\ndevice: {name: x}")
    lines = [
        f"2020-10-25T{hour}:{minute:02}:00,1\n".encode() for hour in ("00", "01", "01", "02") for minute in (0, 30)
    ]
    whole = b"".join(lines)
    expected = [1_603_580_400 + 1_800 * step for step in range(8)]
    for cut in range(len(lines)):
        first, second = b"".join(lines[:cut]), b"".join(lines[cut:])
        chunks = [
            Message(part, {}, f"f@{at}", columns=("t", "temp")) for part, at in ((first, 0), (second, len(first)))
        ]
        seconds = [row[3] for chunk in chunks if chunk.payload for row in rows_of(decoded([chunk], feed))]
        assert seconds == expected, cut
    assert [row[3] for row in rows_of(decoded([Message(whole, {}, "g@0", columns=("t", "temp"))], feed))] == expected


def test_messages_of_csv_have_a_header_each() -> None:
    feed = parse_feed("version: 1\nformat: csv")
    messages = [
        Message(b"ts,device,temp\n%d,a,1\n" % BEGIN_S, {}, "m0"),
        Message(b"temp,device,ts\r\n2,b,%d\r\nx\r\n" % BEGIN_S, {}, "m1"),
        Message(b"ts,device,temp\n%d,c,3" % BEGIN_S, {}, "m2"),
        Message(b"", {}, "m3"),
    ]
    found = decoded(messages, feed)
    assert sorted(rows_of(found)) == [
        ("m0", 2, "a", BEGIN_S, 1),
        ("m1", 2, "b", BEGIN_S, 2),
        ("m2", 2, "c", BEGIN_S, 3),
    ]
    (letter,) = letters_of(found)
    assert letter == ("m1", 3, "missing_field", b"temp,device,ts\r\nx\r")
    assert letters_of(decoded([Message(letter[3], {}, "m1")], feed)) == [("m1", 2, *letter[2:])]


def test_a_large_message_of_csv_keeps_its_header() -> None:
    rows = [b"%d,a,1" % (BEGIN_S + row) for row in range(200_000)]
    found = decoded([Message(b"\n".join([b"ts,device,temp", *rows]), {}, "m")], parse_feed("version: 1\nformat: csv"))
    assert [row[1] for row in rows_of(found)] == list(range(2, 200_002))
    assert letters_of(found) == []
