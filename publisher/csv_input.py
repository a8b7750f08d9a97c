"""Read CSV inputs as rows of raw cells, chunk by chunk, without dropping or validating any row."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

from publisher.csv_blocks import STDIN, LineBlock, read_blocks
from telemetry.errors import ConfigError
from telemetry.feed.files.columns import name_columns
from telemetry.model.messages import MAX_LINE_BYTES
from telemetry.text.csv_rows import fit_row, without_zeros

_BLANK: Final = " \t\n\r\x0b\x0c"  # whitespace of bytes.strip, as the decoder of messages uses it


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Rows that have the columns of their header, some of them fitted to it.

    Attributes:
        columns: names of the C columns, after mapping.
        rows: cells of each row as text, (rows, C).
    """

    columns: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class UnparsedLines:
    """Lines that are not rows of their header; bytes that are not UTF-8 are surrogate escapes."""

    lines: list[str]


CsvChunk: TypeAlias = CsvTable | UnparsedLines


def parse_columns(text: str) -> dict[str, str]:
    """Parse ``ts=timestamp,device=device_id`` (new=old) into new column names by name in the file.

    Raises:
        ConfigError: if the text is malformed or repeats a name.
    """
    mapping: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        name, _, source = pair.partition("=")
        name, source = name.strip(), source.strip()
        if not name or not source:
            raise ConfigError("--columns", text, f"{pair!r} is not written NAME=NAME_IN_THE_FILE")
        if name in mapping.values() or source in mapping:
            raise ConfigError("--columns", text, f"names {source if source in mapping else name!r} twice")
        mapping[source] = name
    return mapping


def read_chunks(path: str, mapping: Mapping[str, str], stream: io.BufferedIOBase | None = None) -> Iterator[CsvChunk]:
    """Yield the rows of one input in order; skip blank lines.

    Args:
        path: a CSV file, plain or gzip (detected by content), or ``-`` for standard input.
        mapping: new column names by name in the file.
        stream: the input, if it is open already.

    Raises:
        ConfigError: if the input cannot be opened or its header lacks a column.
        InputError: if it is damaged after the header.
    """
    with ExitStack() as stack:
        blocks = read_blocks(path, stack, stream)
        header, block = _read_header(blocks, path)
        columns = parse_header(header, path, mapping)
        incomplete: list[str] = []
        for lines, is_utf8 in chain([block], blocks):
            chunks, incomplete = _parse(incomplete + lines, columns, is_utf8)
            yield from chunks
        yield from _parse_each(incomplete, columns, at_end=True)[0]


def check_input(path: str, mapping: Mapping[str, str]) -> None:
    """Check that an input can be opened and has a valid header; skip standard input.

    Raises:
        ConfigError: if it cannot be opened or its header is invalid.
        InputError: if it is damaged before the end of the header.
    """
    if path != STDIN:
        with ExitStack() as stack:
            parse_header(_read_header(read_blocks(path, stack), path)[0], path, mapping)


def parse_header(line: str, path: str, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Return the column names of a header after mapping.

    Raises:
        ConfigError: if the line is not a header, or ts or device is missing.
    """
    try:
        line.encode()
        cells = next(csv.reader([without_zeros(line)], strict=True))
    except (UnicodeEncodeError, csv.Error) as error:
        raise ConfigError("INPUT", path, "its first line is not a CSV header in UTF-8") from error
    names = name_columns(cells)
    for source, name in mapping.items():
        if source not in names:
            raise ConfigError("--columns", f"{name}={source}", f"{path} has no column {source!r}")
    columns = tuple(mapping.get(cell, cell) for cell in names)
    trimmed = [cell.strip() for cell in cells]
    for name in ("ts", "device"):
        if name not in columns:
            raise ConfigError("INPUT", path, f"has no column {name!r}; say which it is with --columns {name}=NAME")
        if trimmed.count(name) > 1:
            raise ConfigError("INPUT", path, f"has two columns called {name!r}")
    for name in columns:
        if columns.count(name) > 1:
            raise ConfigError("INPUT", path, f"has two columns called {name!r}")
    return columns


def _read_header(blocks: Iterator[LineBlock], path: str) -> tuple[str, LineBlock]:
    """Return the first line that is not blank, and the rest of its block."""
    for lines, is_utf8 in blocks:
        for index, line in enumerate(lines):
            header = line.removeprefix("\ufeff")
            if header.strip(_BLANK):
                return header, (lines[index + 1 :], is_utf8)
    raise ConfigError("INPUT", path, "is empty; a CSV file begins with a header")


def _parse(lines: list[str], columns: tuple[str, ...], is_utf8: bool) -> tuple[list[CsvChunk], list[str]]:
    """Parse lines into chunks; also return the lines of an incomplete last row."""
    if is_utf8:
        texts = list(map(without_zeros, lines)) if "\0" in "".join(lines) else lines
        try:
            rows = list(csv.reader(texts, strict=True))
        except csv.Error:
            rows = []
        if len(rows) == len(lines):
            if set(map(len, rows)) != {len(columns)}:
                rows = [fitted for row in rows if (fitted := fit_row(row, len(columns))) is not None]
            if rows and len(rows) == len(lines):
                return [CsvTable(columns, rows)], []
    return _parse_each(lines, columns, at_end=False)


def _parse_each(lines: list[str], columns: tuple[str, ...], at_end: bool) -> tuple[list[CsvChunk], list[str]]:
    """Parse lines one row at a time, as a fallback for lines that are not all valid rows.

    At the end of the input, the lines of an incomplete row become unparsed lines.
    """
    chunks: list[CsvChunk] = []
    index = 0
    while index < len(lines):
        if not lines[index].strip(_BLANK):
            index += 1
            continue
        reader = csv.reader(map(without_zeros, _row_lines(lines, index)), strict=True)
        row: list[str] = []
        try:
            row = next(reader)
            if reader.line_num == 1:  # a row over several lines has to have all its cells
                row = fit_row(row, len(columns)) or []
            "".join(row).encode()
        except _OutOfLinesError:
            if not at_end:
                return chunks, lines[index:]
        except (csv.Error, UnicodeEncodeError):
            row = []
        last = chunks[-1] if chunks else None
        if len(row) == len(columns):
            if isinstance(last, CsvTable):
                last.rows.append(row)
            else:
                chunks.append(CsvTable(columns, [row]))
            index += reader.line_num
        else:  # only this line: an unclosed quote must not consume the lines after it
            line = lines[index].removesuffix("\r")
            if isinstance(last, UnparsedLines):
                last.lines.append(line)
            else:
                chunks.append(UnparsedLines([line]))
            index += 1
    return chunks, []


class _OutOfLinesError(Exception):
    """A quoted cell that continues after the last available line."""


def _row_lines(lines: Sequence[str], start: int) -> Iterator[str]:
    """Yield the lines of the row that begins at `start`, up to the longest row allowed.

    Raises:
        _OutOfLinesError: if the row needs more lines than are available.
    """
    size = 0
    for index in range(start, len(lines)):
        yield lines[index] + "\n"
        size += len(lines[index]) + 1
        if size > MAX_LINE_BYTES:
            return
    raise _OutOfLinesError
