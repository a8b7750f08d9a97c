"""Read messages as a feed says: all payloads of a pull together, each chunk of a file alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from telemetry.arrays import CodeArray
from telemetry.feed.feed import CSV
from telemetry.feed.formats.json_text import parse_document
from telemetry.feed.readings.feed_rows import Envelope, FeedRows
from telemetry.feed.times.clocks import Clocks
from telemetry.model.dead_letters import RejectionError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.decoded_columns import DecodedColumns
from transforms.decode.group_results import GroupResults
from transforms.decode.metric_values import shorten
from transforms.decode.payloads import pieces_of

if TYPE_CHECKING:
    from telemetry.feed.readings.feed_reader import FeedReader

_LINES: Final = frozenset(("", "json", "csv", "line-protocol", "python-literal"))  # formats of one record a line
_MOST_READERS: Final = 8
_MOST_FILES: Final = 64  # whose clocks are kept
_READERS: "dict[bytes, FeedReader]" = {}
_CLOCKS: dict[str, tuple[int, Clocks]] = {}
"""Clocks of the files that this process reads, by path, and the offset of the chunk that comes next."""


class FeedMessages:
    """Reader of the messages of a group that are not in the canonical form.

    Args:
        messages: the group.
        spec: how they are decoded.
        results: of the group.
    """

    def __init__(self, messages: MessageBatch, spec: DecodeSpec, results: GroupResults) -> None:
        """Read into these results."""
        self._messages = messages
        self._spec = spec
        self._results = results
        self._again = FeedRowsAgain(spec)

    def add(self, opened: Sequence[tuple[int, bytes]], first_number: int = 1) -> None:
        """Read messages.

        Args:
            opened: index and decompressed payload of each.
            first_number: number of the first row, of a slice of a message.
        """
        if not opened:
            return
        if self._spec.feed.time.zone and any(self._messages.published(index) is None for index, _ in opened):
            for one in opened:  # of files, whose order tells the two passes of a double hour apart
                self._add([one], first_number, _clocks_of(self._messages[one[0]]))
        else:
            self._add(opened, first_number, Clocks())

    def is_divisible(self, message: Message) -> bool:
        """Return whether the records of a large message are whole lines, as far as its beginning shows."""
        begins = next(pieces_of(message), b"")
        feed = self._spec.feed
        lines = feed.format in _LINES or message.columns is not None
        if feed.format == CSV and not (feed.csv.columns or message.columns):
            return False  # its header is in the first slice only
        return lines and not self._spec.feed.body and b"\n" in begins and not begins.lstrip().startswith(b"[")

    def _add(self, opened: Sequence[tuple[int, bytes]], first_number: int, clocks: Clocks) -> None:
        messages = self._messages
        envelopes = [
            Envelope(messages.attributes[index], messages.published(index), messages.columns) for index, _ in opened
        ]
        reader = reader_of(self._spec)
        groups = reader.apart([payload for _, payload in opened], envelopes)
        for group in groups:
            some = [opened[place] for place in group]
            rows = reader.read([payload for _, payload in some], [envelopes[place] for place in group], clocks)
            self._keep(rows, some, first_number)

    def _keep(self, rows: FeedRows, opened: Sequence[tuple[int, bytes]], first_number: int) -> None:
        messages = self._messages
        for one in rows.rejected:
            index, rejection = opened[one.payload][0], RejectionError(one.reason, one.error)
            if one.number:
                self._results.letters(index).add(one.number + first_number - 1, one.content, rejection)
            else:
                self._results.reject(index, messages[index], rejection)
        self._results.count_ignored(rows.ignored)
        if len(rows):
            where = np.array([index for index, _ in opened], np.int32)[rows.payload]
            numbers = (rows.number + np.int32(first_number - 1)).astype(np.int32)
            self._results.add_rows(where, numbers, _columns(rows), lambda: rows.raw(np.arange(len(rows))), self._again)


@dataclass(frozen=True)
class FeedRowsAgain:
    """Finds the bytes of readings again, by reading their messages again.

    Attributes:
        spec: how they are decoded.
    """

    spec: DecodeSpec

    def read(self, messages: Sequence[Message], message: CodeArray, number: CodeArray) -> list[bytes]:
        """Return the bytes of readings.

        Args:
            messages: that they were read from.
            message: (N,) index of the message of each.
            number: (N,) number of each in its message.
        """
        found: dict[tuple[int, int], bytes] = {}
        for index in dict.fromkeys(message.tolist()):
            payload = b"".join(pieces_of(messages[index]))
            rows = reader_of(self.spec).read([payload], [_envelope(messages[index])], Clocks())
            wanted = np.flatnonzero(np.isin(rows.number, number[message == index]))
            contents = rows.raw(wanted)
            for place, content in zip(rows.number[wanted].tolist(), contents, strict=True):
                found[index, place] = content
        return [found.get(key, b"") for key in zip(message.tolist(), number.tolist(), strict=True)]


def is_array_of_objects(payload: bytes) -> bool:
    """Return whether a payload is one JSON array that holds an object."""
    if not payload.lstrip().startswith(b"[") or not payload.rstrip().endswith(b"]"):
        return False
    try:
        elements = parse_document(payload)
    except (ValueError, RecursionError):
        return False
    return any(isinstance(one, msgspec.Raw) and bytes(one).startswith(b"{") for one in elements)


def reader_of(spec: DecodeSpec) -> "FeedReader":
    """Return the reader of a feed; each process compiles it once."""
    from telemetry.feed.readings.feed_reader import FeedReader  # many modules, which the canonical form does not need

    key = msgspec.json.encode((spec.feed, spec.metrics, spec.bounds.earliest_us))
    if key not in _READERS:
        if len(_READERS) >= _MOST_READERS:
            _READERS.clear()
        _READERS[key] = FeedReader(spec.feed, spec.metrics, spec.bounds.earliest_us)
    return _READERS[key]


def _envelope(message: Message) -> Envelope:
    return Envelope(message.attributes, message.publish_us, message.columns)


def _columns(rows: FeedRows) -> DecodedColumns:
    return DecodedColumns(
        rows.time_us / 1e6,
        rows.devices,
        rows.device,
        rows.values,
        rows.problems,
        lambda metric, row: shorten(rows.text(metric, row)),
    )


def _clocks_of(message: Message) -> Clocks:
    """Return the clocks of the rows before a chunk, if the chunk before it was read last in its file."""
    path, _, offset = message.message_id.rpartition("@")
    begins = int(offset) if offset.isdecimal() else -1
    expected, clocks = _CLOCKS.get(path, (-1, Clocks()))
    if begins != expected:
        clocks = Clocks()
    if len(_CLOCKS) >= _MOST_FILES and path not in _CLOCKS:
        _CLOCKS.clear()
    _CLOCKS[path] = (begins + len(message.payload), clocks)
    return clocks
