"""Read JSON: lines, documents over several lines, arrays, and documents one behind the other."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from telemetry.feed.formats.json_text import ByteSpan, DocumentEnds, EndNotFoundError, parse_document
from telemetry.feed.formats.records import BadPart, FeedRecord, describe, keep_whole_if_nothing_read

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = re.compile(rb"[\s,\x1e]*")
_LINE_END: Final = b" \t\r\v\f,\x1e"


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
                found, unusable = read_elements(payload, document.value)
                records += found
                bad += unusable if found else [BadPart(document.first, document.end, "an array that holds no object")]
        bad.sort(key=lambda part: part.first)
        return keep_whole_if_nothing_read(payload, records, bad)


def read_elements(payload: bytes, elements: Sequence[ByteSpan]) -> tuple[list[FeedRecord], list[BadPart]]:
    """Return the objects among the elements of an array, and the others."""
    records: list[FeedRecord] = []
    bad: list[BadPart] = []
    for first, end in elements:
        try:
            value = parse_document(payload[first:end])
        except (ValueError, RecursionError) as error:
            bad.append(BadPart(first, end, _problem(error)))
            continue
        if isinstance(value, dict):
            records.append(FeedRecord(value, first, end))
        else:
            bad.append(BadPart(first, end, "an array within an array"))
    return records, bad


def split_documents(payload: bytes) -> tuple[list[JsonDocument], list[BadPart]]:
    """Return the documents of a payload in order, and the lines that belong to none.

    Commas and record separators (RFC 7464) between documents are passed over. A line that begins no document belongs
    to the bad line before it, if there is one.
    """
    documents: list[JsonDocument] = []
    bad: list[BadPart] = []
    ends = DocumentEnds(payload)
    position = _skip(payload, len(BYTE_ORDER_MARK) if payload.startswith(BYTE_ORDER_MARK) else 0)
    after_bad = False
    while position < len(payload):
        line_end = payload.find(b"\n", position)
        line_end = len(payload) if line_end < 0 else line_end
        line = ByteSpan(position, position + len(payload[position:line_end].rstrip(_LINE_END)))
        opens = payload[position] in b"{["
        found = _read_document(payload, line, ends) if opens else "not JSON: no object or array begins here"
        if isinstance(found, JsonDocument):
            documents.append(found)
            position, after_bad = found.end, False
        else:
            if after_bad and not opens:
                bad[-1] = BadPart(bad[-1].first, line.end, bad[-1].problem)
            else:
                bad.append(BadPart(line.first, line.end, found))
            position, after_bad = line_end, True
        position = _skip(payload, position)
    return documents, bad


def _read_document(payload: bytes, line: ByteSpan, ends: DocumentEnds) -> JsonDocument | str:
    """Return the document that begins a line, or why there is none."""
    try:
        return _parse(payload, line, ends)
    except (ValueError, RecursionError) as error:
        problem = _problem(error)
        if isinstance(error, UnicodeDecodeError | RecursionError):
            return problem
    try:
        span = ByteSpan(line.first, ends.find(line.first))
        return problem if span == line else _parse(payload, span, ends)
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
