"""Read rules files, and the files that they name: tables and lists of devices."""

import csv
import io
import posixpath
from collections.abc import Iterator, Sequence
from typing import Final

from telemetry.rules.errors import RuleError
from telemetry.storage.files import StorageError, read_file, scheme_of

LARGEST_FILE: Final = 64_000_000
"""Bytes of a table or list: more than a million devices."""


def beside(rules_path: str, path: str) -> str:
    """Return the path of a file that a rules file names: as it is if it is absolute, else from the folder of that file.

    Args:
        rules_path: of the rules file, on any filesystem; "" for the current directory.
        path: as the rules file writes it.
    """
    if scheme_of(path) or posixpath.isabs(path):
        return path
    scheme, separator, rest = rules_path.rpartition("://")
    folder = posixpath.dirname(rest)
    return f"{scheme}{separator}{posixpath.normpath(posixpath.join(folder, path))}"


def read_named(path: str) -> str:
    """Return the text of the file that a command is given, on any Beam filesystem; messages need not name it.

    Raises:
        RuleError: if it cannot be read, or is not UTF-8.
    """
    try:
        return read_file(path).decode("utf-8")
    except StorageError as error:
        raise RuleError(error.problem) from error
    except UnicodeDecodeError as error:
        raise RuleError("not UTF-8 text") from error


def read_text(path: str) -> str:
    """Return the text of a file, without the mark at its beginning that spreadsheets write.

    Raises:
        RuleError: if it cannot be read, is not UTF-8 or is too large.
    """
    try:
        content = read_file(path)
    except StorageError as error:
        raise RuleError(error.problem, file=path) from error
    if len(content) > LARGEST_FILE:
        raise RuleError(f"larger than {LARGEST_FILE:,} bytes", file=path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleError("not UTF-8 text", content.count(b"\n", 0, error.start) + 1, path) from error


def read_table(text: str, path: str, needed: Sequence[str], allowed: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row of a CSV file, a cell for each allowed column; "" where there is none.

    Args:
        text: of the file.
        path: of the file, for messages.
        needed: columns that the header must have.
        allowed: columns that it may have, the needed ones among them; () for any, and cells of the needed ones.

    Raises:
        RuleError: at the first row that does not fit the header.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        _check_header(header, path, needed, allowed)
        places = [header.index(name) if name in header else -1 for name in allowed or needed]
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise RuleError(f"{len(row)} cells, but the header has {len(header)}", reader.line_num, path)
            yield reader.line_num, [row[place] if place >= 0 else "" for place in places]
    except csv.Error as error:
        raise RuleError(f"not a CSV file: {error}", reader.line_num, path) from error


def _check_header(header: Sequence[str], path: str, needed: Sequence[str], allowed: Sequence[str]) -> None:
    problem = ""
    if missing := [name for name in needed if name not in header]:
        problem = f"the header has no column {missing[0]}"
    elif unknown := [name for name in header if allowed and name not in allowed]:
        problem = f"unknown column {unknown[0][:100]!r}, expected {', '.join(allowed)}"
    elif len(set(header)) < len(header):
        problem = "a column is there twice"
    if problem:
        raise RuleError(problem, 1, path)
