"""Parse one JSON document, with NaN and infinity as missing values, and find where a document ends."""

import math
import re
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")
_DECODER: Final[msgspec.json.Decoder[dict[str, Any] | list[msgspec.Raw]]] = msgspec.json.Decoder(
    dict[str, Any] | list[msgspec.Raw]
)
_ANY: Final = msgspec.json.Decoder()
_NOT_FINITE: Final = re.compile(
    rb'"(?:[^"\\\n]|\\[^\n])*+"?|(?P<name>-?\b(?:nan|inf(?:inity)?)\b)|(?P<number>-?[0-9][0-9.]*(?:[eE]\+?[0-9]{3,})?)',
    re.IGNORECASE,
)
_MAY_NOT_BE_FINITE: Final = re.compile(rb"nan|inf|[eE]\+?[0-9]{3}|[0-9]{300}", re.IGNORECASE)
_ALLOWANCE: Final = 65_536  # bytes that searches may read in vain, besides some times the payload
_BETWEEN: Final = re.compile(r"[\s,]*")


class ByteSpan(NamedTuple):
    """Bytes of a payload, from the first to before the end."""

    first: int
    end: int


class EndNotFoundError(ValueError):
    """No complete document begins where one was looked for."""


def parse_document(content: bytes) -> dict[str, Any] | list[msgspec.Raw]:
    """Return a JSON object, or the elements of an array as their texts.

    NaN, infinity and numbers beyond the range of a double are None. The last one of equal keys counts.

    Raises:
        ValueError: if it is no object and no array (`msgspec.DecodeError`), or not UTF-8.
        RecursionError: if it is nested too deeply.
    """
    return _decode(_DECODER, content)


def parse_any(content: bytes) -> Any:
    """Return any JSON value, with lists and texts in full.

    Raises:
        ValueError: if it is none, or not UTF-8.
        RecursionError: if it is nested too deeply.
    """
    return _decode(_ANY, content)


def _decode(decoder: msgspec.json.Decoder[T], content: bytes) -> T:
    try:
        return decoder.decode(content)
    except ValueError:
        if _MAY_NOT_BE_FINITE.search(content) is None:
            raise
        return decoder.decode(_NOT_FINITE.sub(_null_if_not_finite, content))


def _null_if_not_finite(found: re.Match[bytes]) -> bytes:
    if found["name"] is not None:
        return b"null"
    number = found["number"]
    if number is None or (len(number) < 300 and b"e" not in number.lower()):
        return found[0]
    try:
        return found[0] if math.isfinite(float(number)) else b"null"
    except ValueError:
        return found[0]


class DocumentEnds:
    """Finds the ends of documents that go over several lines, or share one, in time proportional to the payload."""

    def __init__(self, payload: bytes) -> None:
        """Take a payload; nothing is done before the first search."""
        self._payload = payload
        self._text: str | None = None
        self._decoder = JSONDecoder(strict=True)
        self._left = 16 * len(payload) + _ALLOWANCE

    def find(self, first: int) -> int:
        """Return the byte after the document that begins at a byte.

        Raises:
            EndNotFoundError: if there is none, or too many searches were in vain.
        """
        if self._left < 0:
            raise EndNotFoundError("no document ends on this line, and too many before it did not end at all")
        if self._text is None:
            self._text = _same_length(self._payload)
        try:
            return self._decoder.raw_decode(self._text, first)[1]
        except JSONDecodeError as error:
            self._left -= error.pos - first + error.pos // 64 + 1
            where = f"{error.msg} (byte {error.pos + 1})" if error.pos < len(self._text) else "the document has no end"
            raise EndNotFoundError(f"not JSON: {where}") from error
        except (ValueError, RecursionError) as error:
            self._left -= len(self._text) - first
            raise EndNotFoundError(f"not JSON that can be read: {error}") from error

    def elements(self, array: ByteSpan) -> list[ByteSpan]:
        """Return where the elements of an array are.

        Raises:
            EndNotFoundError: as `find`.
        """
        if self._text is None:
            self._text = _same_length(self._payload)
        found: list[ByteSpan] = []
        position = _skip(self._text, array.first + 1)
        while position < array.end - 1:
            found.append(ByteSpan(position, self.find(position)))
            position = _skip(self._text, found[-1].end)
        return found


def _skip(text: str, position: int) -> int:
    between = _BETWEEN.match(text, position)
    return position if between is None else between.end()


def _same_length(payload: bytes) -> str:
    """Return a payload as text with one character a byte, in which only its structure is right."""
    if _MAY_NOT_BE_FINITE.search(payload) is not None:
        payload = _NOT_FINITE.sub(_zero_of_same_length, payload)
    return payload.decode("latin-1")


def _zero_of_same_length(found: re.Match[bytes]) -> bytes:
    return found[0] if found["name"] is None else b"0".rjust(len(found[0]))
