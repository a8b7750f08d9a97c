"""CSV inputs as rows of raw cells, block by block: nothing is dropped, nothing is judged."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias, cast

from telemetry.errors import ConfigError, TelemetryError
from telemetry.model.messages import MAX_LINE_BYTES

STDIN: Final = "-"
_BLOCK_BYTES: Final = 1 << 18
_LONGEST_LINE_BYTES: Final = 64 << 20
_BLANK: Final = " \t\n\r\x0b\x0c"  # what bytes.strip takes for blank, so that the decoder agrees
_GZIP_MAGIC: Final = b"\x1f"  # its first byte, a control character that no header begins with


class InputError(TelemetryError):
    """An input that turned out to be damaged while it was read."""

    def __init__(self, path: str, problem: str) -> None:
        """Name the input and what is wrong with it."""
        super().__init__(f"INPUT {path}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Rows that fit their header.

    Attributes:
        columns: names of the C columns, after mapping.
        rows: each of C cells, as text.
    """

    columns: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Odd:
    """Lines that are no row under their header; bytes that are not UTF-8 are surrogate escapes."""

    lines: list[str]


Piece: TypeAlias = CsvTable | Odd
_Block: TypeAlias = tuple[list[str], bool]
"""Lines without their line feed, and whether all of them are UTF-8."""


def parse_columns(text: str) -> dict[str, str]:
    """Return the new column name by the name in the file of ``ts=timestamp,device=device_id`` (new=old).

    Raises:
        ConfigError: naming --columns, its value and what is wrong with it.
    """
    mapping: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        name, _, source = pair.partition("=")
        name = name.strip()
        if not name or not source:
            raise ConfigError("--columns", text, f"{pair!r} is not written NAME=NAME_IN_THE_FILE")
        if name in mapping.values() or source in mapping:
            raise ConfigError("--columns", text, f"names {source if source in mapping else name!r} twice")
        mapping[source] = name
    return mapping


def read_pieces(path: str, mapping: Mapping[str, str]) -> Iterator[Piece]:
    """Read one input to its end, in order; blank lines are no rows.

    Args:
        path: a CSV file, plain or gzip whatever its name, or ``-`` for standard input.
        mapping: new column name by the name in the file.

    Raises:
        ConfigError: if it cannot be opened or its header lacks a column.
        InputError: if it is damaged further on.
    """
    with ExitStack() as stack:
        blocks = _read_blocks(path, stack)
        header, block = _read_header(blocks, path)
        columns = parse_header(header, path, mapping)
        begun: list[str] = []
        for lines, clean in chain([block], blocks):
            pieces, begun = _parse(begun + lines, columns, clean)
            yield from pieces
        yield from _parse_each(begun, columns, at_end=True)[0]


def check_input(path: str, mapping: Mapping[str, str]) -> None:
    """Raise the error of an input that cannot be opened or whose header will not do; standard input is let be."""
    if path != STDIN:
        with ExitStack() as stack:
            parse_header(_read_header(_read_blocks(path, stack), path)[0], path, mapping)


def parse_header(line: str, path: str, mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Return the column names of a header, mapped.

    Raises:
        ConfigError: if it is no header, or ts or device is missing.
    """
    try:
        line.encode()
        cells = next(csv.reader([line], strict=True))
    except (UnicodeEncodeError, csv.Error) as error:
        raise ConfigError("INPUT", path, "its first line is no CSV header in UTF-8") from error
    for source, name in mapping.items():
        if source not in cells:
            raise ConfigError("--columns", f"{name}={source}", f"{path} has no column {source!r}")
    columns = tuple(mapping.get(cell, cell) for cell in cells)
    for name in ("ts", "device"):
        if name not in columns:
            raise ConfigError("INPUT", path, f"has no column {name!r}; say which it is with --columns {name}=NAME")
    for name in columns:
        if columns.count(name) > 1:
            raise ConfigError("INPUT", path, f"has two columns called {name!r}")
    return columns


def _read_header(blocks: Iterator[_Block], path: str) -> tuple[str, _Block]:
    """Return the first line that is not blank, and what is left of its block."""
    for lines, clean in blocks:
        for index, line in enumerate(lines):
            header = line.removeprefix("\ufeff")
            if header.strip(_BLANK):
                return header, (lines[index + 1 :], clean)
    raise ConfigError("INPUT", path, "is empty, a CSV file begins with a header")


def _read_blocks(path: str, stack: ExitStack) -> Iterator[_Block]:
    try:
        stream = _open(path, stack)
    except OSError as error:
        raise ConfigError("INPUT", path, f"cannot be read: {error.strerror or error}") from error
    csv.field_size_limit(_LONGEST_LINE_BYTES)  # of the whole process; by default it is 131,072 characters
    begun: list[bytes] = []
    size = 0
    try:
        while block := stream.read1(_BLOCK_BYTES):
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                yield _decode(b"".join([*begun, whole]))
                begun, size = [], 0
            begun.append(tail)
            size += len(tail)
            if size > _LONGEST_LINE_BYTES:
                raise InputError(path, f"has a line of more than {_LONGEST_LINE_BYTES} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(path, f"damaged gzip: {error}") from error
    except OSError as error:
        raise InputError(path, f"cannot be read to its end: {error.strerror or error}") from error
    yield _decode(b"".join(begun))


def _open(path: str, stack: ExitStack) -> io.BufferedIOBase:
    if path == STDIN:
        raw = cast(io.BufferedReader, sys.stdin.buffer)
    else:
        raw = open(path, "rb")  # noqa: SIM115  # the stack closes it
        stack.enter_context(raw)
    if raw.peek(1).startswith(_GZIP_MAGIC):
        return stack.enter_context(gzip.GzipFile(fileobj=raw))
    return raw


def _decode(block: bytes) -> _Block:
    try:
        return block.decode("utf-8").split("\n"), True
    except UnicodeDecodeError:
        return [line.decode("utf-8", "surrogateescape") for line in block.split(b"\n")], False


def _parse(lines: list[str], columns: tuple[str, ...], clean: bool) -> tuple[list[Piece], list[str]]:
    """Return the pieces of some lines, and the lines of a row that has only begun."""
    if clean:
        try:
            rows = list(csv.reader(lines, strict=True))
        except csv.Error:
            pass
        else:
            if len(rows) == len(lines) and set(map(len, rows)) == {len(columns)}:
                return [CsvTable(columns, rows)], []
    return _parse_each(lines, columns, at_end=False)


def _parse_each(lines: list[str], columns: tuple[str, ...], at_end: bool) -> tuple[list[Piece], list[str]]:
    """Do the same where something is unusual; at the end of the input no row is left begun."""
    pieces: list[Piece] = []
    index = 0
    while index < len(lines):
        if not lines[index].strip(_BLANK):
            index += 1
            continue
        reader = csv.reader(_feed(lines, index), strict=True)
        row: list[str] = []
        try:
            row = next(reader)
            "".join(row).encode()
        except _OutOfLinesError:
            if not at_end:
                return pieces, lines[index:]
        except (csv.Error, UnicodeEncodeError):
            row = []
        last = pieces[-1] if pieces else None
        if len(row) == len(columns):
            if isinstance(last, CsvTable):
                last.rows.append(row)
            else:
                pieces.append(CsvTable(columns, [row]))
            index += reader.line_num
        else:  # one line only: a quote left open must not take the lines after it along
            line = lines[index].removesuffix("\r")
            if isinstance(last, Odd):
                last.lines.append(line)
            else:
                pieces.append(Odd([line]))
            index += 1
    return pieces, []


class _OutOfLinesError(Exception):
    """A cell is still open after the last line that is known."""


def _feed(lines: Sequence[str], start: int) -> Iterator[str]:
    """Yield the lines that the row at `start` may take up; it ends there if it gets too long."""
    size = 0
    for index in range(start, len(lines)):
        yield lines[index] + "\n"
        size += len(lines[index]) + 1
        if size > MAX_LINE_BYTES:
            return
    raise _OutOfLinesError
