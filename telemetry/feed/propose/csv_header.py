"""Find the header of a table, the lines before it, and the rows of units below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.feed.files.columns import name_columns
from telemetry.feed.formats.number_text import MISSING_TEXTS, read_text
from telemetry.feed.propose.csv_dialect import SampleRow
from telemetry.feed.propose.unit_names import is_unit_cell, unit_of_cell
from telemetry.feed.times.patterns import RECOGNISED
from telemetry.text.yaml_texts import counted

_LOOKED_AT: Final = 200  # rows by which the columns of numbers are known
_TYPED: Final = 0.6
_LONGEST_VALUE: Final = 100


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a table.

    Attributes:
        line: its number, from 1; 0 if there is none.
        names: trimmed, numbered where they are the same; c1, c2 … without a header.
        given: whether a feed has to name the columns.
        skip: lines below it that are no rows.
        units: of the columns, from a row of units; "" for none.
        body: the rows of data.
        before: text of the lines above.
        confidence: that this is the header.
        reason: one line.
    """

    line: int
    names: tuple[str, ...]
    given: bool
    skip: int
    units: tuple[str, ...]
    body: list[SampleRow]
    before: str
    confidence: float
    reason: str


def find_header(rows: Sequence[SampleRow], width: int, decimal: str) -> Header:
    """Return the header of rows, which are at least one.

    Args:
        rows: all that are not blank.
        width: usual number of cells.
        decimal: sign of numbers.
    """
    typed = _typed_columns(rows, width, decimal)
    first = next((place for place, row in enumerate(rows) if _is_data(row, typed, decimal)), None)
    if first is None or not typed:
        start = next((place for place, row in enumerate(rows) if len(row.cells) == width), 0)
        return _with_header(rows, start, start + 1, width, 0.4, "no row of numbers tells it from the data")
    above = first
    while above > 0 and _fits(rows[above - 1], width) and not _is_data(rows[above - 1], typed, decimal):
        above -= 1
    if above == first:
        return _without_header(rows, first, width)
    names = first - 1
    while names > above and _is_units_row(rows[names], width):
        names -= 1
    if rows[above].cells[0] == "TOA5" and above + 1 < first:
        names = above + 1
    below = f", and {counted(first - names - 1, 'line')} below it say units" if first > names + 1 else ""
    reason = f"line {rows[names].line} has names where line {rows[first].line} has numbers{below}"
    return _with_header(rows, names, first, width, 0.9 if rows[names].line > 1 or below else 0.95, reason)


def is_value(cell: str, decimal: str) -> bool:
    """Return whether a cell holds a number, a time or a code for a missing value, but not nothing."""
    if not cell or len(cell) > _LONGEST_VALUE:
        return False
    if cell.lower() in MISSING_TEXTS or read_text(cell, decimal, None) is not None:
        return True
    text = cell.encode("utf-8", "replace")
    return any(form.fullmatch(text) for form in RECOGNISED)


def _typed_columns(rows: Sequence[SampleRow], width: int, decimal: str) -> list[int]:
    """Return the columns in which most cells of the later rows are numbers or times."""
    later = [row for row in rows[len(rows) // 2 :] if _fits(row, width)][:_LOOKED_AT]
    typed = []
    for column in range(width):
        cells = [row.cells[column] for row in later if column < len(row.cells) and row.cells[column]]
        if cells and sum(is_value(cell, decimal) for cell in cells) >= _TYPED * len(cells):
            typed.append(column)
    return typed


def _is_data(row: SampleRow, typed: Sequence[int], decimal: str) -> bool:
    cells = [row.cells[column] for column in typed if column < len(row.cells) and row.cells[column]]
    return bool(cells) and 2 * sum(is_value(cell, decimal) for cell in cells) > len(cells)


def _fits(row: SampleRow, width: int) -> bool:
    """Return whether a row can belong to a table: R leaves out the name of the first column."""
    return row.width > 0 and width - 1 <= len(row.cells) <= width + 2 and (width > 2 or len(row.cells) >= width)


def _is_units_row(row: SampleRow, width: int) -> bool:
    cells = row.cells[:width]
    return sum(map(is_unit_cell, cells)) >= 0.6 * len(cells)


def _without_header(rows: Sequence[SampleRow], first: int, width: int) -> Header:
    names = tuple(f"c{number}" for number in range(1, width + 1))
    before = "\n".join(row.text for row in rows[:first])
    reason = f"line {rows[first].line} has numbers already"
    return Header(0, names, True, rows[first].line - 1, ("",) * width, list(rows[first:]), before, 0.8, reason)


def _with_header(
    rows: Sequence[SampleRow], place: int, first: int, width: int, confidence: float, reason: str
) -> Header:
    row, body = rows[place], list(rows[first:])
    cells = row.cells[: max(row.width, 1)]
    longest = max((one.width for one in body if len(one.cells) == width), default=len(cells))
    given = False
    if len(cells) == width - 1 == longest - 1 and len(row.cells) == len(cells):
        cells, given, reason = ("row", *cells), True, f"{reason}; the first column has no name"
    elif len(cells) < longest:
        cells = (*cells, *("" for _ in range(longest - len(cells))))
    units = [""] * len(cells)
    for below in rows[place + 1 : first]:
        found = [unit_of_cell(cell) for cell in below.cells]
        units = [unit or (found[column] if column < len(found) else "") for column, unit in enumerate(units)]
    skip = body[0].line - row.line - 1 if body and first > place + 1 else 0
    before = "\n".join(one.text for one in rows[:place])
    return Header(row.line, name_columns(cells), given, skip, tuple(units), body, before, confidence, reason)
