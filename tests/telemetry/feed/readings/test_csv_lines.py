"""Divide CSV into rows: without blank ones, and with quotes that are no cell's."""

import pytest

from telemetry.feed.feed import CsvFields
from telemetry.feed.readings.csv_lines import divide_rows

SEMICOLON = CsvFields(delimiter=";")


@pytest.mark.parametrize(
    ("content", "fields", "numbers"),
    [
        (b"a,b\nc,d\n", CsvFields(), [1, 2]),
        (b"a;b\r\n;;\r\n; ;\r\n\"\";'';\r\nc;d\r\n", SEMICOLON, [1, 4, 5]),
        (b'a,b\n"",""\n,,\nc,d\n', CsvFields(), [1, 4]),
        (b",,\na,b\n", CsvFields(), [2]),
        (b"\0\0\na,b\n\0,\0\n\0", CsvFields(), [2]),
        (b"# x\n,,\na,b\n", CsvFields(comment="#"), [3]),
        (b"a\t\tb\n\t\t\n", CsvFields(delimiter="\t"), [1]),
        (b" a   b\n   \n c d\n", CsvFields(delimiter=" "), [1, 3]),
        (b',a\n,"",b\n', CsvFields(), [1, 2]),
    ],
)
def test_rows_of_empty_cells_are_blank(content: bytes, fields: CsvFields, numbers: list[int]) -> None:
    rows = divide_rows(content, fields)
    assert rows.number.tolist() == numbers
    assert rows.rejected == []
    lines = content.split(b"\n")
    assert rows.raw == [lines[number - 1] for number in numbers]


def test_aligned_columns_are_read_with_one_blank_and_kept_as_they_came() -> None:
    rows = divide_rows(b'  1   "a  b"  2 \r\n', CsvFields(delimiter=" "))
    assert (rows.rows, rows.raw) == ([b'1 "a  b" 2'], [b'  1   "a  b"  2 \r'])


def test_a_quote_within_a_cell_is_a_character_and_one_that_is_not_closed_is_not() -> None:
    rows = divide_rows(b'1,5" pipe\n2,"5 pipe\n3,"a"b"\n"\n4,x\n', CsvFields())
    assert rows.rows == [b'1,5" pipe', b"4,x"]
    assert [(one.number, one.content) for one in rows.rejected] == [(2, b'2,"5 pipe'), (3, b'3,"a"b"'), (4, b'"')]
