import csv
import gzip
import io
import os
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher import csv_blocks
from publisher.csv_blocks import InputError
from publisher.csv_input import CsvChunk, CsvTable, UnparsedLines, check_input, parse_columns, read_chunks
from telemetry.errors import ConfigError
from telemetry.model.messages import MAX_LINE_BYTES
from tests.support import needs
from tests.support.law_checks import counts_checks

BLANK = " \t\n\r\x0b\x0c"
Item = tuple[str, ...] | str
"""A row as its cells, or an odd line."""

CELL = st.text(st.sampled_from('ab1,."\r\n \t\x0bé€'), max_size=6)
BYTES = st.lists(
    st.sampled_from([b"a,b,c", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b" ", b"\n\n", b"\xff", b"\xc3\xa9", b"x"]),
    max_size=30,
).map(b"".join)


def items(pieces: Iterable[CsvChunk]) -> list[Item]:
    """Return the content of chunks, however it is cut into them."""
    found: list[Item] = []
    for piece in pieces:
        found.extend(map(tuple, piece.rows) if isinstance(piece, CsvTable) else piece.lines)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write_file(content: bytes | str, name: str = "input.csv") -> str:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return write_file


def read(path: str, mapping: dict[str, str] | None = None) -> list[CsvChunk]:
    return list(read_chunks(path, mapping or {}))


def read_bytes(content: bytes, block_bytes: int = 1 << 18) -> list[Item]:
    """Read content through standard input, in blocks of at most so many bytes."""
    stdin = mock.Mock(buffer=io.BufferedReader(io.BytesIO(content)))
    with mock.patch.object(sys, "stdin", stdin), mock.patch.object(csv_blocks, "_BLOCK_BYTES", block_bytes):
        return items(read_chunks("-", {}))


ROWS: list[Item] = [("1.5", "a", "20"), ("2.5", "b", "21")]


@pytest.mark.parametrize(
    "content",
    [
        b"ts,device,temp\n1.5,a,20\n2.5,b,21\n",
        b"ts,device,temp\n1.5,a,20\n2.5,b,21",
        b"ts,device,temp\r\n1.5,a,20\r\n2.5,b,21\r\n",
        b"\xef\xbb\xbfts,device,temp\n1.5,a,20\n2.5,b,21\n",
        b'\xef\xbb\xbf"ts","device","temp"\r\n"1.5","a","20"\r\n"2.5","b","21"\r\n',
        b"\n  \nts,device,temp\n1.5,a,20\n2.5,b,21\n",
    ],
    ids=["LF", "no last line feed", "CRLF", "BOM", "BOM, quotes and CRLF", "blank lines first"],
)
@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_same_rows_however_they_are_written_and_whatever_the_name_says(write, content, name, compress):
    pieces = read(write(compress(content), name))
    assert items(pieces) == ROWS
    assert {piece.columns for piece in pieces if isinstance(piece, CsvTable)} == {("ts", "device", "temp")}


def test_the_columns_keep_their_order(write):
    (table,) = read(write("temp,extra,device,ts\n20,x,a,1\n"))
    assert table == CsvTable(("temp", "extra", "device", "ts"), [["20", "x", "a", "1"]])


def test_gzip_members_in_a_row_are_one_input(write):
    content = gzip.compress(b"ts,device,temp\n1.5,a,") + gzip.compress(b"20\n2.5,b,21\n")
    assert items(read(write(content))) == ROWS


def test_standard_input_plain_or_gzip():
    content = b"ts,device\n1,a\n"
    assert read_bytes(content) == read_bytes(gzip.compress(content)) == [("1", "a")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('ts,device,note\n1,a,"x, ""y"""\n', [("1", "a", 'x, "y"')]),
        ('ts,device,note\n1,a,"two\nlines"\n2,b,c\n', [("1", "a", "two\nlines"), ("2", "b", "c")]),
        ('ts,device,note\r\n1,a,"two\r\nlines"\r\n2,b,c\r\n', [("1", "a", "two\r\nlines"), ("2", "b", "c")]),
        ('ts,device,note\n1,a,"\n\n\n"\n2,b,c\n', [("1", "a", "\n\n\n"), ("2", "b", "c")]),
        ('ts,device,note\n"1","a","open\n2,b,c\n3,c,d\n', ['"1","a","open', ("2", "b", "c"), ("3", "c", "d")]),
        ('ts,device,note\n"1","a","open\n"2","b","c"\n', ['"1","a","open', ("2", "b", "c")]),
        ('ts,device,note\n1,a,"open at the end', ['1,a,"open at the end']),
        ('ts,device,note\n1,"a\nb"\n2,b,c\n', ['1,"a', 'b"', ("2", "b", "c")]),
        ('ts,device,note\n1,a,"x"y\n', ['1,a,"x"y']),
        ('ts,device,note\n1,a,5" pipe\n', [("1", "a", '5" pipe')]),
        ("ts,device,note\n1\n2,b,c\n3,c,d,e\n", ["1", ("2", "b", "c"), "3,c,d,e"]),
        ("ts,device,note\r\n1\r\n2,b,c\r\n", ["1", ("2", "b", "c")]),
        ('ts,device,note\n1,a\n2,"b"\r\n3,c,d, ,""\n', [("1", "a", ""), ("2", "b", ""), ("3", "c", "d")]),
        ("ts,device,note\n1\n1,a\n2,b,,\n", ["1", ("1", "a", ""), ("2", "b", "")]),
        ("ts,device,note\n\n1,a,b\n \t \r\n\x0b\x0c\n2,b,c\n\n", [("1", "a", "b"), ("2", "b", "c")]),
        ("ts,device,note\n1,a,b\rc\n2,b,c\n", ["1,a,b\rc", ("2", "b", "c")]),
        ("ts,device,note\n1,a,\n,,\n", [("1", "a", ""), ("", "", "")]),
        ("ts,device,note\n 1 , a , b \n", [(" 1 ", " a ", " b ")]),
        ("ts,device,note\n\x00\x001,a,\x00\n", [("1", "a", "")]),
        ("ts,device,note\n\x00\n\x001,a\n\x00x\n", ["\x00", ("1", "a", ""), "\x00x"]),
        ("ts, device ,no\x00te\n 1,a,b\n", [(" 1", "a", "b")]),
        ("ts,device,note\n1,a,\u2028\x85\x1c\n", [("1", "a", "\u2028\x85\x1c")]),
        ("ts,device,note\n", []),
    ],
    ids=[
        "quotes", "line break in a cell", "CRLF in a cell", "blank lines in a cell", "quote left open",
        "quote left open before quotes", "quote left open at the end", "too few cells over two lines",
        "text after a quote", "a quote within a cell", "too few and too many cells", "too few cells, CRLF",
        "fitted cells", "fitted cells beside a bad line", "blank lines", "CR within a line", "empty cells",
        "blanks stay", "NUL", "NUL beside bad lines", "header", "other line separators", "no row",
    ],
)  # fmt: skip
def test_rows_and_unparsed_lines(write, content, expected):
    assert items(read(write(content))) == expected


def test_a_line_that_is_not_utf8_is_unparsed_and_keeps_its_bytes(write):
    lines = [b"1,a,b", b"2,\xffb,c", b"3,c,\xed\xa0\x80", b'4,d,"\xc3', b"5,e,\xc3\xa9"]
    found = items(read(write(b"ts,device,note\n" + b"\n".join(lines))))
    assert [item for item in found if isinstance(item, tuple)] == [("1", "a", "b"), ("5", "e", "é")]
    assert [item.encode("utf-8", "surrogateescape") for item in found if isinstance(item, str)] == lines[1:4]


def test_an_unclosed_quote_ends_at_the_longest_line(write):
    filler = "2,b," + "x" * 996 + "\n"
    for lines, fits in ((MAX_LINE_BYTES // 1_001 - 1, True), (MAX_LINE_BYTES // 1_001 + 1, False)):
        body = '1,a,"' + "\n" + filler * lines
        found = items(read(write("ts,device,note\n" + body + '"\n9,z,z\n')))
        assert found[-1] == ("9", "z", "z")
        if fits:
            assert found[0] == ("1", "a", body.removeprefix('1,a,"'))
            assert len(found) == 2
        else:
            assert found[0] == '1,a,"'
            assert found[1:-2] == [tuple(filler.strip().split(","))] * lines
            assert found[-2] == '"'


def test_a_long_row_is_read_and_a_file_without_line_feeds_is_rejected(write, monkeypatch):
    cell = "x" * 500_000
    assert items(read(write(f"ts,device,note\n1,a,{cell}\n2,b,c"))) == [("1", "a", cell), ("2", "b", "c")]
    monkeypatch.setattr(csv_blocks, "_LONGEST_LINE_BYTES", 200_000)
    with pytest.raises(InputError, match=r"input\.csv: has a line of more than 200000 bytes"):
        read(write(f"ts,device,note\n1,a,{cell}\n2,b,c"))


@settings(max_examples=150)
@given(BYTES, st.integers(1, 40))
@example(b'1,"a\nb",c\n2,b,c', 1)
@example(b'1,"a\n2,b,c\n', 3)
@example(b"1,b,c\r\n\r\n\xff\n", 2)
@example(b'"\r\n', 1)
def test_blocks_of_any_size_give_the_same_rows(content: bytes, block_bytes: int) -> None:
    content = b"\xef\xbb\xbfts,device,note\r\n" + content
    assert read_bytes(content, block_bytes) == read_bytes(content)


@settings(max_examples=150)
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=20), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_csv_writer_wrote_is_read_back(rows: list[tuple[str, ...]], end: str, quoted: bool) -> None:
    file = io.StringIO(newline="")
    quoted |= any("\r" in cell for row in rows for cell in row)  # which the writer quotes only when told to
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([("ts", "device", "c"), *rows])
    assert read_bytes(file.getvalue().encode()) == rows


@counts_checks("unparsed line", "row")
@settings(max_examples=150)
@given(BYTES)
def test_each_line_is_in_exactly_one_row_or_is_unparsed(checks: Counter[str], content: bytes) -> None:
    """Rows and unparsed lines contain all lines of the input except blank ones, in order."""
    table_or_odd = read_bytes(b"ts,device,note\n" + content)
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    at = 0
    for item in table_or_odd:
        while not lines[at].strip(BLANK):
            at += 1
        if isinstance(item, str):
            checks["unparsed line"] += 1
            assert item == lines[at].removesuffix("\r")
            at += 1
        else:
            checks["row"] += 1
            end = next(end for end in range(at + 1, len(lines) + 1) if cells_of(lines[at:end]) == item)
            assert end - at == 1 + "".join(item).count("\n")
            at = end
    assert not "".join(lines[at:]).strip(BLANK)


def cells_of(lines: list[str]) -> Item | None:
    try:
        (row,) = csv.reader([line + "\n" for line in lines], strict=True)
    except (csv.Error, ValueError):
        return None
    if row and len(lines) == 1:
        row = [*row, "", ""][:3] if len(row) > 1 and not "".join(row[3:]).strip() else row
    return tuple(row)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty; a CSV file begins with a header"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\n \n\r\n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"device,temp\n1,2\n", "has no column 'ts'; say which it is with --columns ts=NAME"),
        (b"ts,temp\n1,2\n", "has no column 'device'; say which it is with --columns device=NAME"),
        (b"ts, Device\n1,2\n", "has no column 'device'"),
        (b"ts,device, ts\n1,a,2\n", "has two columns called 'ts'"),
        (b"ts,device,\xff\n1,a,2\n", "its first line is not a CSV header in UTF-8"),
        (b'ts,device,"x\ny"\n1,a,2\n', "its first line is not a CSV header in UTF-8"),
        (b'ts,device,"x"y\n1,a,2\n', "its first line is not a CSV header in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00", "its first line is not a CSV header in UTF-8"),
    ],
    ids=str,
)
def test_an_invalid_header_is_named_in_one_line(write, content, problem):
    path = write(content)
    for attempt in (check_input, lambda *args: list(read_chunks(*args))):
        with pytest.raises(ConfigError) as error:
            attempt(path, {})
        assert str(error.value).startswith(f"INPUT {path}: {problem}")
        assert "\n" not in str(error.value)


def test_columns_of_one_name_are_told_apart(write):
    path = write("ts,device, temp,temp,\n1,a,2,3,4\n")
    (table,) = read(path)
    assert isinstance(table, CsvTable)
    assert table.columns == ("ts", "device", "temp", "temp_2", "column 5")
    with pytest.raises(ConfigError, match="has two columns called 'temp'"):
        read(path, {"device": "temp", "temp_2": "device"})


def test_an_input_that_cannot_be_opened_is_named(tmp_path, write):
    for path, problem in ((tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file or directory")):
        for attempt in (check_input, lambda *args: list(read_chunks(*args))):
            with pytest.raises(ConfigError) as error:
                attempt(str(path), {})
            assert str(error.value) == f"INPUT {path}: cannot be read: {problem}"
    check_input(write("ts,device\n"), {})


def test_checking_reads_no_more_than_the_header_and_leaves_standard_input_alone(write, monkeypatch):
    damaged = gzip.compress(b"ts,device\n" + os.urandom(1 << 20))[:-500]
    check_input(write(damaged), {})
    monkeypatch.setattr(sys, "stdin", None)
    check_input("-", {})


ROW_LINES = b"".join(b"%d,a,%d\n" % (i, i * 7919) for i in range(50_000))


@pytest.mark.parametrize(
    "damage",
    [lambda z: z[:-1], lambda z: z[: len(z) // 2], lambda z: z[:-8] + b"\0" * 8, lambda z: z + b"garbage"],
    ids=["last byte missing", "half missing", "wrong sum", "garbage behind"],
)
def test_a_damaged_gzip_gives_the_rows_before_the_damage_and_an_error(write, damage):
    path = write(damage(gzip.compress(b"ts,device,temp\n" + ROW_LINES, 1)))
    found: list[Item] = []
    with pytest.raises(InputError) as error:
        for piece in read_chunks(path, {}):
            found.extend(items([piece]))
    assert str(error.value).startswith(f"INPUT {path}: damaged: ")
    assert len(found) > 10_000
    assert found == [tuple(line.split(",")) for line in ROW_LINES.decode().splitlines()[: len(found)]]


def test_a_file_that_only_begins_like_gzip(write):
    with pytest.raises(InputError, match="damaged"):
        read(write(b"\x1f\x8bnonsense"))


def test_columns_are_renamed(write):
    (table,) = read(write("when,who,temp\n1,a,20\n"), parse_columns("ts=when, device=who"))
    assert table == CsvTable(("ts", "device", "temp"), [["1", "a", "20"]])


@pytest.mark.parametrize(
    ("text", "mapping"),
    [
        ("", {}),
        ("  ", {}),
        ("ts=timestamp", {"timestamp": "ts"}),
        ("ts=timestamp,device=device_id", {"timestamp": "ts", "device_id": "device"}),
        ("ts=a b=c, temp = °C ", {"a b=c": "ts", "°C": "temp"}),
        ("ts=temp,temp=ts", {"temp": "ts", "ts": "temp"}),
    ],
)
def test_columns_are_parsed(text, mapping):
    assert parse_columns(text) == mapping


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ts", "'ts' is not written NAME=NAME_IN_THE_FILE"),
        ("ts=", "'ts=' is not written"),
        ("=when", "'=when' is not written"),
        ("ts=when,", "'' is not written"),
        ("ts=a,ts=b", "names 'ts' twice"),
        ("ts=a,device=a", "names 'a' twice"),
    ],
)
def test_columns_that_cannot_be_parsed(text, problem):
    with pytest.raises(ConfigError) as error:
        parse_columns(text)
    assert str(error.value).startswith(f"--columns {text}: {problem}")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ("ts=time", "--columns ts=time: {path} has no column 'time'"),
        ("temp=when", "INPUT {path}: has no column 'ts'"),
        ("ts=when,device=temp", "INPUT {path}: has two columns called 'device'"),
    ],
)
def test_columns_that_do_not_fit_the_file(write, columns, problem):
    path = write("when,device,temp\n1,a,20\n")
    with pytest.raises(ConfigError) as error:
        check_input(path, parse_columns(columns))
    assert str(error.value).startswith(problem.format(path=path))


def test_memory_does_not_grow_with_the_file(write):
    def peak(copies: int) -> int:
        path = write(b"ts,device,temp\n" + ROW_LINES * copies)
        tracemalloc.start()
        assert sum(len(piece.rows) for piece in read_chunks(path, {}) if isinstance(piece, CsvTable)) == 50_000 * copies
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(4) < 1.1 * peak(1)


@pytest.mark.parametrize("name", ["telemetry_first_10000.csv", "telemetry_2020-07-13.csv.gz"])
def test_real_telemetry_has_no_unparsed_line(name):
    path = needs.data(name)
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    pieces = read(str(path))
    assert not any(isinstance(piece, UnparsedLines) for piece in pieces)
    assert {piece.columns for piece in pieces if isinstance(piece, CsvTable)} == {tuple(header)}
    assert items(pieces) == list(map(tuple, rows))
