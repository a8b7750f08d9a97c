"""Know the format of a file by its name."""

import re
from typing import Final

from telemetry.feed.feed import CSV, JSON

SUFFIXES: Final = {
    ".csv": CSV,
    ".tsv": CSV,
    ".txt": CSV,
    ".dat": CSV,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".json": JSON,
}
"""Formats of files by the end of their names."""
STDIN: Final = "-"
_OBJECT: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{")  # or an array of objects
_UNSURE: Final = (STDIN, ".txt", ".dat")  # names that may be of either format


def format_by_name(name: str, beginning: bytes) -> str:
    """Return the format of a file that its name tells, or "" if it tells none.

    Args:
        name: of the file, or ``-`` for standard input.
        beginning: of its text in UTF-8: names that tell little are JSON if it begins an object, or an array of some.
    """
    name = name.lower()
    if name.endswith(_UNSURE) and _OBJECT.match(beginning):
        return JSON
    if name == STDIN:
        return CSV
    return next((format for suffix, format in SUFFIXES.items() if name.endswith(suffix)), "")


def delimiter_by_name(name: str, told: str, header: bytes) -> str:
    """Return the delimiter of a file: a tab in a .tsv file whose header has one, if the feed has the usual comma."""
    return "\t" if told == "," and name.lower().endswith(".tsv") and b"\t" in header else told
