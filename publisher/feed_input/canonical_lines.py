"""Read inputs of JSON that are in the canonical form: their rows are published as they are."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from publisher.feed_input.causes import Causes
from publisher.feed_input.feed_lines import in_order, read_rows
from publisher.feed_input.odd_texts import odd_row
from publisher.json_lines import NO_TIME, LineBatch
from telemetry.arrays import IntArray
from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.json_struct import UNREADABLE
from telemetry.model.messages import MAX_LINE_BYTES, Message
from telemetry.text.object_lines import count_objects
from telemetry.text.timestamps import LATEST_US, MICROS, parse_time

_RAW: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Row(msgspec.Struct, gc=False):
    """The fields of a line that say where it belongs."""

    ts: float | str | None = None
    device: str | None = None


_ROW: Final = msgspec.json.Decoder(_Row)


class CanonicalLines:
    """Reads lines of JSON, each of which is published as it is.

    Args:
        metrics: names of the fields to publish, besides time and device; None for all.
    """

    def __init__(self, metrics: tuple[str, ...] | None = None) -> None:
        """Take the names of the fields."""
        self._kept = None if metrics is None else frozenset(("ts", "device", *metrics))

    def read(self, messages: Iterable[Message], _causes: Causes) -> Iterator[LineBatch]:
        """Yield the lines of one file, in its order; blank ones are left out."""
        for message in messages:
            lines = [line for line in message.payload.split(b"\n") if line.strip()]
            rows = _decode(b"\n".join(lines))
            yield LineBatch(self._texts(lines, rows), _times(rows), [_device(row) for row in rows])

    def _texts(self, lines: Sequence[bytes], rows: Sequence[_Row | None]) -> list[str]:
        if self._kept is None and None not in rows:
            return b"\n".join(lines).decode("utf-8", "surrogateescape").split("\n") if lines else []
        return [self._text(line, row) for line, row in zip(lines, rows, strict=True)]

    def _text(self, line: bytes, row: _Row | None) -> str:
        if row is None or self._kept is None:
            return odd_row(line, keep_objects=True)
        fields = {name: value for name, value in _RAW.decode(line).items() if name in self._kept}
        return msgspec.json.encode(fields).decode("utf-8", "surrogateescape")


class CanonicalDocuments:
    """Reads arrays of readings, and documents over several lines, and writes each on one line.

    Args:
        metrics: as for `CanonicalLines`.
    """

    def __init__(self, metrics: tuple[str, ...] | None = None) -> None:
        """Take the names of the fields."""
        self._kept = None if metrics is None else frozenset(("ts", "device", *metrics))
        self._reader = FeedReader(CANONICAL_DOCUMENTS, ())

    def read(self, messages: Iterable[Message], causes: Causes) -> Iterator[LineBatch]:
        """Yield the rows of one file, in its order: time and device as they were read, all else as it came."""
        for rows in read_rows(self._reader, messages):
            causes.add(rows.rejected)
            contents = rows.raw(np.arange(len(rows)))
            seconds = (rows.time_us / MICROS).tolist()
            devices = [rows.devices[code] for code in rows.device.tolist()]
            texts = list(map(self._write, contents, seconds, devices))
            yield in_order(rows, texts)

    def _write(self, content: bytes, seconds: float, device: str) -> str:
        if b"\n" in content:
            content = msgspec.json.format(content, indent=-1)
        fields = _RAW.decode(content)
        if self._kept is not None:
            fields = {name: value for name, value in fields.items() if name in self._kept}
        own = {"ts": msgspec.Raw(msgspec.json.encode(seconds)), "device": msgspec.Raw(msgspec.json.encode(device))}
        return msgspec.json.encode({**fields, **own}).decode("utf-8", "surrogateescape")


def _decode(content: bytes) -> list[_Row | None]:
    """Return what is needed of each line; None for one that is no object of the usual types."""
    total = count_objects(content, MAX_LINE_BYTES)
    try:
        rows = [] if total is None else _ROW.decode_lines(content)
    except UNREADABLE:
        rows = []
    if total is not None and len(rows) == total:
        return list(rows)
    return list(map(_decode_one, content.split(b"\n"))) if content else []


def _decode_one(line: bytes) -> _Row | None:
    try:
        return _ROW.decode(line)
    except UNREADABLE:
        return None


def _device(row: _Row | None) -> str:
    return "" if row is None or row.device is None else row.device


def _times(rows: Sequence[_Row | None]) -> IntArray:
    """Return times by the rule of `read_times`."""
    seconds = np.array([np.nan if row is None else _seconds(row.ts) for row in rows], np.float64)
    with np.errstate(over="ignore"):
        micros = np.rint(seconds * MICROS)
    return np.where((seconds >= 0) & (micros < LATEST_US), micros, NO_TIME).astype(np.int64)


def _seconds(value: float | str | None) -> float:
    if not isinstance(value, str):
        return np.nan if value is None else value
    try:
        return parse_time(value) / MICROS
    except (ValueError, OverflowError):
        return np.nan
