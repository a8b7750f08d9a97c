"""Read the line protocol of InfluxDB, as Telegraf sends it.

A line is ``measurement,tag=text field=1.5,other=2i 1594512094000000000``; see
https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/.
"""

import re
from typing import Any, Final

from telemetry.feed.formats.records import (
    BadPart,
    FeedFormatError,
    FeedRecord,
    describe,
    keep_whole_if_nothing_read,
)

NANOSECONDS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Length of the unit of timestamps, by the name of the precision."""
_MEASUREMENT: Final = re.compile(rb"(?:[^,\\ \n]|\\[^\n])++")
_TAG: Final = re.compile(rb",((?:[^,=\\ \n]|\\[^\n])++)=((?:[^,=\\ \n]|\\[^\n])++)")
_FIELD: Final = re.compile(
    rb"((?:[^,=\\ \n]|\\[^\n])++)="
    rb'(?:"(?P<text>(?:[^"\\]|\\[\s\S])*+)"|(?P<number>[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?)'
    rb"(?P<whole>[iu]?)|(?P<true>t|T|true|True|TRUE)|(?P<false>f|F|false|False|FALSE))(?=[,\s]|\Z)"
)
_INTEGER: Final = re.compile(rb"[-+]?[0-9]{1,20}")  # of 64 bits
_END: Final = re.compile(rb" *+(-?[0-9]{1,19})?[ \r]*+(?:\n|\Z)")
_BLANK: Final = re.compile(rb"(?:\s++|#[^\n]*+)*+")
_ESCAPED: Final = re.compile(rb"\\([,= ])")
_ESCAPED_TEXT: Final = re.compile(rb'\\(["\\])')


class LineProtocolError(ValueError):
    """A line that is not in the line protocol."""


class LineProtocolReader:
    """Reads each line as a record with `measurement`, `tags`, `fields` and, where the line has one, `timestamp`.

    The timestamp is in nanoseconds since 1970, whatever the precision of the lines.
    """

    def __init__(self, precision: str = "ns") -> None:
        """Take the unit of the timestamps.

        Raises:
            FeedFormatError: if there is no such unit.
        """
        if precision not in NANOSECONDS:
            raise FeedFormatError("precision", f"{precision!r} is none of {', '.join(NANOSECONDS)}")
        self._unit = NANOSECONDS[precision]

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload and the lines that are none; comments are passed over."""
        records: list[FeedRecord] = []
        bad: list[BadPart] = []
        position = _after_blank(payload, 0)
        while position < len(payload):
            try:
                value, end = self._read_line(payload, position)
                records.append(FeedRecord(value, position, end))
            except (LineProtocolError, UnicodeDecodeError) as error:
                end = payload.find(b"\n", position)
                end = len(payload) if end < 0 else end
                bad.append(BadPart(position, end, describe(error)))
            position = _after_blank(payload, end)
        if not records and not bad:
            return [], ([BadPart(0, len(payload), "holds comments only")] if payload.strip() else [])
        return keep_whole_if_nothing_read(payload, records, bad)

    def _read_line(self, payload: bytes, first: int) -> tuple[dict[str, Any], int]:
        name = _MEASUREMENT.match(payload, first)
        if name is None:
            raise LineProtocolError("a line without a measurement")
        tags: dict[str, str] = {}
        position = name.end()
        while (tag := _TAG.match(payload, position)) is not None:
            tags[_unescape(tag[1])] = _unescape(tag[2])
            position = tag.end()
        if payload[position : position + 1] != b" ":
            raise LineProtocolError(f"no tag and no blank {_at(position - first)}")
        while payload[position : position + 1] == b" ":
            position += 1
        fields: dict[str, float | int | str | bool] = {}
        while True:
            field = _FIELD.match(payload, position)
            if field is None:
                raise LineProtocolError(f"no field {_at(position - first)}")
            fields[_unescape(field[1])] = _value(field)
            position = field.end()
            if payload[position : position + 1] != b",":
                break
            position += 1
        end = _END.match(payload, position)
        if end is None:
            raise LineProtocolError(f"no timestamp and no end of the line {_at(position - first)}")
        value: dict[str, Any] = {"measurement": _unescape(name[0]), "tags": tags, "fields": fields}
        if end[1] is None:
            return value, position
        value["timestamp"] = int(end[1]) * self._unit
        return value, end.end(1)


def _value(field: re.Match[bytes]) -> float | int | str | bool:
    if field["number"] is not None:
        if not field["whole"]:
            return float(field["number"])
        if _INTEGER.fullmatch(field["number"]) is None:
            raise LineProtocolError("an integer that is none, or too large")
        return int(field["number"])
    if field["text"] is not None:
        return _ESCAPED_TEXT.sub(rb"\1", field["text"]).decode()
    return field["true"] is not None


def _unescape(text: bytes) -> str:
    return (_ESCAPED.sub(rb"\1", text) if b"\\" in text else text).decode()


def _at(offset: int) -> str:
    return f"at byte {offset + 1} of the line"


def _after_blank(payload: bytes, position: int) -> int:
    blank = _BLANK.match(payload, position)
    return position if blank is None else blank.end()
