"""Aggregate a batch of a stream, one partial aggregate per shard and hour bucket, and encode the result."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from transforms.decode.payloads import raw_rows, read_back
from transforms.shuffle.shards import shard_of
from transforms.shuffle.versioned import frame, unframe
from transforms.windows.aggregate_table import AggregateTable, aggregate_batch, split_table, spread_windows
from transforms.windows.late import PossiblyLateRows, find_possibly_late, pick_rows, without_payload
from transforms.windows.table_bytes import decode_table, encode_table
from transforms.windows.window_spec import WindowSpec

_FORMAT: Final = 2  # `_Element` in msgpack
_WITH_PAYLOADS: Final = 1  # the same, without contents: they are in the payloads of the messages

ShardKey = tuple[int, int]
"""(shard, number of the hour bucket): in a stream the number is that of a pooled key."""


@dataclass(frozen=True, slots=True)
class PartialAggregate:
    """Readings of one batch on their way to the windows of one shard and hour bucket.

    Attributes:
        table: their partial aggregates by device and window.
        watermark_us: the source's watermark when they were received, microseconds UTC; None if it is unknown.
        possibly_late: those of the rows that may be too late.
    """

    table: AggregateTable
    watermark_us: int | None = None
    possibly_late: PossiblyLateRows | None = None

    def message_ids(self) -> tuple[str, ...]:
        """Return ids of the messages of rows that may be too late."""
        messages = () if self.possibly_late is None else self.possibly_late.messages
        return tuple([message.message_id for message in messages])


def partial_aggregates(
    batch: ReadingBatch, spec: WindowSpec, shards: int, hour_bucket_us: int
) -> Iterator[tuple[int, int, PartialAggregate]]:
    """Yield (shard, number of the hour bucket, partial aggregate) for the windows that a batch touches.

    Each row that may be too late is part of exactly one of them.

    Args:
        batch: the readings.
        spec: windows and lateness.
        shards: number of shards that devices are divided into.
        hour_bucket_us: length of an hour bucket, microseconds.
    """
    watermark_us = batch.messages.watermark_us
    rows = np.flatnonzero(find_possibly_late(batch, spec, watermark_us))
    possibly_late = _by_first_window(batch, rows, spec, shards, hour_bucket_us) if len(rows) else {}
    table = spread_windows(aggregate_batch(batch, spec), spec)
    for shard, bucket, groups in split_table(table, shards, hour_bucket_us):
        yield shard, bucket, PartialAggregate(groups, watermark_us, possibly_late.get((shard, bucket)))


def _by_first_window(
    batch: ReadingBatch, rows: NDArray[np.intp], spec: WindowSpec, shards: int, hour_bucket_us: int
) -> dict[tuple[int, int], PossiblyLateRows]:
    """Return rows by (shard, hour bucket) of their earliest window, which is the first they can miss."""
    first_us = spec.earliest(batch.event_us[rows])
    shard = np.array([shard_of(name, shards) for name in batch.devices], np.int64)[batch.device[rows]]
    keys, inverse = np.unique(np.stack([shard, first_us // hour_bucket_us]), axis=1, return_inverse=True)
    contents = raw_rows(batch, rows)  # opens each message once
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse))
    return {
        (key[0], key[1]): pick_rows(batch, rows[own], [contents[index] for index in own.tolist()])
        for key, own in zip(keys.T.tolist(), np.split(order, ends[:-1]), strict=True)
    }


class _Rows(msgspec.Struct, array_like=True):
    """The fields of `PossiblyLateRows`; arrays are their little-endian values."""

    event_us: bytes
    messages: tuple[Message, ...]
    message: bytes
    line: bytes
    contents: tuple[bytes, ...] | None = None


class _Element(msgspec.Struct, array_like=True):
    """The fields of a `PartialAggregate`; the table is versioned bytes itself, as it is kept in state."""

    table: bytes
    watermark_us: int | None
    possibly_late: _Rows | None


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Element)


def encode_partial(partial: PartialAggregate) -> bytes:
    """Return a partial aggregate as versioned bytes."""
    rows = None if partial.possibly_late is None else _encode_rows(partial.possibly_late)
    return frame(_FORMAT, _ENCODER.encode(_Element(encode_table(partial.table), partial.watermark_us, rows)))


def decode_partial(content: bytes) -> PartialAggregate:
    """Return the partial aggregate that was encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, encoded = unframe("partial aggregate", content, (_FORMAT, _WITH_PAYLOADS))
    element = _DECODER.decode(encoded)
    rows = None if element.possibly_late is None else _decode_rows(element.possibly_late)
    return PartialAggregate(decode_table(element.table), element.watermark_us, rows)


def _encode_rows(rows: PossiblyLateRows) -> _Rows:
    return _Rows(rows.event_us.tobytes(), rows.messages, rows.message.tobytes(), rows.line.tobytes(), rows.contents)


def _decode_rows(rows: _Rows) -> PossiblyLateRows:
    message, line = np.frombuffer(rows.message, "<i4"), np.frombuffer(rows.line, "<i4")
    event_us = np.frombuffer(rows.event_us, "<i8")
    if rows.contents is not None:
        return PossiblyLateRows(event_us, rows.messages, message, line, rows.contents)
    contents = tuple(read_back(rows.messages, message, line))
    return PossiblyLateRows(event_us, tuple(map(without_payload, rows.messages)), message, line, contents)
