"""Count the rows of a chunk of lines."""

import re

from telemetry.feed.files.csv_rows import CsvRows
from telemetry.feed.files.shape import Cutting, FileShape


class RowCounter:
    """Counts rows: lines, or what `CsvRows` takes for one row, that are neither blank nor comments.

    Rows that hold nothing but delimiters count, and so do those that cannot be read: they were written at a time.
    """

    def __init__(self, shape: FileShape) -> None:
        """Take the shape of the file."""
        self._no_row = re.compile(rb"[ \t\r\x0b\x0c]*\n|%s" % (re.escape(shape.comment.encode()) or rb"(?!)"))
        self._passed = re.compile(rb"^(?:%s)" % self._no_row.pattern, re.MULTILINE)
        is_broken = shape.cutting is Cutting.ROWS
        self._rows = CsvRows(shape.delimiter, shape.quote, shape.most_bytes) if is_broken else None

    def count(self, payload: bytes) -> int:
        """Return the number of rows in a payload of whole rows."""
        content = payload if payload.endswith(b"\n") else payload + b"\n"
        rows = self._lines(content)
        for row in self._rows.broken_rows(content, is_all=True) if self._rows else ():
            if self._no_row.match(content, row.first) is None:
                rows -= self._lines(content[row.first : row.end]) - 1
        return rows

    def _lines(self, content: bytes) -> int:
        return content.count(b"\n") - len(self._passed.findall(content))
