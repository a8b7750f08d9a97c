"""Find the encoding of a file, and read it as UTF-8."""

import codecs
import io
from typing import Any, Final

from telemetry.feed.files.blocks import BinaryStream

UTF8_MARK: Final = codecs.BOM_UTF8
"""Bytes at the beginning of a text that are no part of it."""
_MARKS: Final = (
    (UTF8_MARK, ""),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARK_BYTES: Final = tuple(mark for mark, _ in _MARKS)
_UTF8: Final = ("utf-8", "utf-8-sig")
_BY_MARK: Final = ("utf-16", "utf-32")
_LOOKED_AT: Final = 1024  # bytes
_FEWEST_PAIRS: Final = 8
_MOSTLY: Final = 0.75
_READ_BYTES: Final = 1 << 18


def is_usable_encoding(name: str) -> bool:
    """Return whether there is a codec of that name that reads text, whatever bytes are in it."""
    try:
        decoded = codecs.getincrementaldecoder(name)("replace").decode(b"abcd" * 2, False)
    except UnicodeError as error:
        return name_of(name) in _BY_MARK and "BOM" in str(error)
    except (LookupError, AssertionError, TypeError, ValueError):
        return False
    return isinstance(decoded, str)


def name_of(encoding: str) -> str:
    """Return the usual name of an encoding."""
    return codecs.lookup(encoding).name


def encoding_of(beginning: bytes, told: str) -> str:
    """Return the codec that reads a text, or "" if it is UTF-8 already.

    Args:
        beginning: of the text.
        told: its encoding, if it is known; else the byte order mark counts, and without one it is UTF-8, unless its
            bytes show that it is UTF-16.
    """
    by_mark = next((codec for mark, codec in _MARKS if beginning.startswith(mark)), "")
    if not told:
        marked = by_mark or beginning.startswith(UTF8_MARK)
        return by_mark if marked else _unmarked_utf16(beginning[:_LOOKED_AT])
    name = name_of(told)
    if name in _UTF8:
        return ""
    if name in _BY_MARK and by_mark != name:  # the codec refuses a text without its mark
        return f"{name}-le"
    return name


def _unmarked_utf16(beginning: bytes) -> str:
    """Return the codec of a text that is UTF-16 without its mark: of nearly all characters one byte is 0."""
    pairs = len(beginning) // 2
    zeros = beginning[: 2 * pairs : 2].count(0), beginning[1 : 2 * pairs : 2].count(0)
    if pairs < _FEWEST_PAIRS or min(zeros) or max(zeros) < _MOSTLY * pairs:
        return ""
    return "utf-16-be" if zeros[0] else "utf-16-le"


def as_utf8(stream: BinaryStream, encoding: str) -> BinaryStream:
    """Return a text as a stream of UTF-8, which cannot be rewound; bytes that cannot be decoded are U+FFFD.

    Args:
        stream: the text, at its beginning.
        encoding: a codec, or "" for a stream that is returned as it is.
    """
    return io.BufferedReader(_Transcoded(stream, encoding), _READ_BYTES) if encoding else stream


def payload_as_utf8(payload: bytes, told: str) -> bytes:
    """Return the text of a message in UTF-8, without a byte order mark; bytes that cannot be decoded are U+FFFD.

    Text that is UTF-8 stays as it is, whatever encoding is told: that of a dead letter is. Text with bytes of zero
    counts as UTF-8 only if nothing is told.

    Args:
        payload: the text.
        told: its encoding; "" for UTF-8, unless its mark names another one.
    """
    if not payload.startswith(_MARK_BYTES) and (not told or _is_utf8(payload)):
        return payload
    codec = encoding_of(payload, told)
    text = payload.decode(codec or "utf-8", "replace").encode("utf-8", "replace") if codec else payload
    return text.removeprefix(UTF8_MARK)


def _is_utf8(text: bytes) -> bool:
    if b"\0" in text:
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Transcoded(io.RawIOBase):
    """A text in another encoding, read as UTF-8."""

    def __init__(self, stream: BinaryStream, encoding: str) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            content = self._stream.read(_READ_BYTES)
            self._ended = not content
            self._ready = self._decoder.decode(content, self._ended).encode("utf-8", "replace")
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
