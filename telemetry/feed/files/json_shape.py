"""See how JSON is laid out: documents on lines of their own, over several lines, or in an array."""

import re
from typing import Final

from telemetry.feed.files.json_structure import JsonStructure

_BEGINS: Final = re.compile(rb"[\s\x1e]*")


def is_array(text: bytes) -> bool:
    """Return whether a text begins with an array."""
    begins = _BEGINS.match(text)
    return begins is not None and text[begins.end() : begins.end() + 1] == b"["


def has_documents_over_lines(text: bytes, *, is_all: bool) -> bool:
    """Return whether the first document of a text goes over several lines.

    A broken line before lines that begin with a brace is none.

    Args:
        text: beginning of a file.
        is_all: whether that is the whole file.
    """
    lines = _lines(text, 2)
    if not lines or (not is_all and len(lines) < 2):
        return False  # the line is longer than the text
    return not is_document(lines[0]) and lines[0].lstrip().startswith(b"{") and not lines[-1].startswith(b"{")


def holds_lines(text: bytes) -> bool:
    """Return whether a text, the beginning of a file, begins with a line that is a document, and has another line."""
    lines = _lines(text, 2)
    return len(lines) == 2 and is_document(lines[0])


def is_document(line: bytes) -> bool:
    """Return whether all brackets of a line are closed in it, and there are some."""
    structure = JsonStructure(opens_arrays=False)
    ended = structure.scan(line).cuts
    return bool(len(ended)) and structure.depth == 0


def _lines(text: bytes, most: int) -> list[bytes]:
    """Return the first lines that are not blank."""
    found: list[bytes] = []
    first = 0
    while first < len(text) and len(found) < most:
        end = text.find(b"\n", first) + 1 or len(text)
        line = text[first:end].strip(b"\r\n\x1e")
        if line.strip():
            found.append(line)
        first = end
    return found
