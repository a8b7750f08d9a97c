"""Encode the records of the journal: everything that happens to a stream, in the order in which its steps see it."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from telemetry.model.message_batch import MessageBatch
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # one of the structs below in msgpack, packed


class _Record(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Fields of every record.

    Attributes:
        clock_us: clock of the stream, microseconds; it never goes back.
        watermark_us: watermark of the source after the record, microseconds UTC; None while it is unknown.
    """

    clock_us: int
    watermark_us: int | None


class Columns(msgspec.Struct, frozen=True, array_like=True):
    """The fields of a `MessageBatch` of N messages of a subscription; arrays are their little-endian values."""

    bodies: bytes
    ends: bytes
    ids: tuple[str, ...]
    publish_us: bytes
    attributes: tuple[Mapping[str, str], ...]


class Pulled(_Record, frozen=True, tag="pull"):
    """Messages of one pull, which are one element for the runner.

    Attributes:
        moment_us: timestamp of the element, microseconds UTC.
        before_us: watermark of the source when the messages arrived, microseconds UTC; None while it was unknown.
        columns: the messages.
    """

    moment_us: int
    before_us: int | None
    columns: Columns

    def messages(self) -> MessageBatch:
        """Return the messages."""
        columns = self.columns
        return MessageBatch(
            columns.bodies,
            np.frombuffer(columns.ends, "<i8"),
            columns.ids,
            np.frombuffer(columns.publish_us, "<i8"),
            columns.attributes,
            self.before_us,
        )


class Ticked(_Record, frozen=True, tag="tick"):
    """An advance of the clock, and perhaps of the watermark, between two pulls."""


class Ruled(_Record, frozen=True, tag="rules"):
    """Rules that come into force.

    Attributes:
        change: see `transforms.incidents.change_bytes`.
    """

    change: bytes


class Reported(_Record, frozen=True, tag="report"):
    """A report of all open windows, at the end of a stream that may go on later."""


class Drained(_Record, frozen=True, tag="drain"):
    """The end of the stream for good: the watermark passes the end of time."""


Record = Pulled | Ticked | Ruled | Reported | Drained
"""Everything that a journal can hold."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[Record]] = msgspec.msgpack.Decoder(Record)


def columns_of(messages: MessageBatch) -> Columns:
    """Return the columns of messages for their record."""
    ends, published = messages.ends.astype("<i8").tobytes(), messages.publish_us.astype("<i8").tobytes()
    return Columns(messages.bodies, ends, messages.ids, published, messages.attributes)


def encode_record(record: Record) -> bytes:
    """Return a record as versioned bytes."""
    return frame(_FORMAT, pack(_ENCODER.encode(record)))


def decode_record(content: bytes) -> Record:
    """Return the record that was encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("journal record", content, (_FORMAT,))
    return _DECODER.decode(unpack(packed))
