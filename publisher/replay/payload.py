"""Lines of JSON as Pub/Sub messages: where one ends and the next begins, and what its attributes say.

Messages depend on the input and the options alone, never on the clock or on what was published before.
So a replay that starts again forms the same messages under the same keys.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from publisher.lines import NO_TIME, Lines
from telemetry.model.messages import (
    CONTENT_ENCODING,
    EVENT_TIME,
    MAX_MESSAGE_BYTES,
    MESSAGE_KEY,
    ROWS,
    RUN_ID,
    TIME_SHIFT,
)

MAX_PAYLOAD_BYTES: Final = 262_144
"""Largest payload of several rows, before compression; a single longer row goes alone."""
_MOST_WAITING_BYTES: Final = 64 << 20
"""With a message per device: above this the longest-waiting messages leave before they are full."""
_MAX_KEY_BYTES: Final = 1024
"""Longest ordering key (https://cloud.google.com/pubsub/quotas#resource_limits)."""

Ordering = Literal["run", "device", "none"]


@dataclass(frozen=True, slots=True)
class ReplayMessage:
    """One message to be published.

    Attributes:
        sequence: its number within the run, from 0.
        payload: lines of JSON, perhaps compressed.
        attributes: what the subscriber is told about them.
        ordering_key: messages of the same key stay in order; empty for none.
        rows: how many lines the payload holds.
        first_us: smallest event time, shifted, microseconds UTC; None if no row has one.
        last_us: largest event time, the same.
    """

    sequence: int
    payload: bytes
    attributes: dict[str, str]
    ordering_key: str
    rows: int
    first_us: int | None
    last_us: int | None


@dataclass(slots=True)
class _Open:
    """Rows that wait for their message to be full."""

    key: str
    texts: list[str] = field(default_factory=list)
    bytes: int = -1  # one line break fewer than lines
    first_us: int | None = None
    last_us: int | None = None


class MessageBuilder:
    """Forms messages from lines."""

    def __init__(self, run_id: str, rows_per_message: int, compress: bool, ordering: Ordering) -> None:
        """Prepare for a run.

        Args:
            run_id: begins each message's key.
            rows_per_message: rows of a full message.
            compress: whether payloads are gzip.
            ordering: one ordering key for the run, one for each device (a message then holds rows of
                one device only), or none.
        """
        self._run_id = run_id
        self._rows = rows_per_message
        self._compress = compress
        self._ordering = ordering
        self._waiting: dict[str, _Open] = {}  # by device, in the order of their first row
        self._waiting_bytes = 0
        self._sequence = 0

    def add(self, lines: Lines, shift_us: int) -> Iterator[ReplayMessage]:
        """Take rows whose event time is their ts plus `shift_us`; yield the messages that became full."""
        by_device = self._ordering == "device"
        for text, time, device in zip(lines.texts, lines.times.tolist(), lines.devices, strict=True):
            size = 1 + (len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape")))
            name = device if by_device else ""
            open_ = self._waiting.get(name)
            if open_ is not None and open_.bytes + size > MAX_PAYLOAD_BYTES:
                yield self._close(name, shift_us)
                open_ = None
            if open_ is None:
                open_ = self._waiting[name] = _Open(name)
            open_.texts.append(text)
            open_.bytes += size
            self._waiting_bytes += size
            if time != NO_TIME:
                if open_.first_us is None or time < open_.first_us:
                    open_.first_us = time
                if open_.last_us is None or time > open_.last_us:
                    open_.last_us = time
            if len(open_.texts) >= self._rows:
                yield self._close(name, shift_us)
            while self._waiting_bytes > _MOST_WAITING_BYTES:
                yield self._close(next(iter(self._waiting)), shift_us)

    def finish(self, shift_us: int) -> Iterator[ReplayMessage]:
        """Yield the messages that are not full, at the end of the input."""
        while self._waiting:
            yield self._close(next(iter(self._waiting)), shift_us)

    def _close(self, name: str, shift_us: int) -> ReplayMessage:
        open_ = self._waiting.pop(name)
        self._waiting_bytes -= open_.bytes + 1
        attributes = {
            MESSAGE_KEY: f"{self._run_id}-{self._sequence}",
            ROWS: str(len(open_.texts)),
            RUN_ID: self._run_id,
        }
        if shift_us:
            attributes[TIME_SHIFT] = repr(shift_us / 1e6)
        first_us = last_us = None
        if open_.first_us is not None and open_.last_us is not None:
            first_us, last_us = open_.first_us + shift_us, open_.last_us + shift_us
            attributes[EVENT_TIME] = str(first_us // 1000)
        payload = "\n".join(open_.texts).encode("utf-8", "surrogateescape")
        # A row too long for Pub/Sub may still fit compressed, and then reaches the dead letters.
        if self._compress or len(payload) > MAX_MESSAGE_BYTES:
            payload = gzip.compress(payload, compresslevel=6, mtime=0)
            attributes[CONTENT_ENCODING] = "gzip"
        key = "" if self._ordering == "none" else _ordering_key(name) or self._run_id
        outgoing = ReplayMessage(self._sequence, payload, attributes, key, len(open_.texts), first_us, last_us)
        self._sequence += 1
        return outgoing


def _ordering_key(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _MAX_KEY_BYTES:
        return name
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
