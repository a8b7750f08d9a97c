"""Find the header of CSV, and where the first row begins."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from telemetry.feed.blanks import ALIGNED, squeeze
from telemetry.feed.feed import CsvFields
from telemetry.feed.files.columns import ColumnError
from telemetry.text.csv_limit import cells_up_to

MAX_HEADER_BYTES: Final = 65_536
"""Longest header of a CSV file, and of all lines before it together."""


class CsvHeader(NamedTuple):
    """Header of a file.

    Attributes:
        cells: names as they are written.
        rows_begin: where the first row begins, bytes from the beginning of the text.
    """

    cells: tuple[str, ...]
    rows_begin: int


def header_line(text: bytes, start: int, fields: CsvFields) -> tuple[int, int]:
    """Return first byte and end of the line of the header, which is empty if there is none.

    The lines before it are counted, blank or not. From there on, blank lines and comments are passed over.
    """
    first = start
    for _ in range(max(fields.header - 1, 0)):
        first = _line_end(text, first)
    comment = fields.comment.encode()
    while fields.header and first < len(text):
        end = _line_end(text, first)
        line = text[first:end]
        if line.strip() and not (comment and line.startswith(comment)):
            return first, end
        first = end
    return first, first


def read_header(text: bytes, start: int, fields: CsvFields, delimiter: str) -> CsvHeader:
    """Return the header of a text.

    Args:
        text: beginning of the file in UTF-8.
        start: where it begins, after a byte order mark.
        fields: of the feed.
        delimiter: between the cells.

    Raises:
        ColumnError: if there is no header, or it cannot be read.
    """
    first, end = header_line(text, start, fields)
    cells: Sequence[str] = fields.columns
    if fields.header and not first < end:
        empty = "is empty; a CSV file begins with a header"
        raise ColumnError(f"has no header in line {fields.header}" if text[start:].strip() else empty)
    if fields.header:
        if end - first > MAX_HEADER_BYTES:
            raise ColumnError(f"its header is longer than {MAX_HEADER_BYTES:,} bytes")
        try:
            read, end = _read_row(text, first, end, delimiter, fields.quote)
        except UnicodeDecodeError as error:
            raise ColumnError(f"its header is not UTF-8{_utf16_hint(text)}; say its encoding in --feed") from error
        except csv.Error as error:
            if b"\n" not in text:
                raise ColumnError("its lines end with carriage returns alone, and must with line feeds") from error
            raise ColumnError(f"its header is no line of CSV: {error}") from error
        if fields.columns and any(map(is_number, read)):
            raise ColumnError(f"line {fields.header} is a row and no header: use --feed with `csv.header` 0")
        cells = fields.columns or read
    for _ in range(fields.skip):
        end = _line_end(text, end)
    return CsvHeader(tuple(cells), end)


def _read_row(text: bytes, first: int, end: int, delimiter: str, quote: str) -> tuple[list[str], int]:
    """Return the cells of the row that begins a line, and where it ends; a quote that is not closed ends there."""
    line = text[first:end].decode("utf-8").replace("\0", "").rstrip("\r\n")
    with cells_up_to(MAX_HEADER_BYTES):
        if delimiter == ALIGNED:
            line = squeeze(line.encode(), quote.encode()).decode()
            return next(csv.reader([line], delimiter=delimiter, quotechar=quote), []), end
        # blanks after a delimiter are no part of the cell
        rows = csv.reader(_lines(text, first), delimiter=delimiter, quotechar=quote, skipinitialspace=True, strict=True)
        try:
            cells = next(rows, [])
        except csv.Error:
            one = csv.reader([line], delimiter=delimiter, quotechar=quote, skipinitialspace=True)
            return next(one, []), end
    for _ in range(rows.line_num - 1):
        end = _line_end(text, end)
    return cells, end


def _lines(text: bytes, first: int) -> Iterator[str]:
    for line in io.BytesIO(text[first : first + MAX_HEADER_BYTES]):
        yield line.decode("utf-8", "replace").replace("\0", "")  # lines behind the first one may be rows


def _line_end(text: bytes, first: int) -> int:
    end = text.find(b"\n", first)
    return len(text) if end < 0 else end + 1


def is_number(cell: str) -> bool:
    """Return whether the cell of a header is a number, and so probably not of a header."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _utf16_hint(text: bytes) -> str:
    return " but seems to be UTF-16" if text[:1000].count(0) > len(text[:1000]) // 3 else ""
