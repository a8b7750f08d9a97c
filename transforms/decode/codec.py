"""Decode messages into readings: whole batches at once, and line by line where a line is bad."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from telemetry.feed.feed import is_canonical
from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.model.dead_letters import Reason, RejectionError
from telemetry.model.message_batch import MessageBatch, groups_of
from telemetry.model.messages import CONTENT_ENCODING, DELIMITER, MAX_MESSAGE_BYTES, MULTILINE, Message
from telemetry.model.reading_batch import concat_batches
from transforms.decode.csv_messages import CsvMessages
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.decoded_batch import DecodedBatch
from transforms.decode.feed_messages import FeedMessages, is_array_of_objects
from transforms.decode.group_results import GroupResults
from transforms.decode.json_lines import row_decoder
from transforms.decode.json_messages import JsonMessages
from transforms.decode.payloads import SLICE_BYTES, pieces_of, read_content, slices_of
from transforms.decode.single_lines import SingleLines

__all__ = ["GROUP_BYTES", "DecodedBatch", "decode", "decode_parts"]

_DIALECT: Final = frozenset((DELIMITER, MULTILINE))  # attributes of CSV whose rows Arrow alone cannot divide
GROUP_BYTES: Final = 1 << 20
"""Bytes of payload, decompressed, at which a group of messages is decoded into one batch of readings."""


def decode(messages: MessageBatch, spec: DecodeSpec) -> DecodedBatch:
    """Decode messages into one batch of readings; see `decode_parts`, which bounds the memory."""
    parts = list(decode_parts(messages, spec))
    if len(parts) == 1:
        return parts[0]
    whole = DecodedBatch()
    batches = [part.readings for part in parts if part.readings is not None]
    whole.readings = concat_batches(batches) if batches else None
    for part in parts:
        whole.rejected += part.rejected
        whole.ignored.update(part.ignored)
        whole.unread.update(part.unread)
        whole.fitted += part.fitted
        whole.clock_ahead += part.clock_ahead
    whole.newest_us = max((part.newest_us for part in parts if part.newest_us is not None), default=None)
    return whole


def decode_parts(messages: MessageBatch, spec: DecodeSpec) -> Iterator[DecodedBatch]:
    """Decode messages a megabyte at a time, by decompressed size; never raises for what they contain.

    Args:
        messages: those of a pull, or a chunk of a file.
        spec: how they are decoded.

    Yields:
        Messages that are small together, or slices of a large one, in order.
    """
    first = 0
    for group in groups_of(messages, GROUP_BYTES):
        work = _Group(group, spec, first)
        if work.add_bodies():
            yield work.take()
        else:
            yield from work.read_messages()
        first += len(group)


class _Group:
    """A group of messages, and what reads them."""

    def __init__(self, messages: MessageBatch, spec: DecodeSpec, first: int) -> None:
        self._messages = messages
        self._spec = spec
        self._decoder = row_decoder(spec.metrics, strict=spec.feed.strict, booleans=spec.booleans)
        self._results = GroupResults(messages, spec, first)
        self._lines = SingleLines(messages, self._decoder, self._results)
        self._json = JsonMessages(messages, self._decoder, self._lines, self._results)
        self._feed = None if is_canonical(spec.feed) else FeedMessages(messages, spec, self._results)
        self._csv = CsvMessages(spec, self._lines, self._results)

    def take(self) -> DecodedBatch:
        """Return what was decoded since the last call."""
        ignored, self._decoder.ignored = self._decoder.ignored, Counter()
        return self._results.take(ignored)

    def add_bodies(self) -> bool:
        """Read all messages where they lie, without taking them apart; returns whether that can be done."""
        messages = self._messages
        if any(CONTENT_ENCODING in attributes for attributes in messages.attributes):
            return False
        if self._feed is not None and len(messages.bodies) <= SLICE_BYTES:
            self._feed.add([(index, messages.payload(index)) for index in range(len(messages))])
            return True
        if self._feed is not None or messages.columns is not None:
            return False
        if len(messages) == 0 or int((messages.ends - messages.starts).max()) > MAX_MESSAGE_BYTES:
            return False
        lines = messages.bodies.rstrip(b"\n") if len(messages) == 1 else messages.bodies
        return self._json.add_lines(lines, None)

    def read_messages(self) -> Iterator[DecodedBatch]:
        """Open each message; yield small ones of JSON together, each of CSV alone, and large ones in slices."""
        if self._feed is not None:
            yield from self._read_feed(self._feed)
            return
        small: list[tuple[int, bytes]] = []
        size = 0
        for index, message in enumerate(self._messages):
            try:
                content = read_content(message)
            except RejectionError as rejection:
                self._results.reject(index, message, rejection)
                continue
            if content.whole is None:
                if small:
                    self._json.add_small(small)
                    small, size = [], 0
                    yield self.take()
                yield from self._read_large(index, message, may_hold_objects=content.may_hold_objects)
            elif not _DIALECT.isdisjoint(message.attributes):
                self._json.add_small(small)
                small, size = [], 0
                yield from self._read_documents(index, content.whole)
            elif message.columns is not None:
                self._csv.add(index, message.columns, content.whole)
            elif is_array_of_objects(content.whole):  # documents are numbered, not lines: a batch of their own
                self._json.add_small(small)
                small, size = [], 0
                yield from self._read_documents(index, content.whole)
            else:
                small.append((index, content.whole))
                size += len(content.whole)
            if size >= GROUP_BYTES:
                self._json.add_small(small)
                small, size = [], 0
                yield self.take()
        self._json.add_small(small)
        yield self.take()

    def _read_documents(self, index: int, payload: bytes) -> Iterator[DecodedBatch]:
        """Read a message of the canonical form whose rows are not its lines: as a batch of its own."""
        yield self.take()
        documents = replace(self._spec, feed=CANONICAL_DOCUMENTS)
        FeedMessages(self._messages, documents, self._results).add([(index, payload)])
        yield self.take()

    def _read_feed(self, feed: FeedMessages) -> Iterator[DecodedBatch]:
        """Open each message, and read what is small together and what is large in slices of whole lines."""
        small: list[tuple[int, bytes]] = []
        size = 0
        for index, message in enumerate(self._messages):
            try:
                content = read_content(message)
                if content.whole is not None:
                    small.append((index, content.whole))
                    size += len(content.whole)
                else:
                    feed.add(small)
                    small, size = [], 0
                    yield self.take()
                    yield from self._read_large_of(feed, index, message)
            except RejectionError as rejection:
                self._results.reject(index, message, rejection)
            if size >= GROUP_BYTES:
                feed.add(small)
                small, size = [], 0
                yield self.take()
        feed.add(small)
        yield self.take()

    def _read_large_of(self, feed: FeedMessages, index: int, message: Message) -> Iterator[DecodedBatch]:
        """Read a large message: in slices of whole lines if its records are lines, else as it is."""
        if not feed.is_divisible(message):
            if len(message.payload) > MAX_MESSAGE_BYTES:
                raise RejectionError(Reason.TOO_LARGE, f"a document of {len(message.payload)} bytes or more")
            feed.add([(index, b"".join(pieces_of(message)))])
            yield self.take()
            return
        for part in slices_of(message):
            feed.add([(index, part.content)], part.first)
            yield self.take()

    def _read_large(self, index: int, message: Message, *, may_hold_objects: bool) -> Iterator[DecodedBatch]:
        """Read a message of JSON in slices, or reject it as a whole."""
        if not may_hold_objects or not self._lines.holds_object(slices_of(message)):
            self._results.reject(index, message, self._lines.rejection_of(message))
            yield self.take()
            return
        for part in slices_of(message):
            self._json.read_slice(index, part)
            yield self.take()
