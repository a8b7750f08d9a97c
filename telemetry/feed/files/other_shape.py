"""See how a file of another format than CSV is read."""

from typing import Final

from telemetry.feed.feed import CSV, JSON, Feed
from telemetry.feed.files.encodings import UTF8_MARK
from telemetry.feed.files.json_shape import has_documents_over_lines, holds_lines, is_array
from telemetry.feed.files.shape import Cutting, FileShape
from telemetry.feed.formats.body import parse_body
from telemetry.model.messages import MAX_MESSAGE_BYTES

MAX_DOCUMENT_BYTES: Final = 64 << 20
"""Longest document whose parts are the readings, and which therefore cannot be cut."""
MAX_WHOLE_BYTES: Final = 6 * MAX_MESSAGE_BYTES
"""Largest file that is one message."""
_SENML: Final = "senml"
_BY_LINES: Final = ("line-protocol", "python-literal")
_TEXT_WRAPPERS: Final = ("base64", "json-string")


def is_text(format: str) -> bool:
    """Return whether a format is text; a decoder of the user's own gets the bytes as they are."""
    return format in (CSV, JSON, _SENML, *_BY_LINES)


def other_shape(text: bytes, is_all: bool, format: str, feed: Feed) -> FileShape:
    """Return how a file of another format than CSV is read.

    Args:
        text: its beginning; in UTF-8, if it is text.
        is_all: whether that is the whole file.
        format: name of its format.
        feed: how its content becomes readings.
    """
    wrappers = parse_body(feed.body)
    if wrappers and wrappers[0] in _TEXT_WRAPPERS:
        return FileShape(format, Cutting.EACH_LINE)
    if wrappers or not is_text(format):
        return FileShape(format, Cutting.WHOLE, most_bytes=MAX_WHOLE_BYTES)
    first = len(UTF8_MARK) if text.startswith(UTF8_MARK) else 0
    if format in _BY_LINES:
        return FileShape(format, rows_begin=first)
    text = text[first:]
    if format == _SENML or (feed.records and not is_array(text)):
        if holds_lines(text):
            return FileShape(format, rows_begin=first)
        return FileShape(
            format, Cutting.DOCUMENTS, rows_begin=first, opens_arrays=format == JSON, most_bytes=MAX_DOCUMENT_BYTES
        )
    if feed.time.by_row or is_array(text) or has_documents_over_lines(text, is_all=is_all):
        return FileShape(format, Cutting.DOCUMENTS, rows_begin=first)
    return FileShape(format, rows_begin=first)
