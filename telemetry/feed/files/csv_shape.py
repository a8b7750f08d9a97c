"""See how a file of CSV is read."""

import re
from typing import Final

from telemetry.feed.feed import CSV, Feed
from telemetry.feed.files.columns import check_columns, columns_are_there, name_columns, needed_times
from telemetry.feed.files.csv_row_finder import CsvRowFinder
from telemetry.feed.files.encodings import UTF8_MARK
from telemetry.feed.files.file_format import delimiter_by_name
from telemetry.feed.files.header import header_line, read_header
from telemetry.feed.files.header_hints import header_hint
from telemetry.feed.files.shape import Cutting, FileShape
from telemetry.model.messages import MAX_LINE_BYTES

_SEPARATOR: Final = re.compile(rb'"?sep=[^"\r\n]"?[ \t]*\r?\n', re.IGNORECASE)
"""First line that tells spreadsheets the delimiter, and is no header."""


def csv_shape(text: bytes, is_all: bool, name: str, feed: Feed) -> FileShape:
    """Return how a file of CSV is read.

    Args:
        text: its beginning, in UTF-8.
        is_all: whether that is the whole file.
        name: of the file.
        feed: how its content becomes readings.

    Raises:
        ColumnError: if it has no header, or lacks a column of time or device.
    """
    fields = feed.csv
    start = len(UTF8_MARK) if text.startswith(UTF8_MARK) else 0
    told = _SEPARATOR.match(text, start) if fields.header == 1 else None
    start = told.end() if told else start
    first, end = header_line(text, start, fields)
    delimiter = delimiter_by_name(name, fields.delimiter, text[first:end])
    header = read_header(text, start, fields, delimiter)
    columns = name_columns(header.cells)
    hint = ""
    if not fields.columns and not columns_are_there(columns, feed):
        hint = header_hint(text[start:], header.cells, delimiter, fields.quote, needed_times(feed))
    check_columns(header.cells, columns, feed, delimiter, hint)
    rows = CsvRowFinder(delimiter, fields.quote, MAX_LINE_BYTES)
    content = text[header.rows_begin :] + (b"\n" if is_all else b"")
    is_broken = fields.multiline or any(row.end >= 0 for row in rows.broken_rows(content, is_all=is_all))
    return FileShape(
        format=CSV,
        cutting=Cutting.ROWS if is_broken else Cutting.LINES,
        columns=columns,
        rows_begin=header.rows_begin,
        delimiter=delimiter,
        has_own_delimiter=delimiter != fields.delimiter,
        quote=fields.quote,
    )
