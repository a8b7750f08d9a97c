"""Divide CSV into rows that Arrow reads as the feed says, and reject those that it cannot."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from telemetry.arrays import BoolArray, CodeArray
from telemetry.feed.blanks import ALIGNED, squeeze
from telemetry.feed.feed import CsvFields
from telemetry.feed.files.csv_row_finder import CsvRowFinder
from telemetry.feed.readings.feed_rows import RejectedRow
from telemetry.model.dead_letters import Reason
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.csv_rows import is_filled

_BLANK: Final = b" \t\r\x0b\x0c\0"


class CsvRows(NamedTuple):
    """N rows of CSV, each a line of UTF-8 without its line break, or several lines if quoted cells hold breaks.

    Attributes:
        rows: the rows, as they are read.
        raw: the rows as they came; the same list, if there is no difference.
        number: (N,) their numbers in the payload, from 1.
        rejected: the rows that are none.
    """

    rows: list[bytes]
    raw: list[bytes]
    number: CodeArray
    rejected: list[RejectedRow]

    def reject(self, bad: Mapping[int, RejectedRow]) -> "CsvRows":
        """Return the rows without some, which are rejected; they are known by their indices."""
        good: BoolArray = np.ones(len(self.rows), np.bool_)
        good[list(bad)] = False
        kept = np.flatnonzero(good).tolist()
        rows = [self.rows[index] for index in kept]
        raw = rows if self.raw is self.rows else [self.raw[index] for index in kept]
        return CsvRows(rows, raw, self.number[good], [*self.rejected, *bad.values()])


def divide_rows(content: bytes, fields: CsvFields) -> CsvRows:
    """Return the rows of some CSV: not its blank lines, rows of empty cells, and comments of the dialect.

    NUL bytes, which a power cut leaves in files, are dropped before a row is read. Too long rows, those that are not
    UTF-8 and those with a quote that is never closed are rejected.
    """
    quote = fields.quote.encode()
    finder = CsvRowFinder(fields.delimiter, fields.quote, MAX_LINE_BYTES)
    lines = finder.split(content) if fields.multiline else content.split(b"\n")
    comment, empty = fields.comment.encode(), _BLANK + fields.delimiter.encode() + quote
    if comment and comment in content:
        kept = [is_filled(line, empty, quote) and not line.startswith(comment) for line in lines]
    else:
        kept = [is_filled(line, empty, quote) for line in lines]
    number = np.arange(1, len(lines) + 1, dtype=np.int32)
    if not all(kept):
        number = number[np.array(kept, np.bool_)]
        lines = [line for line, keep in zip(lines, kept, strict=True) if keep]
    rows = [line.replace(b"\0", b"") for line in lines] if b"\0" in content else lines
    if fields.delimiter == ALIGNED:
        rows = [squeeze(row, quote) for row in rows]
    return _without_bad(content, CsvRows(rows, lines, number, []), quote, finder)


def _without_bad(content: bytes, rows: CsvRows, quote: bytes, finder: CsvRowFinder) -> CsvRows:
    """Reject rows; each check is made only if something in the content gives cause."""
    bad: dict[int, RejectedRow] = {}

    def reject(index: int, reason: Reason, error: str) -> None:
        bad.setdefault(index, RejectedRow(0, int(rows.number[index]), rows.raw[index], reason, error))

    if len(content) > MAX_LINE_BYTES:
        for index, row in enumerate(rows.raw):
            if len(row) > MAX_LINE_BYTES:
                reject(index, Reason.TOO_LARGE, f"row of {len(row)} bytes, at most {MAX_LINE_BYTES} are read")
    if not content.isascii():
        for index, start in _not_utf8(content, rows.rows):
            reject(index, Reason.NOT_UTF8, f"invalid UTF-8 at byte {start}")
    if quote in content:
        for index, row in enumerate(rows.rows):
            if row.count(quote) % 2 and not finder.is_row(row):  # a quote within a cell, as of inches, is a character
                reject(index, Reason.BAD_ROW, "a quote that is not closed")
    return rows.reject(bad) if bad else rows


def _not_utf8(content: bytes, rows: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the rows that are not UTF-8, and the first byte that is to blame."""
    try:
        content.decode()
    except UnicodeDecodeError:
        for index, row in enumerate(rows):
            try:
                row.decode()
            except UnicodeDecodeError as error:
                yield index, error.start


def split_cells(row: str, fields: CsvFields) -> list[str]:
    """Return the cells of one row.

    Raises:
        csv.Error: if it has none, or more than one row.
    """
    found = list(csv.reader([row], delimiter=fields.delimiter, quotechar=fields.quote))
    if len(found) != 1:
        raise csv.Error(f"{len(found)} rows")
    return found[0]
