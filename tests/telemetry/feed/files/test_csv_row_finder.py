"""Rows of CSV over several lines: never cut, and no quote takes more than its row."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.files.csv_row_finder import BrokenRow, CsvRowFinder
from telemetry.feed.files.cut import cut_file
from telemetry.feed.files.shape import Cutting, FileShape

CELL = st.text(alphabet='a1 ,;"\n\té', max_size=6)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=12)


def written(rows: list[list[str]], delimiter: str = ",", ends: str = "\n") -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=ends).writerows(rows)
    return target.getvalue().encode()


def cut(content: bytes, block: int, most: int = 1_000, delimiter: str = ",") -> list[bytes]:
    shape = FileShape("csv", Cutting.ROWS, columns=("a", "b"), delimiter=delimiter, most_bytes=most)
    return [chunk.payload for chunk in cut_file(io.BytesIO(content), shape, block_bytes=block)]


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True))


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, block=st.integers(1, 60), delimiter=st.sampled_from(",;\t"), ends=st.sampled_from(["\n", "\r\n"]))
def test_each_chunk_is_whole_rows(rows: list[list[str]], block: int, delimiter: str, ends: str) -> None:
    content = written(rows, delimiter, ends)
    chunks = cut(content, block, delimiter=delimiter)
    assert b"".join(chunks) == content
    assert [row for chunk in chunks for row in read(chunk, delimiter)] == rows


@settings(max_examples=100, deadline=None)
@given(content=st.text(alphabet='a,"\n\r ', max_size=80).map(str.encode), blocks=st.tuples(*[st.integers(1, 90)] * 2))
def test_where_rows_end_does_not_depend_on_the_blocks(content: bytes, blocks: tuple[int, int]) -> None:
    """Every chunk of small blocks ends where, read as a whole, a row ends."""
    one, other = (cut(content, block, most=20) for block in blocks)
    assert b"".join(one) == b"".join(other) == content
    broken = [row for row in CsvRowFinder(",", '"', 20).broken_rows(content) if row.end >= 0]
    ends = {sum(map(len, one[:number])) for number in range(len(one))}
    assert not [row for row in broken for end in ends if row.first < end < row.end]


@pytest.mark.parametrize(
    ("content", "broken"),
    [
        (b'1,"a\nb",2\n3,c,4\n', [BrokenRow(0, 10)]),
        (b'1,x\n2,"a\r\nb"\r\n3,c\n', [BrokenRow(4, 14)]),
        (b'1,"say ""yes\nno""",2\n', [BrokenRow(0, 21)]),
        (b'1, "a\nb" ,2\n', [BrokenRow(0, 12)]),
        (b'1,"a\n2,"b"\n3,c\n' + b"4,d\n" * 6, []),  # nobody closes the first quote: the second one opens a cell
        (b'1,5" pipe\n2,6" pipe\n', []),  # no cell begins with a quote
        (b'1,"a\n' + b"2,b\n" * 10 + b'3,"c"\n', []),  # longer than the longest row
        (b'1,"a\n2,b\n', [BrokenRow(0, -1)]),
        (b'1,"a"\n"2","b"\n', []),
        (b"", []),
        (b'"', []),
    ],
)
def test_rows_over_several_lines_are_found(content: bytes, broken: list[BrokenRow]) -> None:
    assert list(CsvRowFinder(",", '"', 30).broken_rows(content)) == broken


def test_a_quote_that_nobody_closes_costs_one_line() -> None:
    lines = [b'1,"a\n', *(b'%d,"x\ny"\n' % number for number in range(100))]
    content = b"".join(lines)
    rows = CsvRowFinder(",", '"', 40)
    assert [row.first for row in rows.broken_rows(content)] == [5 + content[5:].find(line) for line in lines[1:]]
    assert b"".join(cut(content, 64, most=40)) == content


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, ends=st.booleans())
def test_rows_are_split(rows: list[list[str]], ends: bool) -> None:
    content = written(rows)
    found = CsvRowFinder(",", '"', 1_000).split(content if ends else content[:-1])
    assert [read(row + b"\n")[0] for row in found if row] == rows
    assert b"\n".join(found) == (content if ends else content[:-1])


def test_rows_among_blank_lines_and_stray_quotes_are_split() -> None:
    content = b'1,5"\n\n2,"a\nb"\n3,"c\n\n4,d'
    rows = [b'1,5"', b"", b'2,"a\nb"', b'3,"c', b"", b"4,d"]
    assert CsvRowFinder(",", '"', 1_000).split(content) == rows


def test_rows_that_end_nowhere_are_not_looked_for_again_and_again() -> None:
    """Each line ends within a quoted cell, and so each could begin a row as long as the longest."""
    content = b'x",5","y\n' * 30_000
    finder = CsvRowFinder(",", '"', 100_000)
    assert finder.last_end(content) == len(content)
    assert list(finder.broken_rows(content, is_all=True)) == []
