"""Read JSON: lines, documents over several lines, arrays, and documents one behind the other."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from telemetry.feed.formats.json_text import ByteSpan, DocumentEnds, EndNotFoundError, parse_document
from telemetry.feed.formats.records import BadPart, FeedRecord, describe, keep_whole_if_nothing_read

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = re.compile(rb"[\s,\x1e\0]*")
NO_OBJECT: Final = "an array that holds no object"
"""Problem of an array of numbers, texts or arrays."""
_PLAIN: Final = "Expected `object`, got a plain value"
_PLAIN_VALUES: Final = re.compile(  # of an array, before its next element
    rb'(?:(?:"(?:[^"\\\n]|\\[^\n])*+"|[-+0-9.eE]++|true|false|null|NaN)[ \t\r]*+,[ \t\r,]*+)++'
)
_NO_DOCUMENT: Final = "not JSON: no object or array begins here"
_LINE_END: Final = b" \t\r\v\f,\x1e\0"


MAX_NESTED: Final = 3
"""How deep arrays may be within an array whose objects are records."""
MAX_BAD_LINES: Final = 10_000
"""Most bad lines, or elements of an array, that are parts of their own; those after them are joined with neighbours."""


class JsonDocument(NamedTuple):
    """One JSON document of a payload.

    Attributes:
        first: its first byte.
        end: byte after its last one.
        value: the object; of an array, where its elements are.
    """

    first: int
    end: int
    value: dict[str, Any] | list[ByteSpan]


class JsonReader:
    """Reads objects, and arrays of objects, as records; an object that holds arrays is one record."""

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload and its bad parts."""
        documents, bad = split_documents(payload)
        records: list[FeedRecord] = []
        for document in documents:
            if isinstance(document.value, dict):
                records.append(FeedRecord(document.value, document.first, document.end))
            else:
                found, unusable = read_elements(payload, document.value, MAX_NESTED)
                records += found
                bad += unusable if found else [BadPart(document.first, document.end, NO_OBJECT)]
        bad.sort(key=lambda part: part.first)
        return keep_whole_if_nothing_read(payload, records, bad)


def read_elements(
    payload: bytes, elements: Sequence[ByteSpan], nested: int = 0
) -> tuple[list[FeedRecord], list[BadPart]]:
    """Return the objects among the elements of an array, and the others.

    Args:
        payload: that holds the array.
        elements: where they are.
        nested: how deep arrays in the array may be whose objects are elements as well.
    """
    records: list[FeedRecord] = []
    bad: list[BadPart] = []
    after_bad = False
    for first, end in elements:
        inside: tuple[list[FeedRecord], list[BadPart]] = [], []
        try:
            value = parse_document(payload[first:end])
            problem = "an array within an array"
            if isinstance(value, list) and nested:
                inside = read_elements(payload, _spans_in(payload, ByteSpan(first, end), value), nested - 1)
        except (ValueError, RecursionError) as error:
            value, problem = [], _problem(error)
        if isinstance(value, dict):
            records.append(FeedRecord(value, first, end))
        elif inside[0]:
            records += inside[0]
            bad += inside[1]
        elif after_bad and len(bad) >= MAX_BAD_LINES:
            bad[-1] = BadPart(bad[-1].first, end, bad[-1].problem)
        else:
            bad.append(BadPart(first, end, problem))
        after_bad = not isinstance(value, dict) and not inside[0]
    return records, bad


def _spans_in(payload: bytes, array: ByteSpan, elements: list[msgspec.Raw]) -> list[ByteSpan]:
    """Return where the elements of an array within an array are."""
    found = _locate(payload, array, elements)
    if found or not elements:
        return found
    content = payload[array.first : array.end]
    spans = DocumentEnds(content).elements(ByteSpan(0, len(content)))
    return [ByteSpan(array.first + first, array.first + end) for first, end in spans]


def split_documents(payload: bytes) -> tuple[list[JsonDocument], list[BadPart]]:
    """Return the documents of a payload in order, and the lines that belong to none.

    Commas, record separators (RFC 7464) and NUL bytes, which a power cut leaves, are passed over between documents. A
    line that begins no document belongs to the bad line before it, if there is one. Plain values before the next
    element of an array, which was cut, are a part of their own.
    """
    documents: list[JsonDocument] = []
    bad: list[BadPart] = []
    ends = DocumentEnds(payload)
    position = _skip(payload, len(BYTE_ORDER_MARK) if payload.startswith(BYTE_ORDER_MARK) else 0)
    line, after_bad = ByteSpan(0, 0), False
    while position < len(payload):
        begins_line = position >= line.end
        if begins_line:
            line = _line_at(payload, position)
        opens = payload[position] in b"{["
        plain = None if opens else _PLAIN_VALUES.match(payload, position)
        if plain is not None and payload[plain.end() : plain.end() + 1] in (b"{", b"["):
            bad.append(BadPart(position, position + len(plain[0].rstrip(_LINE_END)), _PLAIN))
            position, after_bad = plain.end(), False
            continue
        found = _read_document(payload, ByteSpan(position, line.end), begins_line, ends) if opens else _NO_DOCUMENT
        if isinstance(found, JsonDocument):
            documents.append(found)
            position, after_bad = found.end, False
        else:
            if after_bad and (not opens or len(bad) >= MAX_BAD_LINES):
                bad[-1] = BadPart(bad[-1].first, line.end, bad[-1].problem)
            else:
                bad.append(BadPart(position, line.end, found))
            position, after_bad = line.end, True
        position = _skip(payload, position)
    return documents, bad


def _line_at(payload: bytes, first: int) -> ByteSpan:
    end = payload.find(b"\n", first)
    return ByteSpan(first, first + len(payload[first : len(payload) if end < 0 else end].rstrip(_LINE_END)))


def _read_document(payload: bytes, line: ByteSpan, begins_line: bool, ends: DocumentEnds) -> JsonDocument | str:
    """Return the document that begins here, or why there is none.

    Only at its beginning is a line tried as one document, so that many documents on a long line take linear time.
    """
    problem = ""
    if begins_line:
        try:
            return _parse(payload, line, ends)
        except (ValueError, RecursionError) as error:
            problem = _problem(error)
            if isinstance(error, UnicodeDecodeError | RecursionError):
                return problem
    try:
        span = ByteSpan(line.first, ends.find(line.first))
        return problem if problem and span == line else _parse(payload, span, ends)
    except (ValueError, RecursionError) as error:
        return _problem(error)


def _parse(payload: bytes, span: ByteSpan, ends: DocumentEnds) -> JsonDocument:
    content = payload[span.first : span.end]
    value = parse_document(content)
    if isinstance(value, dict):
        return JsonDocument(*span, value)
    return JsonDocument(*span, _locate(payload, span, value) or ends.elements(span))


def _locate(payload: bytes, array: ByteSpan, elements: list[msgspec.Raw]) -> list[ByteSpan]:
    """Return where the texts of elements are in an array; [] if the array was changed before it could be read."""
    found: list[ByteSpan] = []
    position = array.first + 1
    for element in elements:
        text = bytes(element)
        first = payload.find(text, position, array.end)  # only blanks and a comma can be before it
        if first < 0 or payload[position:first].strip(b" \t\r\n,"):
            return []
        position = first + len(text)
        found.append(ByteSpan(first, position))
    return found


def _problem(error: ValueError | RecursionError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {describe(error)}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, EndNotFoundError | msgspec.ValidationError):
        return describe(error)
    return f"not JSON: {describe(error)}"


def _skip(payload: bytes, position: int) -> int:
    between = _SEPARATORS.match(payload, position)
    return position if between is None else between.end()
