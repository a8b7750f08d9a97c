"""Turn text of other encodings into UTF-8."""

import codecs
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Marks at the beginning of a text, and the encodings that they stand for."""


def marked_encoding(begins: bytes) -> tuple[str, int]:
    """Return the encoding that the mark at the beginning of a text names, and the length of the mark; "" for none."""
    return next(((name, len(mark)) for mark, name in _MARKS if begins.startswith(mark)), ("", 0))


def to_utf8(content: bytes, encoding: str) -> bytes:
    """Return text in UTF-8, without a mark at its beginning.

    Text that is UTF-8 already stays as it is, as that of a dead letter whose file was in another encoding. Bytes that
    the encoding does not know become U+FFFD.

    Args:
        content: the text.
        encoding: as it is declared; "" for UTF-8, unless a mark names another one.
    """
    marked, skipped = marked_encoding(content)
    if marked == "utf-8":
        return content[skipped:]
    if not marked and (not encoding or _is_utf8(content)):
        return content
    return content[skipped:].decode(marked or encoding, "replace").encode("utf-8", "replace")


def _is_utf8(content: bytes) -> bool:
    """Return whether text is UTF-8, and not UTF-16, of which plain letters are UTF-8 with NUL bytes, too."""
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
