import json
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from tests.support.law_checks import counts_checks
from transforms.decode.json_lines import DecodedRow, RowDecoder, count_objects, parse_object, read_object, row_decoder

METRICS = ("temp", "light", "pressure")
KNOWN = {"ts", "device", "pressure", "co", "humidity", "light", "lpg", "motion", "smoke", "temp"}
NAN = math.nan

numbers = st.one_of(
    st.sampled_from(["0", "-0", "-0.0", "1594512094.3859746", "1.5945120943859746E9", "9007199254740993", "1e-400"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(json.dumps)
odd = st.sampled_from(
    [
        "null",
        "true",
        "false",
        "NaN",
        "-Infinity",
        "1e400",
        "1" * 5_000,
        '""',
        '"1"',
        '"nan"',
        '"2020-07-12T00:00:00Z"',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\t"',
        '"\\x"',
        "[1, {}]",
        '{"a": []}',
        "01",
        "1.",
        "tru",
        "",
    ]
)
anything = st.one_of(numbers, names, odd)
keys = st.sampled_from([*sorted(KNOWN), "unknown", "\\u0074emp", "", "\\ud800", "dévice"])


def object_of(fields: list[tuple[str, str]]) -> bytes:
    inside = ", ".join(f'"{key}": {token}' for key, token in fields)
    return f"{{{inside}}}".encode()


@st.composite
def plain_lines(draw, unknown=False) -> bytes:
    fields = [("ts", draw(numbers)), ("device", draw(names.filter(lambda name: name != '""')))]
    fields += [(metric, draw(numbers | st.just("null"))) for metric in draw(st.sets(st.sampled_from(METRICS)))]
    fields += [("motion", draw(st.sampled_from(["true", "null", "0", '"x"'])))] if draw(st.booleans()) else []
    fields += [("unknown", draw(numbers | names))] if unknown else []
    return object_of(draw(st.permutations(fields)))


@st.composite
def odd_lines(draw) -> bytes:
    fields = [("ts", draw(numbers)), ("device", '"a"')][draw(st.integers(0, 1)) :]
    fields += draw(st.lists(st.tuples(keys, anything), max_size=3))
    space: str = draw(st.sampled_from(["", " ", "\r", "\x00", "{}", "\ufeff"]))
    line = object_of(draw(st.permutations(fields))) + space.encode()
    if draw(st.booleans()):
        return line
    at: int = draw(st.integers(0, len(line)))
    byte: bytes = draw(st.sampled_from([b"\xff", b"\xc3", b"}", b'"', b"\\"]))
    return line[:at] + byte + line[at + 1 :]


def same(one: DecodedRow, other: DecodedRow) -> bool:
    values = zip(one.values, other.values, strict=True)
    return one[:2] == other[:2] and all(a == b or (a != a and b != b) for a, b in values)


def outcome(read, *arguments) -> DecodedRow | tuple[Reason, str]:
    try:
        row: DecodedRow = read(*arguments)
    except RejectionError as rejection:
        return rejection.reason, rejection.error
    return row


def by_definition(line: bytes) -> DecodedRow:
    return read_object(parse_object(line), METRICS)


@counts_checks("a reading")
@settings(max_examples=300)
@given(st.one_of(plain_lines(), plain_lines(unknown=True), odd_lines(), st.binary(max_size=30)))
def test_a_line_reads_as_it_is_defined(checks, line):
    expected, found = outcome(by_definition, line), outcome(RowDecoder(METRICS).read_line, line)
    if isinstance(found, DecodedRow) and isinstance(expected, DecodedRow):
        checks["a reading"] += 1
        assert same(found, expected)
    else:
        assert found == expected


@counts_checks("read at once", "not read at once")
@settings(max_examples=200)
@given(st.lists(st.one_of(plain_lines(), plain_lines(unknown=True), odd_lines()), min_size=1, max_size=4))
def test_lines_read_at_once_are_the_lines_read_alone(checks, lines):
    decoder, payload = RowDecoder(METRICS), b"\n".join(lines)
    if count_objects(payload) != len(lines):
        return
    columns = decoder.read_lines(payload, len(lines))
    checks["not read at once" if columns is None else "read at once"] += 1
    if columns is None:
        assert decoder.ignored == {}
        return
    rows = [
        DecodedRow(*row) for row in zip(columns.ts.tolist(), columns.devices, columns.values.T.tolist(), strict=True)
    ]
    assert all(map(same, rows, map(by_definition, lines)))
    one_by_one = RowDecoder(METRICS)
    for line in lines:
        one_by_one.read_line(line)
    assert decoder.ignored == one_by_one.ignored


@given(st.lists(st.one_of(plain_lines(), plain_lines(unknown=True)), min_size=1, max_size=4))
def test_plain_lines_are_read_at_once(lines):
    decoder = RowDecoder(METRICS)
    assert count_objects(b"\n".join(lines)) == len(lines)
    assert decoder.read_lines(b"\n".join(lines), len(lines)) is not None
    assert decoder.ignored == Counter({"unknown": sum(b'"unknown"' in line for line in lines)}) - Counter()


def test_columns_hold_what_the_lines_say():
    lines = b'{"ts":1.5,"device":"a","temp":20,"light":true}\n{"device":"b","pressure":null,"ts":2,"co":7,"new":"x"}'
    decoder = RowDecoder(METRICS)
    columns = decoder.read_lines(lines, 2)
    assert columns is not None
    assert columns.ts.tolist() == [1.5, 2.0]
    assert columns.devices == ["a", "b"]
    assert str(columns.values.tolist()) == str([[20.0, NAN], [1.0, NAN], [NAN, NAN]])
    assert decoder.ignored == {"new": 1}


@pytest.mark.parametrize("expected", [1, 3])
def test_another_number_of_lines_than_expected_is_unusual(expected):
    assert RowDecoder(METRICS).read_lines(b'{"ts":1,"device":"a"}\n{"ts":2,"device":"a","new":1}', expected) is None


def test_ignored_fields_are_counted_for_readings_only():
    decoder = RowDecoder(METRICS)
    assert decoder.read_lines(b'{"ts":1,"device":"a","new":1}\n{"ts":1,"device":"","new":1}', 2) is None
    with pytest.raises(RejectionError):
        decoder.read_line(b'{"ts":1,"new":1}')
    assert decoder.ignored == {}
    decoder.read_line(b'{"ts":1,"device":"a","new":1,"smoke":2}')
    assert decoder.ignored == {"new": 1}


@pytest.mark.parametrize("unknown", [b'"\xff": 1', b'"new": "\xff"', b'"new": ["\xc3\x28"]', b'"\xed\xa0\x80": 1'])
def test_fields_that_are_skipped_must_be_utf_8_too(unknown):
    good, bad = b'{"ts":1,"device":"a"}', b'{"ts":1,"device":"a",%b}' % unknown
    assert RowDecoder(METRICS).read_lines(good + b"\n" + bad, 2) is None
    assert outcome(RowDecoder(METRICS).read_line, bad) == outcome(by_definition, bad)
    first = next(place for place, byte in enumerate(bad) if byte > 127)
    assert outcome(by_definition, bad) == (Reason.NOT_UTF8, f"invalid UTF-8 at byte {first}")


REJECTED = [
    ("{}", Reason.MISSING_FIELD, "ts is missing"),
    ('{"ts": null, "device": "a"}', Reason.MISSING_FIELD, "ts is missing"),
    ('{"ts": 1}', Reason.MISSING_FIELD, "device is missing"),
    ('{"ts": 1, "device": ""}', Reason.MISSING_FIELD, "device is missing"),
    ('{"ts": 1, "device": null}', Reason.MISSING_FIELD, "device is missing"),
    ('{"ts": 1, "device": 5}', Reason.WRONG_TYPE, "device is a number, expected a string"),
    ('{"ts": 1, "device": ["a"]}', Reason.WRONG_TYPE, "device is a array, expected a string"),
    ('{"ts": 1, "device": "\\ud800"}', Reason.NOT_UTF8, "device holds an unpaired surrogate"),
    ('{"ts": true, "device": "a"}', Reason.WRONG_TYPE, "ts is a boolean, expected seconds since the epoch"),
    ('{"ts": {}, "device": "a"}', Reason.WRONG_TYPE, "ts is a object, expected seconds since the epoch"),
    ('{"ts": "soon", "device": "a"}', Reason.BAD_TIMESTAMP, "ts 'soon' is no point in time"),
    ('{"ts": "", "device": "a"}', Reason.BAD_TIMESTAMP, "ts '' is no point in time"),
    ('{"ts": "1e305", "device": "a"}', Reason.BAD_TIMESTAMP, "ts '1e305' is no point in time"),
    ('{"ts": "2020-07-12", "device": "a"}', Reason.BAD_TIMESTAMP, "ts '2020-07-12' is no point in time"),
    ('{"ts": "\\ud800", "device": "a"}', Reason.BAD_TIMESTAMP, "ts '\\ud800' is no point in time"),
    ('{"ts": NaN, "device": "a"}', Reason.BAD_TIMESTAMP, "ts is nan"),
    ('{"ts": -1e999, "device": "a"}', Reason.BAD_TIMESTAMP, "ts is -inf"),
    ('{"ts": 1, "device": "a", "temp": NaN}', Reason.NOT_FINITE, "temp is nan"),
    ('{"ts": 1, "device": "a", "temp": 1e400}', Reason.NOT_FINITE, "temp is inf"),
    ('{"ts": 1, "device": "a", "temp": %s}' % ("9" * 5_000), Reason.NOT_FINITE, "temp is inf"),
    ('{"ts": 1, "device": "a", "temp": " -INF "}', Reason.NOT_FINITE, "temp is '-INF'"),
    ('{"ts": 1, "device": "a", "temp": "NaN"}', Reason.NOT_FINITE, "temp is 'NaN'"),
    ('{"ts": 1, "device": "a", "temp": "22.7"}', Reason.WRONG_TYPE, "temp is a string '22.7', expected a number"),
    ('{"ts": 1, "device": "a", "temp": ""}', Reason.WRONG_TYPE, "temp is a string '', expected a number"),
    ('{"ts": 1, "device": "a", "temp": true}', Reason.WRONG_TYPE, "temp is a boolean, expected a number"),
    ('{"ts": 1, "device": "a", "temp": []}', Reason.WRONG_TYPE, "temp is a array, expected a number"),
    ('{"ts": 1, "device": "a", "light": "true"}', Reason.WRONG_TYPE, "light is a string 'true', expected a number"),
    ("[1]", Reason.NOT_AN_OBJECT, "a JSON array, expected an object"),
    ("null", Reason.NOT_AN_OBJECT, "a JSON null, expected an object"),
    ("7", Reason.NOT_AN_OBJECT, "a JSON number, expected an object"),
    ('"{}"', Reason.NOT_AN_OBJECT, "a JSON string, expected an object"),
    ("false", Reason.NOT_AN_OBJECT, "a JSON boolean, expected an object"),
    ("[" * 100_000, Reason.NOT_JSON, "Expecting a value (char 100000)"),
    (
        '{"ts": 1, "device": "a", "new": %s}' % ("[" * 50_000 + "]" * 49_999),
        Reason.NOT_JSON,
        "Expecting a comma or an end (char 100031)",
    ),
    (
        '{"ts": 1, "device": "a", "temp": %s}' % ("[" * 50_000 + "]" * 50_000),
        Reason.WRONG_TYPE,
        "temp is a array, expected a number",
    ),
]


@pytest.mark.parametrize(("line", "reason", "error"), REJECTED, ids=[line[:45] for line, _, _ in REJECTED])
def test_a_line_that_is_no_reading_says_why(line, reason, error):
    assert outcome(RowDecoder(METRICS).read_line, line.encode()) == (reason, error)


def test_a_long_text_is_cut_in_the_error():
    line = b'{"ts": 1, "device": "a", "temp": "%b"}' % (b"x" * 1_000)
    expected = f"temp is a string '{'x' * 80}', expected a number"
    assert outcome(RowDecoder(METRICS).read_line, line) == (Reason.WRONG_TYPE, expected)


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_a_line_has_a_longest_length(extra, fits):
    start = b'{"ts": 1, "device": "'
    line = start + b"x" * (MAX_LINE_BYTES + extra - len(start) - 2) + b'"}'
    too_large = (Reason.TOO_LARGE, "line of 262145 bytes, at most 262144 are read")
    found = outcome(RowDecoder(METRICS).read_line, line)
    assert isinstance(found, DecodedRow) if fits else found == too_large
    assert len(RowDecoder(METRICS).read_document(line).device) == len(line) - len(start) - 2


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (b"{}", 1),
        (b"{}\n{}", 2),
        (b"{}{}\n{}", 2),
        (b"", None),
        (b"\n", None),
        (b"{}\n", None),
        (b"\n{}", None),
        (b"{}\n\n{}", None),
        (b"{}\r\n{}", None),
        (b" {}", None),
        (b'{"a":\n1}', None),
        (b"[]\n{}", None),
        (b"\xef\xbb\xbf{}", None),
    ],
)
def test_lines_are_counted_where_each_looks_like_an_object(payload, count):
    assert count_objects(payload) == count


@pytest.mark.parametrize(("length", "counted"), [(MAX_LINE_BYTES, 2), (MAX_LINE_BYTES + 1, None)])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_that_is_too_long_is_not_read_in_bulk(length, counted, first):
    lines = [b"{" + b" " * (length - 2) + b"}", b"{}"]
    assert count_objects(b"\n".join(lines if first else lines[::-1])) == counted


def test_a_decoder_is_made_once_for_a_list_of_metrics():
    assert row_decoder(("temp",)) is row_decoder(("temp",))
    assert row_decoder(("temp",)) is not row_decoder(("co",))
