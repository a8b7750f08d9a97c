"""Find out how the lines of a sample are divided into cells: delimiter, quotes, decimal sign."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.feed.blanks import ALIGNED, squeeze
from telemetry.feed.propose.columns import spaced
from telemetry.text.csv_limit import cells_up_to

DELIMITERS: Final = (",", ";", "\t", "|")
NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
QUOTE: Final = '"'
MAX_CELLS: Final = 2_000
"""Cells of a row that are looked at."""
_LINES: Final = 300  # are enough to see the delimiter
_LOOKED_AT: Final = 1_000  # rows by which the decimal sign is known
_LONGEST_LINE: Final = 50_000
_MOST_JOINED: Final = 50  # lines of one row
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_DECIMAL_COMMA: Final = re.compile(r"[-+−]?[0-9]+(?:[.'’\u00a0\u202f][0-9]{3})*,[0-9]+(?:[eE][-+]?[0-9]+)?")
_DECIMAL_POINT: Final = re.compile(r"[-+−]?[0-9]*(?:[,'’\u00a0\u202f][0-9]{3})*\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_THOUSANDS: Final = re.compile(r"[-+−]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_BESIDE_DIGITS: Final = {",": r",(?![0-9])|(?<![0-9]),"}  # a comma within a number divides nothing
_FOREIGN: Final = {
    delimiter: re.compile(
        "|".join(_BESIDE_DIGITS.get(other, re.escape(other)) for other in DELIMITERS if other != delimiter)
    )
    for delimiter in (*DELIMITERS, " ")
}


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Row of a sample.

    Attributes:
        line: number of its first line, from 1.
        cells: trimmed.
        text: as it is written.
    """

    line: int
    cells: tuple[str, ...]
    text: str

    @property
    def width(self) -> int:
        """Return the number of cells without blank ones at the end."""
        return max((place for place, cell in enumerate(self.cells, 1) if cell), default=0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How lines are divided.

    Attributes:
        delimiter: between cells.
        width: usual number of cells.
        share: of the lines that have as many.
        multiline: whether cells in quotes go over several lines.
    """

    delimiter: str
    width: int
    share: float
    multiline: bool = False


def split_lines(text: str) -> list[str]:
    """Return the lines of a text; the last one may be without an end."""
    lines = _LINE_END.split(text)
    return lines[:-1] if lines and not lines[-1] else lines


def find_dialect(lines: Sequence[str]) -> Dialect:
    """Return the delimiter by which most lines have the same number of cells, and the cells look whole."""
    sample = [line for line in lines[:_LINES] if line.strip() and not line.startswith("#")] or list(lines[:_LINES])
    best, best_score = Dialect(",", 1, 1.0), 0.0
    for delimiter in (*DELIMITERS, " "):
        rows = [row for row in (split_line(line, delimiter) for line in sample) if any(row)]
        widths = Counter(len(row) for row in rows if len(row) > 1)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        even = [row for row in rows if len(row) == width]
        cells = [cell for row in even for cell in row]
        whole = sum(not _FOREIGN[delimiter].search(cell) for cell in cells) / len(cells)
        share = count / len(rows)
        score = share * whole * (0.5 if delimiter == " " else 1.0)
        if score > best_score + 1e-9:
            best, best_score = Dialect(delimiter, width, share), score
    return best


def split_line(line: str, delimiter: str) -> tuple[str, ...]:
    """Return the trimmed cells of one line."""
    (row,) = _parse([line], delimiter)
    return row


def read_rows(lines: Sequence[str], dialect: Dialect) -> tuple[list[SampleRow], bool]:
    """Return the rows of all lines that are not blank, and whether some go over several lines."""
    rows: list[SampleRow] = []
    multiline = False
    place = 0
    while place < len(lines):
        end = place + 1
        if lines[place].count(QUOTE) % 2:
            end = _end_of_quoted(lines, place, dialect)
            multiline |= end > place + 1
        text = "\n".join(lines[place:end])
        cells = _parse(lines[place:end], dialect.delimiter)[0]
        if text.strip():
            rows.append(SampleRow(place + 1, cells, text))
        place = end
    return rows, multiline


def _end_of_quoted(lines: Sequence[str], first: int, dialect: Dialect) -> int:
    """Return the line after a row with an open quote; the next one if no row of the usual width comes of it."""
    for end in range(first + 2, min(first + _MOST_JOINED, len(lines)) + 1):
        if lines[end - 1].count(QUOTE) % 2:
            rows = _parse(lines[first:end], dialect.delimiter)
            return end if len(rows) == 1 and abs(len(rows[0]) - dialect.width) <= 1 else first + 1
    return first + 1


def _parse(lines: Sequence[str], delimiter: str) -> list[tuple[str, ...]]:
    text = [line[:_LONGEST_LINE] for line in lines]
    if delimiter == ALIGNED:
        encoded = [line.encode("utf-8", "surrogatepass") for line in text]
        text = [squeeze(line, QUOTE.encode()).decode("utf-8", "surrogatepass") for line in encoded]
    text = [line + "\n" for line in text]
    try:
        with cells_up_to(_LONGEST_LINE * max(len(lines), 1) + len(lines)):
            rows = list(csv.reader(text, delimiter=delimiter, quotechar=QUOTE, skipinitialspace=delimiter != "\t"))
    except csv.Error:
        rows = [line.split(delimiter) for line in lines]
    return [tuple(cell.strip() for cell in row[:MAX_CELLS]) for row in rows] or [()]


def find_decimal(rows: Sequence[SampleRow]) -> tuple[str, int, int]:
    """Return the decimal sign, and how many cells have a comma and a point in their number.

    A number with groups of three digits alone, such as 1,013, shows nothing.
    """
    commas = points = 0
    for row in spaced(rows, _LOOKED_AT):
        for cell in row.cells:
            commas += bool(_DECIMAL_COMMA.fullmatch(cell)) and not _THOUSANDS.fullmatch(cell)
            points += bool(_DECIMAL_POINT.fullmatch(cell))
    return ("," if commas > points else "."), commas, points
