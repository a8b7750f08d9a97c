import json
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.formats.values import NumberProblem
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.object_lines import count_objects
from tests.support.decoded_rows import rows_of, same
from tests.support.law_checks import counts_checks
from transforms.decode.decoded_columns import DecodedRow
from transforms.decode.json_lines import RowDecoder, row_decoder
from transforms.decode.json_objects import parse_object, read_object
from transforms.decode.metric_values import UnreadValue

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


loose = st.sampled_from(
    [
        '"22.7"',
        '"1,013.2"',
        '" 21.5 \u00b0C"',
        '"NA"',
        '" n/a "',
        '"--"',
        '""',
        '"nan"',
        '"-Inf"',
        '"warm"',
        '"on"',
        '"False"',
        "true",
        "[]",
        '{"a": NaN}',
        "NaN",
        "1" * 400,
    ]
)


@st.composite
def loose_lines(draw) -> bytes:
    """Lines with values that are no plain numbers, of which any JSON reader can read what is around them."""
    fields = [("ts", draw(numbers)), ("device", draw(names.filter(lambda name: name != '""')))]
    fields += [(metric, draw(numbers | names | loose)) for metric in draw(st.sets(st.sampled_from(METRICS)))]
    fields += [("unknown", draw(numbers | names | loose))] if draw(st.booleans()) else []
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


def outcome(read, *arguments) -> DecodedRow | tuple[Reason, str]:
    try:
        row: DecodedRow = read(*arguments)
    except RejectionError as rejection:
        return rejection.reason, rejection.error
    return row


def by_definition(line: bytes, strict: bool = False) -> DecodedRow:
    return read_object(parse_object(line), METRICS, strict=strict)


@counts_checks("a reading", "a value unread", "costs its row")
@settings(max_examples=400)
@given(
    st.one_of(plain_lines(), plain_lines(unknown=True), loose_lines(), odd_lines(), st.binary(max_size=30)),
    st.booleans(),
)
def test_a_line_reads_as_it_is_defined(checks, line, strict):
    expected = outcome(by_definition, line, strict)
    found = outcome(RowDecoder(METRICS, strict=strict).read_line, line)
    if isinstance(found, DecodedRow) and isinstance(expected, DecodedRow):
        checks["a reading"] += 1
        checks["a value unread"] += bool(expected.unread)
        assert same(found, expected)
    else:
        assert found == expected
        checks["costs its row"] += strict and isinstance(outcome(by_definition, line), DecodedRow)


@counts_checks("read at once", "not read at once", "a value unread")
@settings(max_examples=400)
@given(
    st.lists(st.one_of(plain_lines(), plain_lines(unknown=True), loose_lines(), odd_lines()), min_size=1, max_size=4),
    st.booleans(),
)
def test_lines_read_at_once_are_the_lines_read_alone(checks, lines, strict):
    decoder, payload = RowDecoder(METRICS, strict=strict), b"\n".join(lines)
    if count_objects(payload, MAX_LINE_BYTES) != len(lines):
        return
    columns = decoder.read_lines(payload, len(lines))
    checks["not read at once" if columns is None else "read at once"] += 1
    if columns is None:
        assert decoder.ignored == {}
        return
    checks["a value unread"] += columns.problems is not None
    assert all(map(same, rows_of(columns), [by_definition(line, strict) for line in lines]))
    one_by_one = RowDecoder(METRICS, strict=strict)
    for line in lines:
        one_by_one.read_line(line)
    assert decoder.ignored == one_by_one.ignored


@given(st.lists(loose_lines(), min_size=1, max_size=4))
def test_lines_with_values_of_any_type_are_read_at_once(lines):
    """Unless they are strict: a value that is no number is for the definition then."""
    payload = b"\n".join(lines)
    assert RowDecoder(METRICS).read_lines(payload, len(lines)) is not None
    read = RowDecoder(METRICS, strict=True).read_lines(payload, len(lines))
    assert read is None or all(isinstance(outcome(by_definition, line, True), DecodedRow) for line in lines)


@given(st.lists(st.one_of(plain_lines(), plain_lines(unknown=True)), min_size=1, max_size=4))
def test_plain_lines_are_read_at_once(lines):
    decoder = RowDecoder(METRICS)
    assert count_objects(b"\n".join(lines), MAX_LINE_BYTES) == len(lines)
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
]


UNREAD = [
    ("NaN", Reason.NOT_FINITE, "temp is nan", NAN),
    ("1e400", Reason.NOT_FINITE, "temp is inf", "not_finite inf"),
    ("-Infinity", Reason.NOT_FINITE, "temp is -inf", "not_finite -inf"),
    ("9" * 5_000, Reason.NOT_FINITE, "temp is inf", "not_finite inf"),
    ('" -INF "', Reason.NOT_FINITE, "temp is '-INF'", "not_finite  -INF "),
    ('"NaN"', Reason.NOT_FINITE, "temp is 'NaN'", NAN),
    ('"22.7"', Reason.WRONG_TYPE, "temp is a string '22.7', expected a number", 22.7),
    ('"22.7 \u00b0C"', Reason.WRONG_TYPE, "temp is a string '22.7 °C', expected a number", 22.7),
    ('"1,013.25"', Reason.WRONG_TYPE, "temp is a string '1,013.25', expected a number", 1013.25),
    ('""', Reason.WRONG_TYPE, "temp is a string '', expected a number", NAN),
    ('"NA"', Reason.WRONG_TYPE, "temp is a string 'NA', expected a number", NAN),
    ('"warm"', Reason.WRONG_TYPE, "temp is a string 'warm', expected a number", "not_a_number warm"),
    ('"\\n\\ud800"', Reason.WRONG_TYPE, "temp is a string '\\n\\ud800', expected a number", "not_a_number \\n\\ud800"),
    ("true", Reason.WRONG_TYPE, "temp is a boolean, expected a number", "not_a_number true"),
    ("[]", Reason.WRONG_TYPE, "temp is a array, expected a number", "not_a_number an array"),
    ("[" * 50_000 + "]" * 50_000, Reason.WRONG_TYPE, "temp is a array, expected a number", "not_a_number an array"),
    ('{"a": NaN}', Reason.WRONG_TYPE, "temp is a object, expected a number", "not_a_number an object"),
    (
        '"%s"' % ("x" * 1_000),
        Reason.WRONG_TYPE,
        f"temp is a string '{'x' * 80}', expected a number",
        f"not_a_number {'x' * 80}…",
    ),
]  # fmt: skip
"""Values of temp: why they cost their row if they do, and else the number, or what cannot be read."""


@pytest.mark.parametrize(("token", "reason", "error", "lenient"), UNREAD, ids=[token[:20] for token, *_ in UNREAD])
def test_a_value_that_is_no_number_costs_itself_or_its_row(token, reason, error, lenient):
    line = f'{{"ts": 1, "device": "a", "temp": {token}, "pressure": 7, "light": true}}'.encode()
    assert outcome(RowDecoder(METRICS, strict=True).read_line, line) == (reason, error)
    row = RowDecoder(METRICS).read_line(line)
    value = NAN if isinstance(lenient, str) else lenient
    problem, _, text = lenient.partition(" ") if isinstance(lenient, str) else ("", "", "")
    unread = (UnreadValue(0, NumberProblem(problem), text),) if problem else ()
    assert same(row, DecodedRow(1.0, "a", [value, 1.0, 7.0], unread))


@pytest.mark.parametrize(
    ("token", "value"), [("true", 1.0), ("0", 0.0), ('"true"', 1.0), ('"OFF"', 0.0), ('"NA"', NAN), ("0.5", 0.5)]
)
def test_metrics_that_are_true_or_false_are_read_from_words_too(token, value):
    line = b'{"ts": 1, "device": "a", "light": %s}' % token.encode()
    assert same(RowDecoder(METRICS).read_line(line), DecodedRow(1.0, "a", [NAN, value, NAN]))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("line", "reason", "error"), REJECTED, ids=[line[:45] for line, _, _ in REJECTED])
def test_a_line_that_is_no_reading_says_why(line, reason, error, strict):
    assert outcome(RowDecoder(METRICS, strict=strict).read_line, line.encode()) == (reason, error)


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
    assert count_objects(payload, MAX_LINE_BYTES) == count


@pytest.mark.parametrize(("length", "counted"), [(MAX_LINE_BYTES, 2), (MAX_LINE_BYTES + 1, None)])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_that_is_too_long_is_not_read_in_bulk(length, counted, first):
    lines = [b"{" + b" " * (length - 2) + b"}", b"{}"]
    assert count_objects(b"\n".join(lines if first else lines[::-1]), MAX_LINE_BYTES) == counted


def test_a_decoder_is_made_once_for_a_list_of_metrics():
    assert row_decoder(("temp",)) is row_decoder(("temp",))
    assert row_decoder(("temp",)) is not row_decoder(("co",))
    assert row_decoder(("temp",)) is not row_decoder(("temp",), strict=True)
