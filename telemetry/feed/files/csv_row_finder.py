"""Find where rows of CSV end whose cells in quotes hold line breaks."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from telemetry.arrays import IntArray

_VAIN: Final = 8  # times the length of a content that may be read for rows which then have no end


class BrokenRow(NamedTuple):
    """A row that goes over several lines.

    Attributes:
        first: its first byte in a content.
        end: byte after its line break; -1 if the content ends before that is known.
    """

    first: int
    end: int


class CsvRowFinder:
    """Finds rows that go over several lines.

    A line with an odd number of quotes begins such a row if its cells can be read to the end of a later line, with
    nothing but blanks between a closing quote and the next delimiter, within the longest row. Otherwise it is a row of
    its own: a quote that nobody closes costs one line. Only those lines are looked at one by one.
    """

    def __init__(self, delimiter: str, quote: str, most_bytes: int) -> None:
        """Take the delimiter and the quote, each one ASCII character, and the longest row in bytes."""
        self._quote = quote.encode()
        self._most_bytes = most_bytes
        between, around = re.escape(delimiter.encode()), re.escape(self._quote)
        blank = rb"[ \t]*+" if delimiter not in " \t" else (rb"\t*+" if delimiter == " " else rb" *+")
        quoted = rb"%s%s(?:[^%s]++|%s%s)*+%s%s" % (blank, around, around, around, around, around, blank)
        plain = rb"(?!%s%s)[^%s\n]*+" % (blank, around, between)
        cell = rb"(?>%s|%s)" % (quoted, plain)
        # a cell without quotes takes the carriage return before a line break, too
        self._row = re.compile(rb"%s(?:%s%s)*+(\r?\n)?" % (cell, between, cell))

    def is_row(self, line: bytes) -> bool:
        """Return whether the cells of a row, without its line break, can be read to its end."""
        row = self._row.match(line)
        return row is not None and row.end() == len(line)

    def last_end(self, content: bytes) -> int:
        """Return where the last row ends that is known to be complete; 0 if none is.

        Args:
            content: bytes from the beginning of a row.
        """
        for row in self.broken_rows(content):
            if row.end < 0:
                return row.first
        return content.rfind(b"\n") + 1

    def split(self, content: bytes) -> list[bytes]:
        """Return the rows of a content, which ends where one ends, without their line breaks; blank lines, too."""
        found: list[bytes] = []
        position = 0
        for row in self.broken_rows(content if content.endswith(b"\n") else content + b"\n", is_all=True):
            if row.first > position:
                found += content[position : row.first - 1].split(b"\n")
            found.append(content[row.first : row.end - 1])
            position = row.end
        return found + content[position:].split(b"\n") if position <= len(content) else found

    def broken_rows(self, content: bytes, *, is_all: bool = False) -> Iterator[BrokenRow]:
        """Yield the rows that go over several lines, in order, and at last one whose end is not known.

        Args:
            content: bytes from the beginning of a row.
            is_all: whether nothing comes behind it; then a row that has no end is one of a single line.
        """
        if self._quote not in content:
            return
        position, left = 0, _VAIN * len(content)
        for first, line_end in self._odd_lines(content).tolist():
            if first < position or left < 0:
                continue  # it is in the row before, or too much was read in vain
            row = self._row.match(content, first, first + self._most_bytes + 1)
            if row is not None and row[1] is not None:
                position = row.end()
                if position > line_end:
                    yield BrokenRow(first, position)
                continue
            left -= row.end() - first if row is not None else 0
            if not is_all and len(content) - first <= self._most_bytes:
                yield BrokenRow(first, -1)
                return

    def _odd_lines(self, content: bytes) -> IntArray:
        """Return first byte and end of the complete lines with an odd number of quotes, shape (lines, 2)."""
        codes = np.frombuffer(content, np.uint8)
        breaks = np.flatnonzero(codes == ord(b"\n"))
        quotes = np.cumsum(codes == ord(self._quote), dtype=np.uint8)  # modulo 256 is even where the number is
        is_odd = (np.diff(quotes[breaks], prepend=np.uint8(0)) & 1).astype(np.bool_)
        firsts = np.concatenate([np.zeros(1, np.int64), breaks[:-1] + 1])[: len(breaks)]
        return np.stack([firsts[is_odd], breaks[is_odd] + 1], axis=1)
