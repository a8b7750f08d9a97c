"""Read the beginning of a CSV file into columns, with the fields of `csv` that say how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from telemetry.feed.feed import CsvFields
from telemetry.feed.files.columns import name_columns
from telemetry.feed.propose.columns import SampleColumn, SampleTable, spaced
from telemetry.feed.propose.csv_dialect import (
    NAMES,
    Dialect,
    SampleRow,
    find_decimal,
    find_dialect,
    read_rows,
    split_line,
    split_lines,
)
from telemetry.feed.propose.csv_header import Header, find_header
from telemetry.feed.propose.proposal import Decision
from telemetry.text.yaml_texts import counted

_COMMENTS: Final = ("#", "//", "%", "!")
_MOST_ROWS: Final = 20_000
_MOST_BODY: Final = 5_000  # rows by which the columns are known
_MOST_COMMENTS: Final = 0.7
_UNTYPED: Final = 0.5  # confidence of a header above rows without numbers
_LEAST_UNTYPED: Final = 0.8  # share of lines of the same width among lines without numbers


@dataclass(frozen=True, slots=True)
class CsvSample:
    """Table of a sample, and how it is written.

    Attributes:
        table: its columns.
        fields: how a feed says it.
        decisions: the reasons.
        problems: such as a table without rows.
        share: of the lines that have the usual number of cells.
    """

    table: SampleTable
    fields: CsvFields
    decisions: tuple[Decision, ...]
    problems: tuple[str, ...]
    share: float


def read_csv(text: str) -> CsvSample | None:
    """Return the table in a text that is not blank; None if its lines have nothing in common."""
    lines = split_lines(text)[:_MOST_ROWS]
    dialect = find_dialect(lines)
    rows, multiline = read_rows(lines, dialect)
    rows = [row for row in rows if row.width]
    if not rows:
        return None
    decimal, commas, points = find_decimal(rows)
    comments = _comments(rows)
    prefix = next((one for one in _COMMENTS if comments and comments[0].text.startswith(one)), "")
    plain = [row for row in rows if not (prefix and row.text.startswith(prefix))]
    header = find_header(plain, dialect.width, decimal)
    if header.line == 0:
        header = _from_comment(header, comments, dialect, prefix)
    inside = any(row.line > header.line for row in comments)
    body = [row for row in header.body if row.cells != header.names]
    if not _is_table(dialect, header, body):
        return None
    body = spaced(body, _MOST_BODY)
    header, fields = _fields(header, dialect, decimal, prefix if inside else "", multiline)
    columns = _columns(header, body, decimal)
    beside = "\n".join([header.before, *(row.text for row in comments[:50])])
    table = SampleTable(columns, len(body), around=beside)
    problems = () if body else ("there is a header and no row of data",)
    return CsvSample(table, fields, _decisions(dialect, header, fields, commas, points), problems, dialect.share)


def _comments(rows: Sequence[SampleRow]) -> list[SampleRow]:
    """Return the rows that are comments; none if it is the usual beginning of a row."""
    for prefix in _COMMENTS:
        found = [row for row in rows if row.text.startswith(prefix)]
        if 0 < len(found) <= _MOST_COMMENTS * len(rows):
            return found
    return []


def _from_comment(header: Header, comments: Sequence[SampleRow], dialect: Dialect, prefix: str) -> Header:
    """Return the header that a comment above the first row of data is, if one has as many names."""
    first = header.body[0].line
    for row in reversed([row for row in comments if row.line < first]):
        names = split_line(row.text.removeprefix(prefix).strip(), dialect.delimiter)
        if len(names) == dialect.width and any(names):
            reason = f"line {row.line} is a comment with as many names as there are columns"
            return replace(header, names=name_columns(names), skip=0, confidence=0.7, reason=reason)
    return header


def _is_table(dialect: Dialect, header: Header, body: Sequence[SampleRow]) -> bool:
    """Return whether rows are a table: of several columns, or of one that holds numbers."""
    if dialect.width > 1:
        typed = header.confidence > _UNTYPED
        return typed or (dialect.delimiter != " " and dialect.share >= _LEAST_UNTYPED)
    return header.confidence > 0.5 and len(body) > 1


def _fields(header: Header, dialect: Dialect, decimal: str, comment: str, multiline: bool) -> tuple[Header, CsvFields]:
    line, given, skip = header.line, header.given, header.skip
    if comment and line and skip and all(not unit for unit in header.units):
        skip = 0  # the lines below the header are comments
    if comment and not line and not header.before:
        skip = 0
    columns = header.names if given else ()
    return header, CsvFields(
        dialect.delimiter, "," if decimal == "," else ".", '"', line, skip, columns, comment, multiline
    )


def _columns(header: Header, body: Sequence[SampleRow], decimal: str) -> tuple[SampleColumn, ...]:
    cells = [row.cells for row in body]
    return tuple(
        SampleColumn(
            name,
            tuple(row[place] if place < len(row) else None for row in cells),
            (name,),
            decimal,
            unit=header.units[place] if place < len(header.units) else "",
        )
        for place, name in enumerate(header.names)
    )


def _decisions(dialect: Dialect, header: Header, fields: CsvFields, commas: int, points: int) -> tuple[Decision, ...]:
    share = round(dialect.share, 2)
    found = [
        Decision(
            "csv.delimiter",
            share if dialect.width > 1 else 0.5,
            f"{share:.0%} of the lines have {dialect.width} cells between {NAMES[dialect.delimiter]}"
            if dialect.width > 1
            else "there is one column only",
        ),
        Decision("csv.header", header.confidence, header.reason),
    ]
    if fields.decimal == ",":
        sure = 0.95 if commas > 4 * points else 0.7
        found.append(
            Decision("csv.decimal", sure, f"{commas:,} cells have a comma in their number, {points:,} a point")
        )
    if fields.skip:
        found.append(
            Decision("csv.skip", header.confidence, f"{counted(fields.skip, 'line')} above the first row of data")
        )
    if fields.columns:
        found.append(Decision("csv.columns", *_why_columns(header, fields)))
    if fields.comment:
        found.append(Decision("csv.comment", 0.9, f"lines between the rows begin with {fields.comment}"))
    if fields.multiline:
        found.append(Decision("csv.multiline", 0.9, "a cell in quotes goes over several lines"))
    return tuple(found)


def _why_columns(header: Header, fields: CsvFields) -> tuple[float, str]:
    if fields.header:
        return 0.7, "the header leaves the first column out"
    if are_made(header.names):
        return 0.3, "the file names no columns: name them as you like"
    return header.confidence, header.reason


def are_made(names: Sequence[str]) -> bool:
    """Return whether names are those of a file without a header, such as c1 and c2."""
    return bool(names) and all(name == f"c{place}" for place, name in enumerate(names, 1))


def joined_payloads(texts: Sequence[str]) -> str:
    """Return CSV payloads as one text: the header of the first one alone, if all begin with the same line."""
    heads = {text.partition("\n")[0].strip() for text in texts}
    if len(texts) > 1 and len(heads) == 1 and not any(cell[:1].isdigit() for cell in split_line(min(heads), ",")):
        texts = [texts[0], *(text.partition("\n")[2] for text in texts[1:])]
    return "\n".join(text.rstrip("\r\n") for text in texts)
