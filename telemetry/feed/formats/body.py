"""Unwrap payloads that are base64 text, a JSON string or compressed, before their format is read."""

import base64
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from telemetry.feed.formats.inflate import InflateError, inflate
from telemetry.feed.formats.records import BadPart, FeedFormatError, FeedRecord, RecordReader, reject_whole

WRAPPERS: Final = ("base64", "json-string", "gzip", "zlib", "zstd")
"""Names of the wrappers; a json-string is a payload that was made JSON twice."""
_JSON_STRING: Final = msgspec.json.Decoder(str)
_BLANK: Final = re.compile(rb"\s+")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_MOST_WRAPPERS: Final = 4


def parse_body(body: str) -> tuple[str, ...]:
    """Return the wrappers that an option names, outermost first, such as ``base64|gzip``.

    Raises:
        FeedFormatError: if one is not known, or there are too many.
    """
    names = tuple(name.strip() for name in body.split("|")) if body.strip() else ()
    for name in names:
        if name not in WRAPPERS:
            raise FeedFormatError("body", f"{name[:80]!r} is none of {', '.join(WRAPPERS)}")
    if len(names) > _MOST_WRAPPERS:
        raise FeedFormatError("body", f"{len(names)} wrappers, at most {_MOST_WRAPPERS}")
    return names


def unwrap(wrappers: Sequence[str], payload: bytes) -> bytes:
    """Return the bytes within wrappers.

    Raises:
        ValueError: if one of them is not what it should be, or holds too much.
    """
    for name in wrappers:
        if name == "base64":
            payload = decode_base64(payload)
        elif name == "json-string":
            payload = decode_json_string(payload)
        else:
            payload = inflate(name, payload)
    return payload


def decode_json_string(payload: bytes) -> bytes:
    """Return the text that a JSON string stands for.

    Raises:
        ValueError: if it is none.
    """
    try:
        return _JSON_STRING.decode(payload).encode()
    except ValueError as error:
        raise ValueError("not a JSON string") from error


def decode_base64(text: bytes) -> bytes:
    """Return the bytes of base64 text, of either alphabet, with or without its padding, over one line or several.

    Raises:
        ValueError: if it holds anything else.
    """
    text = _BLANK.sub(b"", text).rstrip(b"=").translate(_URL_SAFE)
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error


class UnwrappingReader:
    """Reads payloads of another format within wrappers; every part is the whole payload, which cannot be divided."""

    def __init__(self, wrappers: Sequence[str], inner: RecordReader) -> None:
        """Take the wrappers, outermost first, and the reader of what is inside."""
        self._wrappers = tuple(wrappers)
        self._inner = inner

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records within a payload; bad parts within it are one, the whole payload."""
        try:
            content = unwrap(self._wrappers, payload)
        except (InflateError, ValueError) as error:
            return reject_whole(payload, str(error))
        found, bad = self._inner.read(content)
        records = [FeedRecord(record.value, 0, len(payload)) for record in found]
        if bad:
            part, *others = bad
            more = f", and {len(others)} more parts" if others else ""
            inside = f"bytes {part.first + 1} to {part.end} inside: " if records else ""
            return records, [BadPart(0, len(payload), f"{inside}{part.problem}{more}")]
        if not records and payload.strip():
            return reject_whole(payload, "holds no record")
        return records, []
