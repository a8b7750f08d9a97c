"""Group lines of JSON into Pub/Sub messages with attributes.

Messages depend only on the input and the options, not on the clock or on earlier publishing. So a repeated
replay builds the same messages with the same keys.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from publisher.json_lines import NO_TIME, LineBatch
from telemetry.model.messages import (
    CONTENT_ENCODING,
    EVENT_TIME,
    MAX_MESSAGE_BYTES,
    MESSAGE_KEY,
    ROWS,
    RUN_ID,
    TIME_LAPSE,
    TIME_SHIFT,
)

MAX_PAYLOAD_BYTES: Final = 262_144
"""Largest payload of several rows before compression; a longer row has its own message."""
_MAX_PENDING_BYTES: Final = 64 << 20
"""Most bytes of incomplete messages, one per device; above it the oldest is completed early."""
_MAX_KEY_BYTES: Final = 1024
"""Longest ordering key (https://cloud.google.com/pubsub/quotas#resource_limits)."""

Ordering: TypeAlias = Literal["run", "device", "none"]


@dataclass(frozen=True, slots=True)
class ReplayMessage:
    """A message to publish.

    Attributes:
        sequence: sequence number within the run, from 0.
        payload: lines of JSON, possibly compressed.
        attributes: attributes of the Pub/Sub message.
        ordering_key: ordering key; empty for none.
        rows: number of lines in the payload.
        first_us: smallest shifted event time, microseconds UTC; None if no row has one.
        last_us: largest shifted event time, microseconds UTC; None if no row has one.
    """

    sequence: int
    payload: bytes
    attributes: dict[str, str]
    ordering_key: str
    rows: int
    first_us: int | None
    last_us: int | None


@dataclass(slots=True)
class _PendingRows:
    """Rows of a message that is not complete."""

    key: str
    texts: list[str] = field(default_factory=list)
    bytes: int = -1  # there is one line break fewer than lines
    first_us: int | None = None
    last_us: int | None = None


class MessageBuilder:
    """Build messages from lines."""

    def __init__(
        self, run_id: str, rows_per_message: int, compress: bool, ordering: Ordering, time_lapse: bool = False
    ) -> None:
        """Prepare for a run.

        Args:
            run_id: prefix of each message key.
            rows_per_message: rows of a full message.
            compress: whether payloads are compressed with gzip.
            ordering: one ordering key for the run, one per device (and messages of one device), or none.
            time_lapse: whether event times may run ahead of the publish time, which each message then says.
        """
        self._run_id = run_id
        self._rows = rows_per_message
        self._compress = compress
        self._ordering = ordering
        self._time_lapse = time_lapse
        self._pending: dict[str, _PendingRows] = {}  # by device, in order of their first row
        self._pending_bytes = 0
        self._sequence = 0

    def add(self, batch: LineBatch, shift_us: int) -> Iterator[ReplayMessage]:
        """Add rows whose event time is their ts plus `shift_us`; yield the completed messages."""
        by_device = self._ordering == "device"
        for text, time, device in zip(batch.texts, batch.times.tolist(), batch.devices, strict=True):
            size = 1 + (len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape")))
            name = device if by_device else ""
            pending = self._pending.get(name)
            if pending is not None and pending.bytes + size > MAX_PAYLOAD_BYTES:
                yield self._complete(name, shift_us)
                pending = None
            if pending is None:
                pending = self._pending[name] = _PendingRows(name)
            pending.texts.append(text)
            pending.bytes += size
            self._pending_bytes += size
            if time != NO_TIME:
                if pending.first_us is None or time < pending.first_us:
                    pending.first_us = time
                if pending.last_us is None or time > pending.last_us:
                    pending.last_us = time
            if len(pending.texts) >= self._rows:
                yield self._complete(name, shift_us)
            while self._pending_bytes > _MAX_PENDING_BYTES:
                yield self._complete(next(iter(self._pending)), shift_us)

    def finish(self, shift_us: int) -> Iterator[ReplayMessage]:
        """Yield the incomplete messages at the end of the input."""
        while self._pending:
            yield self._complete(next(iter(self._pending)), shift_us)

    def _complete(self, name: str, shift_us: int) -> ReplayMessage:
        pending = self._pending.pop(name)
        self._pending_bytes -= pending.bytes + 1
        attributes = {
            MESSAGE_KEY: f"{self._run_id}-{self._sequence}",
            ROWS: str(len(pending.texts)),
            RUN_ID: self._run_id,
        }
        if shift_us:
            attributes[TIME_SHIFT] = repr(shift_us / 1e6)
        if self._time_lapse:
            attributes[TIME_LAPSE] = "true"
        first_us = last_us = None
        if pending.first_us is not None and pending.last_us is not None:
            first_us, last_us = pending.first_us + shift_us, pending.last_us + shift_us
            attributes[EVENT_TIME] = str(first_us // 1000)
        payload = "\n".join(pending.texts).encode("utf-8", "surrogateescape")
        # A row too long for Pub/Sub may fit after compression, so that the job can write it to the dead letters.
        if self._compress or len(payload) > MAX_MESSAGE_BYTES:
            payload = gzip.compress(payload, compresslevel=6, mtime=0)
            attributes[CONTENT_ENCODING] = "gzip"
        key = "" if self._ordering == "none" else _ordering_key(name) or self._run_id
        message = ReplayMessage(self._sequence, payload, attributes, key, len(pending.texts), first_us, last_us)
        self._sequence += 1
        return message


def _ordering_key(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _MAX_KEY_BYTES:
        return name
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
