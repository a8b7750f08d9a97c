import base64
import gzip
import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.feed.feed import Feed, MetricFields
from telemetry.model import line_letters
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.text.timestamps import EARLIEST_US, ClockBounds
from tests.support.bad_messages import CORPUS, bytes_of, message_of
from transforms.decode import codec, payloads
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.json_objects import parse_object, read_object
from transforms.decode.payloads import read_back
from transforms.decode.unread_values import ValueKind

METRICS = ("temp",)
SPEC = DecodeSpec(METRICS)
STRICT = DecodeSpec(METRICS, feed=Feed(strict=True))
GOOD = b'{"ts": 8, "device": "good", "temp": 20.5}'
corpus = pytest.mark.parametrize("case", CORPUS, ids=[case["name"] for case in CORPUS])
strictly = pytest.mark.parametrize("spec", [SPEC, STRICT], ids=["", "strict"])


def decode(messages: Iterable[Message], spec: DecodeSpec) -> DecodedBatch:
    return codec.decode(MessageBatch.of(messages), spec)


def told(case: dict[str, Any], spec: DecodeSpec) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return the readings and the dead letters that the corpus says."""
    of = case["strict"] if spec is STRICT and "strict" in case else case
    return of.get("readings", []), of.get("dead", [])


def readings(decoded: DecodedBatch, name: str = "bad") -> list[list[Any]]:
    """Rows of one message: line, device, event time in seconds, first metric (None where it is missing)."""
    batch = decoded.readings
    if batch is None:
        return []
    rows = zip(batch.message, batch.line, batch.device, batch.event_us, batch.values[0], strict=True)
    return sorted(
        [int(line), batch.devices[device], event_us / 1e6, None if math.isnan(value) else float(value)]
        for message, line, device, event_us, value in rows
        if batch.messages[message].message_id == name
    )


def dead(decoded: DecodedBatch) -> list[tuple[int | None, str, bytes]]:
    letters = [(letter.line, letter.reason, base64.b64decode(letter.payload)) for letter in decoded.rejected]
    return sorted(letters, key=lambda letter: letter[0] or 0)


def good_row(columns: tuple[str, ...]) -> bytes:
    return b"8,good,20.5" + b"," * (len(columns) - 3)


@strictly
@corpus
def test_each_message_of_the_corpus_becomes_what_is_written_there(case, spec):
    message = message_of(case)
    decoded = decode([message], spec)
    rows, expected = told(case, spec)
    assert readings(decoded) == rows
    examples = decoded.unread.examples
    unread = {kind.problem: [count, examples[kind]] for kind, count in decoded.unread.counts.items()}
    assert unread == ({} if spec is STRICT else case.get("unread", {}))
    assert decoded.fitted == (0 if spec is STRICT else case.get("fitted", 0))
    letters = sorted(decoded.rejected, key=lambda letter: letter.line or 0)
    assert [[letter.line, letter.reason] for letter in letters] == [[line, reason] for line, reason, _ in expected]
    for letter, (line, _, error) in zip(letters, expected, strict=True):
        assert letter.error.startswith(error)
        assert "\n" not in letter.error
        content, attributes = message.payload, dict(message.attributes)
        if line is not None:
            content = gzip.decompress(content) if attributes.pop("content-encoding", None) else content
            content = content.split(b"\n")[line - 1]
            attributes.pop("rows", None)
        assert base64.b64decode(letter.payload) == content
        assert json.loads(letter.attributes) == attributes


@strictly
@corpus
def test_a_dead_letter_is_a_message_that_dies_of_the_same_reason(case, spec):
    for letter in decode([message_of(case)], spec).rejected:
        content = base64.b64decode(letter.payload)
        columns = tuple(case["columns"]) if "columns" in case else None
        again = Message(content, json.loads(letter.attributes), "again", letter.publish_time, None, columns)
        (second,) = decode([again], spec).rejected
        assert (second.reason, second.error, second.payload) == (letter.reason, letter.error, letter.payload)


@strictly
@corpus
def test_messages_beside_a_bad_one_are_decoded_all_the_same(case, spec):
    alone = decode([message_of(case)], spec)
    columns = message_of(case).columns
    good = GOOD if columns is None else good_row(columns)
    first = Message(good, {}, "first", columns=columns)
    last = Message(good + b"\n" + good, {"time_shift": "1"}, "last", columns=columns)
    beside = decode([first, message_of(case), last], spec)
    if columns is None or "ts" in columns:
        assert readings(beside, "first") == [[1, "good", 8.0, 20.5]]
        assert readings(beside, "last") == [[1, "good", 9.0, 20.5], [2, "good", 9.0, 20.5]]
        assert {letter.message_id for letter in beside.rejected} <= {"bad"}
    beside.rejected = [letter for letter in beside.rejected if letter.message_id == "bad"]
    assert readings(beside) == readings(alone)
    assert dead(beside) == dead(alone)
    assert (beside.unread, beside.fitted) == (alone.unread, alone.fitted)


LINES = [case for case in CORPUS if not {"attributes", "alone"} & case.keys() and bytes_of(case["payload"]).strip()]
"""Cases whose lines are good or bad by themselves; one that is rejected as a whole is a single line."""


@strictly
@pytest.mark.parametrize("case", LINES, ids=[case["name"] for case in LINES])
def test_lines_beside_a_bad_one_are_decoded_all_the_same(case, spec):
    message = message_of(case)
    good = good_row(message.columns) if message.columns else GOOD
    payload = good + b"\n" + message.payload.rstrip(b"\n") + b"\n" + good
    around = Message(payload, {}, "bad", message.publish_us, None, message.columns)
    decoded = decode([around], spec)
    rows, letters = told(case, spec)
    expected = [[line + 1, *rest] for line, *rest in rows]
    beside = [[1, "good", 8.0, 20.5], [payload.count(b"\n") + 1, "good", 8.0, 20.5]]
    if message.columns and "ts" not in message.columns:
        beside = []
    assert readings(decoded) == sorted(expected + beside)
    if beside:
        assert [(line, reason) for line, reason, _ in dead(decoded)] == [
            ((line or 1) + 1, reason) for line, reason, _ in letters
        ]


def test_the_corpus_has_every_reason():
    reasons = {reason for case in CORPUS for spec in (SPEC, STRICT) for _, reason, _ in told(case, spec)[1]}
    assert reasons == set(Reason) - {Reason.TOO_LATE, Reason.NOT_STORED, Reason.NOT_DELIVERED}  # those of later steps
    names = [case["name"] for case in CORPUS]
    assert len(set(names)) == len(names)


pieces = st.sampled_from(
    [
        GOOD,
        b'{"ts":1,"device":"b"}',
        b'{"ts":"1970-01-01T00:00:02Z","device":"c","new":1}',
        b'{"ts":-1,"device":"a"}',
        b'{"ts":1,"device":"a","temp":NaN}',
        b'{"ts":1,"device":"a","temp":"22.7 C","new":NaN}',
        b'{"ts":1,"device":"a","temp":"warm"}',
        b"{}",
        b"[1]",
        b"",
        b" ",
        b"\r",
        b"x",
        b"\xff",
        b"\x00",
        b"{",
        b"}",
        b'"',
    ]
)
lines = st.one_of(
    pieces,
    st.lists(pieces, max_size=3).map(b"".join),
    st.binary(max_size=12),
    st.tuples(pieces, st.integers(0, 40), st.binary(max_size=2)).map(lambda p: p[0][: p[1]] + p[2] + p[0][p[1] + 1 :]),
)


@st.composite
def messages(draw) -> Message:
    payload = b"\n".join(draw(st.lists(lines, max_size=6)))
    attributes = {}
    if draw(st.booleans()):
        payload = gzip.compress(payload, mtime=0)
        attributes["content-encoding"] = "gzip"
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(payload)))
            payload = payload[:at] + draw(st.binary(max_size=2)) + payload[at + 1 :]
    if draw(st.integers(0, 3)) == 0:
        attributes["time_shift"] = draw(st.sampled_from(["1", "-4", "0.5", "x", "nan"]))
    return Message(payload, attributes, "bad")


def is_one_document(payload: bytes) -> bool:
    try:
        json.loads(payload.decode().strip("\0 \t\r\n"))  # without the bytes of zero that a power cut leaves
    except (ValueError, RecursionError):
        return False
    return True


def is_object(line: bytes) -> bool:
    try:
        parse_object(line)
    except RejectionError:
        return False
    return True


RESERVED_FLAGS = 0b1110_0000  # of the fourth byte of a gzip header


def inflate(payload: bytes) -> bytes:
    """Decompress gzip; RFC 1952, section 2.3.1.2, has reserved flags refused, which `gzip.decompress` accepts."""
    if payload[3:4] and payload[3] & RESERVED_FLAGS:
        raise OSError("reserved flags are set")
    return gzip.decompress(payload)


def expected_of(message: Message, strict: bool) -> tuple[list[list[Any]], list[tuple[int | None, bytes]]]:
    """Return the readings and dead letters that the definition gives, one line at a time."""
    payload = message.payload
    if message.attributes.get("content-encoding"):
        try:
            payload = inflate(payload)
        except (EOFError, OSError, gzip.zlib.error):  # type: ignore[attr-defined]
            return [], [(None, message.payload)]
    found = [(number, line) for number, line in enumerate(payload.split(b"\n"), 1) if line.strip(b" \t\r\x0b\x0c\0")]
    if not found:
        return [], [(None, message.payload)]
    if len(found) > 1 and is_one_document(payload):
        found = [(0, payload)]
    if not any(is_object(line) for _, line in found) and not (len(found) > 1 and is_one_document(payload)):
        return [], [(None, message.payload)]
    shift = {"x": math.nan, "nan": math.nan}.get(message.attributes.get("time_shift", "0"))
    shift = float(message.attributes.get("time_shift", "0")) if shift is None else shift
    good: list[list[Any]] = []
    bad: list[tuple[int | None, bytes]] = []
    for number, line in found:
        try:
            row = read_object(parse_object(line), METRICS, strict=strict)
        except RejectionError:
            bad.append((number or None, line))
            continue
        value = None if math.isnan(row.values[0]) else row.values[0]
        if row.ts >= 0 and 0 <= row.ts + shift < 4_102_444_800:
            good.append([number, row.device, round(row.ts * 1e6 + shift * 1e6) / 1e6, value])
        else:
            bad.append((number or None, line))
    return sorted(good), bad


with_reserved_flag = b"\x1f\x8b\x08\x20" + gzip.compress(GOOD, mtime=0)[4:]


@settings(max_examples=400)
@given(st.lists(messages(), min_size=1, max_size=4), st.booleans())
@example([Message(with_reserved_flag, {"content-encoding": "gzip"})], False)
def test_whatever_comes_in_comes_out_once_and_byte_for_byte(many, strict):
    many = [Message(one.payload, one.attributes, f"m{number}") for number, one in enumerate(many)]
    decoded = decode(many, STRICT if strict else SPEC)
    for message in many:
        good, bad = expected_of(message, strict)
        assert readings(decoded, message.message_id) == good
        letters = [letter for letter in decoded.rejected if letter.message_id == message.message_id]
        assert sorted([(x.line or 0, base64.b64decode(x.payload)) for x in letters]) == [(n or 0, b) for n, b in bad]


@settings(deadline=None)
@given(st.lists(messages(), max_size=6))
def test_messages_are_decoded_together_as_each_alone(many):
    many = [Message(one.payload, one.attributes, f"m{number}", 10**15 + number) for number, one in enumerate(many)]
    together = decode(many, SPEC)
    alone = {one.message_id: decode([one], SPEC) for one in many}
    assert together.ignored == sum((one.ignored for one in alone.values()), Counter())
    assert together.unread.counts == sum((one.unread.counts for one in alone.values()), Counter())
    assert together.unread.examples == first_examples(list(alone.values()))
    for name, one in alone.items():
        assert readings(together, name) == readings(one, name)
        assert [letter for letter in together.rejected if letter.message_id == name] == one.rejected


def first_examples(parts: list[DecodedBatch]) -> dict[ValueKind, str]:
    examples: dict[ValueKind, str] = {}
    for part in parts:
        examples = part.unread.examples | examples
    return examples


SLICED = st.lists(
    st.sampled_from(
        [
            GOOD,
            b'{"ts":1,"device":"b"}',
            b'{"ts":-1,"device":"a"}',
            b'{"ts":1,"device":"a","temp":NaN}',
            b'{"ts":1,"device":"a","temp":"warm"}',
            b"{}",
            b"x",
            b"",
        ]
    ),
    max_size=30,
)


def lines_of(decoded: DecodedBatch) -> list[bytes]:
    return [line for _, _, content in dead(decoded) for line in content.split(b"\n")]


@settings(deadline=None)
@given(SLICED, st.integers(1, 200), st.booleans())
def test_a_large_message_is_decoded_in_slices_to_the_same_end(lines, slice_bytes, zipped):
    """Its first lines have letters of their own; letters of several lines hold the rest of them."""
    content = b"\n".join(lines)
    packed = Message(gzip.compress(content, mtime=0), {"content-encoding": "gzip"}, "bad")
    message = packed if zipped else Message(content, {}, "bad")
    whole = decode([message], SPEC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "SLICE_BYTES", slice_bytes)
        sliced = decode([message], SPEC)
        assert readings(sliced) == readings(whole)
        assert dead(sliced) == dead(whole)
        assert sliced.ignored == whole.ignored
        assert (sliced.unread, sliced.fitted) == (whole.unread, whole.fitted)
        patch.setattr(line_letters, "MAX_LINE_LETTERS", 3)
        bounded = decode([message], SPEC)
        assert readings(bounded) == readings(whole)
        assert sorted(lines_of(bounded)) == sorted(lines_of(whole))
        assert len(bounded.rejected) <= 3 + len(content) // slice_bytes + 2


def test_readings_ahead_of_their_publish_time_are_kept_and_counted():
    """A clock may be ahead by the skew; a replay that shifts or speeds up time is exempt, and so are files."""
    bounds = ClockBounds(skew_us=2_000_000)
    line = b'{"ts":%d,"device":"a"}'
    payload = b"\n".join(line % ts for ts in (100, 102, 103, 200))
    for attributes, published_us, ahead, newest in (
        ({}, 100_000_000, 2, 102_000_000),
        ({"time_shift": "0"}, 100_000_000, 0, 200_000_000),
        ({"time_lapse": "60"}, 100_000_000, 0, 200_000_000),
        ({}, None, 0, 200_000_000),
    ):
        message = Message(payload, attributes, "m", published_us)
        found = codec.decode(
            MessageBatch.of([message, Message(GOOD, {}, "n", 10_000_000)]), DecodeSpec(METRICS, bounds)
        )
        assert (found.clock_ahead, found.newest_us) == (ahead, newest)
        assert [row[0] for row in readings(found, "m")] == [1, 2, 3, 4]
        assert found.rejected == []


@pytest.mark.parametrize("columns", [None, ("ts", "device", "temp")])
def test_readings_before_the_earliest_time_are_rejected(columns):
    """By their event time: a replay may shift old readings into the present."""
    lines = [b"43862,a,1", b"946684800,a,2", b"946684799.9,a,3"]
    if columns is None:
        lines = [b'{"ts":%b,"device":"%b","temp":%b}' % tuple(line.split(b",")) for line in lines]
    bounds = ClockBounds(earliest_us=EARLIEST_US)
    for shift, good in (("0", [2]), ("946684800", [1, 2, 3])):
        message = Message(b"\n".join(lines), {"time_shift": shift}, "bad", None, None, columns)
        found = codec.decode(MessageBatch.of([message]), DecodeSpec(METRICS, bounds))
        assert [row[0] for row in readings(found)] == good
        assert sorted((letter.line, letter.reason) for letter in found.rejected) == [
            (line, "bad_timestamp") for line in (1, 2, 3) if line not in good
        ]


@given(
    st.lists(
        st.sampled_from(
            [
                "1,a,2",
                '"1","a","2"',
                "1,a,NA",
                "1,a,warm",
                "1,a,2 C",
                "1,a,2, ,",
                "1, b",
                "\0001,b,2",
                "1,a",
                '1,"a',
                "x,a,2",
                ",a,",
                "-1,a,2",
                '1,"a"b,2',
                "",
                "1,a\r,2",
                " ",
                "\r",
            ]
        ),
        max_size=150,
    )
)
def test_lines_of_csv_are_read_in_bulk_or_alone_to_the_same_end(rows):
    def read(*some: str) -> DecodedBatch:
        return decode([Message("\n".join(some).encode(), {}, "bad", columns=("ts", "device", "temp"))], SPEC)

    alone = {row: read(row) for row in set(rows)}
    together = read(*rows)
    assert together.unread.counts == sum((alone[text].unread.counts for text in rows), Counter())
    assert together.fitted == sum(alone[text].fitted for text in rows)
    good = [[number, *row[1:]] for number, text in enumerate(rows, 1) for row in readings(alone[text])]
    bad = [(number, *letter[1:]) for number, text in enumerate(rows, 1) for letter in dead(alone[text])]
    assert readings(together) == good
    assert dead(together) == bad


def test_a_batch_knows_where_its_rows_came_from():
    first = Message(b'{"ts":1.5,"device":"a","co":1}\n{"ts":2,"device":"b"}', {"time_shift": "10"}, "m1")
    last = Message(b'{"device":"a","ts":3,"temp":-0.0,"humidity":null}\n', {}, "m2")
    batch = decode([first, last], DecodeSpec(DEFAULT_METRICS)).readings
    assert batch is not None
    assert batch.metrics == DEFAULT_METRICS
    assert [batch.devices[code] for code in batch.device] == ["a", "b", "a"]
    assert batch.event_us.tolist() == [11_500_000, 12_000_000, 3_000_000]
    assert batch.source_us.tolist() == [1_500_000, 2_000_000, 3_000_000]
    assert list(batch.messages) == [first, last]
    assert batch.message.tolist() == [0, 0, 1]
    assert batch.line.tolist() == [1, 2, 1]
    assert str(batch.values[DEFAULT_METRICS.index("temp")].tolist()) == "[nan, nan, 0.0]"
    assert str(batch.values[DEFAULT_METRICS.index("co")].tolist()) == "[1.0, nan, nan]"
    assert batch.breaches is None


@pytest.mark.parametrize("bad", [b"", b"\nx"])
def test_fields_nobody_knows_are_counted_alike_in_bulk_and_alone(bad):
    json_lines = b'{"ts":1,"device":"a","new":1,"smoke":2}\n{"ts":1,"device":"a","new":1}' + bad
    assert decode([Message(json_lines)], SPEC).ignored == {"new": 2}
    csv_lines = b"1,a,2,3,4\n1,b,2,3,4" + bad
    assert decode([Message(csv_lines, columns=("ts", "device", "temp", "new", "co"))], SPEC).ignored == {"new": 2}
    assert decode([Message(GOOD)], SPEC).ignored == {}


def test_metrics_of_which_true_and_false_are_numbers():
    spec = DecodeSpec(("light", "temp"), feed=Feed(metrics={"light": MetricFields(boolean=True), "temp": None}))
    lines = [b'{"ts":1,"device":"a","light":true,"temp":true}', b'{"ts":2,"device":"a","light":"off"}']
    columns = ("ts", "device", "light", "temp")
    for message in (Message(b"\n".join(lines)), Message(b"1,a,true,TRUE\n2,a,off,", columns=columns)):
        decoded = decode([message], spec)
        assert decoded.readings is not None
        assert str(decoded.readings.values.tolist()) == "[[1.0, 0.0], [nan, nan]]"
        assert list(decoded.unread.counts.values()) == [1]
        strict = decode([message], replace(spec, feed=msgspec.structs.replace(spec.feed, strict=True)))
        assert [letter.error for letter in strict.rejected][:1] == ["temp is a boolean, expected a number"]


def test_lines_are_read_back_from_where_they_came():
    plain = Message(b"a\nb\r\n\nd")
    packed = Message(gzip.compress(b"e\nf"), {"content-encoding": "gzip"})
    where, line = np.array([1, 0, 0, 1, 0], np.int32), np.array([2, 4, 2, 1, 0], np.int32)
    assert list(read_back([plain, packed], where, line)) == [b"f", b"d", b"b\r", b"e", plain.payload]
    assert list(read_back([plain], where[:0], line[:0])) == []
