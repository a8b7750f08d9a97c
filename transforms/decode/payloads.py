"""Open the payloads of messages: small ones whole, large ones in slices of whole lines, so that memory is bounded."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from telemetry.arrays import CodeArray, IntArray
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.messages import CONTENT_ENCODING, MAX_MESSAGE_BYTES, ROWS, Message
from telemetry.model.reading_batch import ReadingBatch

MAX_INFLATED_BYTES: Final = 64 << 20
"""Largest decompressed size of a message; a larger one is rejected."""
SLICE_BYTES: Final = 2 << 20
"""Decompressed size up to which a message is read whole; a larger one is read in slices of about this size."""
_PIECE_BYTES: Final = 1 << 20
_FIRST_STEP: Final = 4_096  # bytes given to zlib at first: what follows a short gzip member is copied back
_LARGEST_STEP: Final = 1 << 18
_MOST_DIGITS: Final = 9  # of the number of lines in a message


class Content(NamedTuple):
    """Result of reading a payload to its end.

    Attributes:
        whole: all of it; None if it is larger than `SLICE_BYTES`.
        may_hold_objects: whether an opening brace is in it.
    """

    whole: bytes | None
    may_hold_objects: bool


class Slice(NamedTuple):
    """Whole lines of a payload.

    Attributes:
        first: number of the first line, from 1.
        content: the lines, without the line break after the last one.
    """

    first: int
    content: bytes


def read_content(message: Message) -> Content:
    """Read a payload to its end, and keep it if it is small.

    Raises:
        RejectionError: bad_encoding (unknown, broken, or inflating past the bound) or too_large.
    """
    if message.columns is not None:
        return Content(message.payload, may_hold_objects=True)
    parts: list[bytes] = []
    size, found = 0, False
    for piece in pieces_of(message):
        size += len(piece)
        found = found or b"{" in piece
        if size <= SLICE_BYTES:
            parts.append(piece)
        else:
            parts.clear()
    return Content(b"".join(parts) if size <= SLICE_BYTES else None, found)


def slices_of(message: Message) -> Iterator[Slice]:
    """Yield the lines of a payload in slices of about `SLICE_BYTES`; a longer line is a slice with its neighbours.

    Raises:
        RejectionError: as `read_content`.
    """
    number, size = 1, 0
    parts: list[bytes] = []
    for piece in pieces_of(message):
        end = piece.rfind(b"\n")
        if end < 0 or size + end < SLICE_BYTES:
            parts.append(piece)
            size += len(piece)
            continue
        content = b"".join((*parts, piece[:end]))
        yield Slice(number, content)
        number += content.count(b"\n") + 1
        parts, size = [piece[end + 1 :]], len(piece) - end - 1
    if size:
        yield Slice(number, b"".join(parts))


def pieces_of(message: Message) -> Iterator[bytes]:
    """Yield the decompressed payload in pieces of at most a megabyte; a small plain one is a single piece.

    Raises:
        RejectionError: as `read_content`.
    """
    payload = message.payload
    if message.columns is None and len(payload) > MAX_MESSAGE_BYTES:
        raise RejectionError(Reason.TOO_LARGE, f"message of {len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")
    encoding = message.attributes.get(CONTENT_ENCODING, "identity").strip().lower()
    if encoding in ("identity", ""):
        if len(payload) <= SLICE_BYTES:
            return iter((payload,))
        return (payload[start : start + _PIECE_BYTES] for start in range(0, len(payload), _PIECE_BYTES))
    if encoding != "gzip":
        raise RejectionError(Reason.BAD_ENCODING, f"content-encoding {encoding[:80]!r} is not known, only gzip")
    return _inflate(payload)


def _inflate(payload: bytes) -> Iterator[bytes]:
    size, start, began = 0, 0, False
    while start < len(payload) or not began:  # gzip allows several members in a row
        member, step, began = zlib.decompressobj(wbits=31), _FIRST_STEP, True
        while not member.eof:
            piece = payload[start : start + step]
            try:
                inflated = member.decompress(piece, _PIECE_BYTES)
            except zlib.error as error:
                raise RejectionError(Reason.BAD_ENCODING, f"gzip that does not inflate: {error}") from error
            if not piece and not inflated and not member.eof:
                raise RejectionError(Reason.BAD_ENCODING, "gzip that ends too early")
            size += len(inflated)
            if size > MAX_INFLATED_BYTES:
                raise RejectionError(Reason.BAD_ENCODING, f"gzip that inflates past {MAX_INFLATED_BYTES} bytes")
            start += len(piece) - len(member.unused_data if member.eof else member.unconsumed_tail)
            step = min(4 * step, _LARGEST_STEP)
            if inflated:
                yield inflated


def read_back(messages: Sequence[Message], where: CodeArray, line: CodeArray) -> Iterator[bytes]:
    """Yield the bytes of lines of messages that were decoded before; consecutive lines of a message open it once.

    Args:
        messages: where the lines came from.
        where: (N,) index into `messages`.
        line: (N,) line of the message, from 1; 0 is all of it.
    """
    for index, rows in groupby(zip(where.tolist(), line.tolist(), strict=True), lambda row: row[0]):
        numbers = [number for _, number in rows]
        found = _find_lines(messages[index], frozenset(numbers))
        yield from map(found.__getitem__, numbers)


def raw_rows(batch: ReadingBatch, rows: IntArray) -> list[bytes]:
    """Return the bytes of readings, by their indices, as they came."""
    message, line = batch.message[rows], batch.line[rows]
    if batch.raw is not None:
        return batch.raw.read(batch.messages, message, line)
    return list(read_back(batch.messages, message, line))


def _find_lines(message: Message, numbers: frozenset[int]) -> dict[int, bytes]:
    found = {0: b"".join(pieces_of(message))} if 0 in numbers else {}
    wanted = sorted(numbers - {0}, reverse=True)
    for part in slices_of(message) if wanted else ():
        lines = part.content.split(b"\n") if wanted[-1] <= part.first + part.content.count(b"\n") else []
        while wanted and wanted[-1] - part.first < len(lines):
            number = wanted.pop()
            found[number] = lines[number - part.first]
        if not wanted:
            break
    return found


def rows_of(message: Message) -> int:
    """Return the number of lines of a message: its attribute, else counted; 1 if it cannot be opened."""
    told = message.attributes.get(ROWS, "")
    if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS:
        return int(told)
    try:
        return sum(1 for part in slices_of(message) for line in part.content.split(b"\n") if line.strip())
    except RejectionError:
        return 1
