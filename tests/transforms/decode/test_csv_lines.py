import csv
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.formats.values import NumberProblem
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import MAX_LINE_BYTES
from tests.support.decoded_rows import rows_of, same
from tests.support.law_checks import counts_checks
from transforms.decode.csv_columns import read_csv_lines
from transforms.decode.csv_lines import (
    count_lines,
    read_csv_line,
)
from transforms.decode.decoded_columns import DecodedRow
from transforms.decode.json_lines import RowDecoder
from transforms.decode.metric_values import UnreadValue
from transforms.decode.plain_csv import _are_all_cells_quoted, _enclose_whole_cells

METRICS = ("temp", "pressure")
COLUMNS = ("device", "new", "ts", "temp", "light")

numbers = st.one_of(
    st.sampled_from(
        ["0", "-0", "+1", ".5", "5.", "007", " 1.5 ", "1.5945120943859746E9", "9007199254740993", "1e-400"]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
)
names = st.text("abcé °😀\x00\t07", min_size=1, max_size=5).filter(lambda name: name.replace("\0", "").strip())
odd = st.one_of(
    st.sampled_from(
        ["", " ", "nan", "-inf", "1e400", "1_0", "0x1p3", "null", "NA", "true", "١", "2020-07-12T00:00:00Z"]
    ),
    st.text('",\r ab1.\x00\x0bé\ufeff', max_size=6),
)


def quoted(cells: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(cells, st.booleans()).map(lambda pair: f'"{pair[0]}"' if pair[1] else pair[0])


def lines_of(name: st.SearchStrategy[str], number: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    anything = quoted(names)
    return st.tuples(quoted(name), anything, quoted(number), quoted(number), anything).map(",".join).map(str.encode)


plain_lines = lines_of(names, numbers)
metrics = st.sampled_from([METRICS, ("light", "temp")])
loose = st.one_of(
    st.sampled_from(["", " ", "NA", "nan", " n/a", "--", "- ", "unavailable", "NaN", "-nan", "inf", "-Infinity"]),
    st.sampled_from(["21.5 °C", "1 013.2", "95%", "warm", "true", "OFF", "1_0", "0x1p3", "١", "1e400"]),
    st.sampled_from(["9" * 150, "0." + "1" * 200]),
    st.text("0123456789.-+eE 'NAna°C", max_size=8),
)
any_values = quoted(numbers | loose)
loose_lines = (
    st.tuples(quoted(names), quoted(names), quoted(numbers), any_values, any_values).map(",".join).map(str.encode)
)
odd_lines = st.one_of(
    lines_of(names | odd, numbers | odd),
    st.lists(quoted(odd), max_size=7).map(",".join).map(str.encode),
    st.tuples(plain_lines, st.sampled_from([b"\xff", b'"', b"\r", b",", b"\xef\xbb\xbf"]), st.integers(0, 30)).map(
        lambda parts: parts[0][: parts[2]] + parts[1] + parts[0][parts[2] :]
    ),
)


def read(line, columns=COLUMNS) -> DecodedRow:
    return read_csv_line(line, columns, RowDecoder(METRICS))


def rejection(line, columns=COLUMNS) -> tuple[Reason, str]:
    with pytest.raises(RejectionError) as error:
        read(line, columns)
    return error.value.reason, error.value.error


@counts_checks("read in bulk", "a value unread", "strict")
@settings(max_examples=400)
@given(
    st.lists(st.one_of(plain_lines, loose_lines, odd_lines).filter(bytes.strip), min_size=1, max_size=4),
    metrics,
    st.booleans(),
)
def test_lines_read_in_bulk_are_the_lines_read_alone(checks, lines, some, strict):
    columns = read_csv_lines(b"\n".join(lines), len(lines), COLUMNS, some, strict=strict)
    if columns is not None:
        checks["read in bulk"] += 1
        checks["a value unread"] += columns.problems is not None
        checks["strict"] += strict
        decoder = RowDecoder(some, strict=strict)
        assert all(map(same, rows_of(columns), [read_csv_line(line, COLUMNS, decoder) for line in lines]))


@given(st.lists(plain_lines, min_size=1, max_size=4), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_plain_lines_are_read_in_bulk(lines, ending, strict):
    assert read_csv_lines(ending.join(lines), len(lines), COLUMNS, METRICS, strict=strict) is not None


@given(st.lists(loose_lines, min_size=1, max_size=4), metrics)
def test_lines_with_any_values_are_read_in_bulk(lines, some):
    assert read_csv_lines(b"\n".join(lines), len(lines), COLUMNS, some) is not None


ragged_lines = st.tuples(
    quoted(names), quoted(names), quoted(numbers), st.lists(quoted(numbers | loose), max_size=2),
    st.lists(st.sampled_from(["", " ", '""', '" "', "\0"]), max_size=3), st.sampled_from(["", "\0", "\r"]),
).map(lambda parts: ",".join([*parts[:3], *parts[3], *parts[4]]) + parts[5]).map(str.encode)  # fmt: skip


@counts_checks("fitted")
@settings(max_examples=300)
@given(st.lists(st.one_of(plain_lines, ragged_lines), min_size=1, max_size=4), metrics)
def test_lines_with_fewer_and_more_cells_are_read_in_bulk(checks, lines, some):
    columns = read_csv_lines(b"\n".join(lines), len(lines), COLUMNS, some)
    expected = [read_csv_line(line, COLUMNS, RowDecoder(some)) for line in lines]
    assert columns is not None
    checks["fitted"] += columns.fitted is not None
    assert all(map(same, rows_of(columns), expected))


@pytest.mark.parametrize("line", [b"a,x,1,2", b"a,x,1,2,3,", b"\0a,x,1,2,3", b" a,x,1,2,3"])
def test_a_strict_decoder_takes_lines_as_they_are(line):
    decoder = RowDecoder(METRICS, strict=True)
    columns = read_csv_lines(line, 1, COLUMNS, METRICS, strict=True)
    if line.count(b",") == 4:
        name = line.partition(b",")[0].decode()
        assert read_csv_line(line, COLUMNS, decoder).device == name
        assert columns is not None
        assert columns.names == (name,)
    else:
        assert columns is None
        with pytest.raises(RejectionError, match="cells under a header of 5"):
            read_csv_line(line, COLUMNS, decoder)


@counts_checks("quoted throughout")
@settings(max_examples=500)
@given(st.lists(st.text('",\n\r1', max_size=6).map(lambda cell: f'"{cell}"'), min_size=1, max_size=8).map(",".join))
def test_what_looks_quoted_throughout_is_what_encloses_whole_cells(checks, text):
    content = np.frombuffer(text.encode(), np.uint8)
    if _are_all_cells_quoted(content):
        checks["quoted throughout"] += 1
        assert _enclose_whole_cells(content)


@pytest.mark.parametrize(
    ("lines", "throughout"),
    [
        (b'"1","a"\n"2","b"', True),
        (b'"","a"\n"2",""', True),
        (b'"1","a\n"2","b"', False),  # one quote is missing
        (b'"1",a\n"2","b"', False),
        (b'"1","a,b"\n"2",","', False),  # whole cells, but one looks like the border of two
        (b'","', False),
        (b'"1"', True),
        (b'"', False),
    ],
)
def test_lines_that_are_quoted_throughout_are_seen(lines, throughout):
    assert _are_all_cells_quoted(np.frombuffer(lines, np.uint8)) is throughout


def test_columns_hold_what_the_lines_say():
    lines = b'"b8:27",x,1594512094.3859746,"22.7",true\r\n007,,2,,\r\n'
    columns = read_csv_lines(lines, 2, COLUMNS, METRICS)
    assert columns is not None
    expected = [DecodedRow(1594512094.3859746, "b8:27", [22.7, math.nan]), DecodedRow(2.0, "007", [math.nan, math.nan])]
    assert str(rows_of(columns)) == str(expected)
    assert str(list(map(read, lines.split(b"\n")[:2]))) == str(expected)


UNUSUAL = {
    "a quote after a quoted cell": b'"a"b,x,1,2,3',
    "a quote after an empty cell": b'""b,x,1,2,3',
    "a comma and a quote inside": b'"a,"b",x,1,2,3',
    "a doubled quote": b'"a""b",x,1,2,3',
    "a quote within": b'a"b,x,1,2,3',
    "a quote in a cell nobody asks for": b'a,"x"y,1,2,3',
    "a quote left open": b'a,x,1,2,"3',
    "a lone return": b"a\rb,x,1,2,3",
    "a mark of byte order": b"\xef\xbb\xbfa,x,1,2,3",
    "no UTF-8 in a cell nobody asks for": b"a,\xff,1,2,3",
    "no UTF-8": b"\xff,x,1,2,3",
    "no device": b",x,1,2,3",
    "no time": b"a,x,,2,3",
    "a time in words": b"a,x,2020-07-12T00:00:00Z,2,3",
    "an endless time": b"a,x,inf,2,3",
    "one cell": b"a",
    "too few cells for a time": b"a,x",
    "too many cells": b"a,x,1,2,3,4",
    "no device but spaces": b" ,x,1,2,3",
    "no line but a byte of zero": b"\0",
}


@pytest.mark.parametrize("line", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_left_to_the_definition(line):
    assert read_csv_lines(line, 1, COLUMNS, METRICS) is None
    assert read_csv_lines(b"b,x,1,2,3\n" + line, 2, COLUMNS, METRICS) is None or line.startswith(b"\xef\xbb\xbf")
    assert read_csv_lines(b"b,x,1,2,3", 1, COLUMNS, METRICS) is not None


def test_cells_do_not_wander_between_lines():
    lines = [b'"a', b'",x,1,2,3', b"c,x,4,5,6\rd,x,7,8,9"]  # taken together three rows, but not these three lines
    assert read_csv_lines(b"\n".join(lines), 3, COLUMNS, METRICS) is None
    assert [rejection(line) for line in lines] == [
        (Reason.BAD_ROW, "unexpected end of data"),
        (Reason.BAD_ROW, "unexpected end of data"),
        (Reason.BAD_ROW, "0 cells under a header of 5"),
    ]


@counts_checks("counted", "not counted")
@given(
    st.lists(st.sampled_from([b"a,1", b"", b" ", b"\r", b" a", b"a ", b"\x0bb", b"\xa0", b'"', b"x" * 20]), max_size=6)
)
def test_lines_are_counted_where_none_is_blank_or_begins_with_a_space(checks, lines):
    counted = count_lines(b"\n".join(lines))
    checks["not counted" if counted is None else "counted"] += 1
    if counted is not None:
        assert counted == len(lines) == len([line for line in lines if line.strip()])
    else:
        assert any(line[:1].strip() == b"" for line in lines) or not lines


@pytest.mark.parametrize(("length", "counted"), [(MAX_LINE_BYTES, 2), (MAX_LINE_BYTES + 1, None)])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_that_is_too_long_is_not_read_in_bulk(length, counted, first):
    lines = [b"x" * length, b"y"]
    assert count_lines(b"\n".join(lines if first else lines[::-1])) == counted


@pytest.mark.parametrize("expected", [1, 3])
def test_another_number_of_lines_than_expected_is_unusual(expected):
    assert read_csv_lines(b"a,x,1,2,3\nb,x,1,2,3", expected, COLUMNS, METRICS) is None


@pytest.mark.parametrize(
    ("columns", "missing"), [(("a", "device", "c"), "ts"), (("ts", "b", "c"), "device"), (("a", "b", "c"), "ts")]
)
def test_a_header_without_ts_or_device_makes_every_line_a_dead_letter(columns, missing):
    assert read_csv_lines(b"1,2,3", 1, columns, METRICS) is None
    assert rejection(b"1,2,3", columns) == (Reason.MISSING_FIELD, f"{missing} is missing")


@pytest.mark.parametrize(
    "line",
    [b"a,x,1,nan,3", b"a,x,1,-inf,3", b"a,x,1,1e400,3", b"a,x,1,warm,3", b"a,x,1,NA,3", b"a,x,1,null,3", b"a,x,1, ,3"],
)
def test_what_is_no_number_is_left_to_the_definition_if_it_is_strict(line):
    assert read_csv_lines(line, 1, COLUMNS, METRICS, strict=True) is None
    assert read_csv_lines(line, 1, COLUMNS, METRICS) is not None
    assert read_csv_lines(b"a,x,1,2,nan", 1, COLUMNS, METRICS, strict=True) is not None  # nobody asks for light


def test_truth_values_are_left_to_the_definition_if_it_is_strict():
    assert read_csv_lines(b"a,x,1,2,true", 1, COLUMNS, ("light",), strict=True) is None
    assert read_csv_line(b"a,x,1,2,TRUE", COLUMNS, RowDecoder(("light",))) == DecodedRow(1.0, "a", [1.0])
    columns = read_csv_lines(b"a,x,1,2,TRUE\nb,x,1,2,off\nb,x,1,2,0", 3, COLUMNS, ("light",))
    assert columns is not None
    assert columns.values.tolist() == [[1.0, 0.0, 0.0]]
    assert columns.problems is None


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"a,x,1,+2,3", DecodedRow(1.0, "a", [2.0, math.nan])),
        (b" a ,x, 1 ,\t2,3\r", DecodedRow(1.0, "a", [2.0, math.nan])),
        (b"a,x, 1970-01-01T00:00:02Z ,2,3", DecodedRow(2.0, "a", [2.0, math.nan])),
        (b"a,x,1", DecodedRow(1.0, "a", [math.nan, math.nan], is_fitted=True)),
        (b"a,x,1,2\r", DecodedRow(1.0, "a", [2.0, math.nan], is_fitted=True)),
        (b'a,x,1,2,3,," "', DecodedRow(1.0, "a", [2.0, math.nan], is_fitted=True)),
        (b"\0\0a,x,1\0,2,3", DecodedRow(1.0, "a", [2.0, math.nan])),
        (b'"a""b",x,1,2,3', DecodedRow(1.0, 'a"b', [2.0, math.nan])),
        (b'"a,b",x,1,2,3', DecodedRow(1.0, "a,b", [2.0, math.nan])),
        (b'a"b,x,1,2,3', DecodedRow(1.0, 'a"b', [2.0, math.nan])),
        ("é😀,x,1,2,3".encode(), DecodedRow(1.0, "é😀", [2.0, math.nan])),
        (b"true,x,1970-01-01T00:00:02Z,,3", DecodedRow(2.0, "true", [math.nan, math.nan])),
    ],
)
def test_a_line_reads_cell_by_cell(line, row):
    assert str(read(line)) == str(row)


@pytest.mark.parametrize(
    ("line", "reason", "error"),
    [
        (b"a", Reason.BAD_ROW, "1 cells under a header of 5"),
        (b"a,x,1,2,3,4", Reason.BAD_ROW, "6 cells under a header of 5"),
        (b"a,x", Reason.MISSING_FIELD, "ts is missing"),
        (b"\0", Reason.BAD_ROW, "0 cells under a header of 5"),
        (b" \t,x,1,2,3", Reason.MISSING_FIELD, "device is missing"),
        (b'a,x,1,2,"3', Reason.BAD_ROW, "unexpected end of data"),
        (b"a\rb,x,1,2,3", Reason.BAD_ROW, "0 cells under a header of 5"),
        (b"a,x,1,2,\xff", Reason.NOT_UTF8, "invalid UTF-8 at byte 8"),
        (b",x,1,2,3", Reason.MISSING_FIELD, "device is missing"),
        (b"a,x, ,2,3", Reason.MISSING_FIELD, "ts is missing"),
        (b"a,x,soon,2,3", Reason.BAD_TIMESTAMP, "ts 'soon' is no point in time"),
        (b"a,x,inf,2,3", Reason.BAD_TIMESTAMP, "ts 'inf' is no point in time"),
        (b"a,x,1e400,2,3", Reason.BAD_TIMESTAMP, "ts is inf"),
        (b"a,x,true,2,3", Reason.WRONG_TYPE, "ts is a boolean, expected seconds since the epoch"),
        (b"x" * (MAX_LINE_BYTES + 1), Reason.TOO_LARGE, "line of 262145 bytes, at most 262144 are read"),
    ],
)
def test_a_line_that_is_no_reading_says_why(line, reason, error):
    assert rejection(line) == (reason, error)


@pytest.mark.parametrize(
    ("cell", "reason", "error", "lenient"),
    [
        ("nan", Reason.NOT_FINITE, "temp is 'nan'", math.nan),
        ("1e400", Reason.NOT_FINITE, "temp is inf", "not_finite 1e400"),
        ("1_0", Reason.WRONG_TYPE, "temp is a string '1_0', expected a number", "not_a_number 1_0"),
        ("TRUE", Reason.WRONG_TYPE, "temp is a boolean, expected a number", "not_a_number TRUE"),
        ("warm", Reason.WRONG_TYPE, "temp is a string 'warm', expected a number", "not_a_number warm"),
        ("21.5 °C", Reason.WRONG_TYPE, "temp is a string '21.5 °C', expected a number", 21.5),
        ('"1,013.2"', Reason.WRONG_TYPE, "temp is a string '1,013.2', expected a number", 1013.2),
        ("--", Reason.WRONG_TYPE, "temp is a string '--', expected a number", math.nan),
    ],
)
def test_a_cell_that_is_no_number_costs_itself_or_its_row(cell, reason, error, lenient):
    line = f"a,x,1,{cell},3".encode()
    with pytest.raises(RejectionError) as rejected:
        read_csv_line(line, COLUMNS, RowDecoder(METRICS, strict=True))
    assert (rejected.value.reason, rejected.value.error) == (reason, error)
    problem, _, text = lenient.partition(" ") if isinstance(lenient, str) else ("", "", "")
    unread = (UnreadValue(0, NumberProblem(problem), text),) if problem else ()
    expected = DecodedRow(1.0, "a", [math.nan if problem else lenient, math.nan], unread)
    assert same(read(line), expected)
    columns = read_csv_lines(line, 1, COLUMNS, METRICS)
    assert columns is not None
    assert same(rows_of(columns)[0], expected)


@pytest.mark.parametrize("character", [b"x", b"\x01"], ids=["plain", "escaped in JSON"])
def test_a_cell_may_be_as_long_as_a_line(character):
    line = character * (MAX_LINE_BYTES - 8) + b",x,1,2,3"
    columns = read_csv_lines(line, 1, COLUMNS, METRICS)
    assert columns is not None
    assert str(rows_of(columns)) == str([read(line)])
    assert len(read(line).device) == MAX_LINE_BYTES - 8


def test_a_long_cell_leaves_the_limit_of_the_process_as_it_was():
    limit = csv.field_size_limit()
    long = b"x" * (MAX_LINE_BYTES - 8) + b",x,1,2,3"
    assert len(read(long).device) == MAX_LINE_BYTES - 8
    with pytest.raises(RejectionError):
        read(long[:-1] + b'"')
    assert csv.field_size_limit() == limit
