"""Damage the payload of a message so that a job must make a dead letter of it, and say of which bytes."""

import gzip
import random
from typing import Final, NamedTuple

import msgspec

from publisher.replay.message_builder import ReplayMessage
from telemetry.model.dead_letters import Reason
from telemetry.model.messages import CONTENT_ENCODING

TRUNCATED: Final = "truncated"
NOT_UTF8: Final = "not_utf8"
NOT_JSON: Final = "not_json"
BROKEN_GZIP: Final = "broken_gzip"
_OF_LINES: Final = (TRUNCATED, NOT_UTF8, NOT_JSON)
_REASONS: Final = {
    TRUNCATED: Reason.NOT_JSON,
    NOT_UTF8: Reason.NOT_UTF8,
    NOT_JSON: Reason.NOT_JSON,
    BROKEN_GZIP: Reason.BAD_ENCODING,
}


class Damage(NamedTuple):
    """Damage done to a message.

    Attributes:
        payload: payload of the damaged message.
        kind: one of the kinds above.
        reason: reason of the dead letter.
        line: number of the damaged line, from 1; None if the whole message is lost.
        letter: bytes that the dead letter holds.
        original: the same bytes before.
        rows: rows that are lost.
    """

    payload: bytes
    kind: str
    reason: Reason
    line: int | None
    letter: bytes
    original: bytes
    rows: int


def damage_message(message: ReplayMessage, chance: random.Random) -> Damage | None:
    """Damage one line of a message, or its compression; return None if no line of it is a JSON object.

    Args:
        message: the message.
        chance: chooses the kind, the line and the place.
    """
    is_gzip = message.attributes.get(CONTENT_ENCODING) == "gzip"
    kind = chance.choice((*_OF_LINES, BROKEN_GZIP) if is_gzip else _OF_LINES)
    if kind == BROKEN_GZIP:
        payload = message.payload[: chance.randrange(1, len(message.payload))]
        return Damage(payload, kind, _REASONS[kind], None, payload, message.payload, message.rows)
    lines = (gzip.decompress(message.payload) if is_gzip else message.payload).split(b"\n")
    first = chance.randrange(len(lines))
    numbers = [*range(first, len(lines)), *range(first)]
    number = next((number for number in numbers if _is_object(lines[number])), None)
    if number is None:
        return None
    original = lines[number]
    lines[number] = _damage_line(original, kind, chance)
    payload = b"\n".join(lines)
    if is_gzip:
        payload = gzip.compress(payload, compresslevel=6, mtime=0)
    return Damage(payload, kind, _REASONS[kind], number + 1, lines[number], original, 1)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.decode()), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _damage_line(line: bytes, kind: str, chance: random.Random) -> bytes:
    """Return a line that is no JSON object any more; every beginning of an object is none."""
    text = line.decode().strip()
    place = chance.randrange(1, len(text))
    if kind == TRUNCATED:
        return text[:place].encode()
    if kind == NOT_UTF8:
        return text[:place].encode() + b"\xff" + text[place:].encode()
    return f"<{text[1:-1]}>".encode()
