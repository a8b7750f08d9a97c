"""Write what cannot be read so that a job cannot read it either, and counts it as it would count the original."""

from typing import Any, Final

import msgspec

from telemetry.feed.default_feed import BOOLEAN_METRICS
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.feed.readings.json_struct import UNREADABLE
from telemetry.model.messages import MAX_LINE_BYTES

_NUMBERS: Final = NumberSpec()
_BOOLEANS: Final = NumberSpec(booleans=True)
_LONGEST_VALUE: Final = 200  # characters
_LONGEST_ROW: Final = 2 * MAX_LINE_BYTES  # bytes of a row that is written as a text
_OPEN_ENDS: Final = (b"{", b"[", b",", b":")
_FIELDS: Final = msgspec.json.Decoder(dict[str, Any])


def unread_value(metric: str, problem: NumberProblem, text: str) -> str:
    """Return the text that stands for a value which cannot be read.

    It is the value's own text, after the problem where the canonical form would find a number in it, or none missing.

    Args:
        metric: its name.
        problem: why it cannot be read.
        text: the value as it came.
    """
    shown = text[:_LONGEST_VALUE].encode("utf-8", "backslashreplace").decode()
    found = read_number(shown, _BOOLEANS if metric in BOOLEAN_METRICS else _NUMBERS)
    if isinstance(found, NumberProblem) and found is not NumberProblem.MISSING:
        return shown
    return f"{problem.replace('_', ' ')}: {shown}"


def odd_row(content: bytes, *, keep_objects: bool = False) -> str:
    """Return the line that stands for a row which is no reading; bytes that are not UTF-8 are surrogate escapes.

    It is the row as it came. A row that is no single line, or that a job could take for a reading, alone or with the
    lines around it, is written as a JSON string of it.

    Args:
        content: the bytes of the row.
        keep_objects: whether a JSON object stays as it is, even if it could be a reading.
    """
    stripped = content.strip()
    begins = stripped[:1]
    plain = bool(stripped) and b"\n" not in content and begins != b"["
    if plain and (begins != b"{" or _stays(stripped, keep_objects=keep_objects)):
        return content.decode("utf-8", "surrogateescape")
    return msgspec.json.encode(content[:_LONGEST_ROW].decode("utf-8", "backslashreplace")).decode()


def _stays(text: bytes, *, keep_objects: bool) -> bool:
    """Return whether a text stays what it is: an object that is no reading, or the broken beginning of one.

    One that ends between two tokens may be the first line of a document, which goes on in the lines behind it.
    """
    try:
        fields = _FIELDS.decode(text)
    except RecursionError:
        return keep_objects
    except UNREADABLE:
        return not text.endswith(_OPEN_ENDS)
    return keep_objects or fields.get("ts") is None or not isinstance(fields.get("device"), str)
