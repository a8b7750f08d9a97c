"""Encode watched readings on their way to the shard of their devices, and while they wait there for the watermark."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from transforms.incidents.watched_rows import WatchedRows, no_rows
from transforms.series.track import NONE_US
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.shards import shard_of
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # `_Plain` in msgpack, packed


class ShardRows(msgspec.Struct, frozen=True):
    """Readings of the devices of one shard.

    Attributes:
        rows: the readings, none if only the start is told.
        start_us: earliest event time of the batch that they came from, whatever its shards, microseconds UTC.
        watermark_us: the source's watermark when they arrived, microseconds UTC; None if it is unknown.
        change: rules that come into force, encoded; empty if none do.
    """

    rows: WatchedRows
    start_us: int
    watermark_us: int | None = None
    change: bytes = b""


class _Plain(msgspec.Struct, array_like=True):
    """The fields of `ShardRows`; arrays are little-endian: codes of 4 bytes, times and values of 8."""

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: bytes
    event_us: bytes
    values: bytes
    start_us: int
    watermark_us: int | None
    change: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Plain)


def encode_shard_rows(shard: ShardRows) -> bytes:
    """Return readings as versioned bytes."""
    rows = shard.rows
    plain = _Plain(
        rows.metrics,
        rows.devices,
        rows.device.astype("<i4").tobytes(),
        rows.event_us.astype("<i8").tobytes(),
        rows.values.astype("<f8").tobytes(),
        shard.start_us,
        shard.watermark_us,
        shard.change,
    )
    return frame(_FORMAT, pack(_ENCODER.encode(plain)))


def decode_shard_rows(content: bytes) -> ShardRows:
    """Return the readings that were encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("watched readings", content, (_FORMAT,))
    plain = _DECODER.decode(unpack(packed))
    event_us = np.frombuffer(plain.event_us, "<i8")
    values = np.frombuffer(plain.values, "<f8").reshape(len(plain.metrics), len(event_us))
    rows = WatchedRows(plain.metrics, plain.devices, np.frombuffer(plain.device, "<i4"), event_us, values)
    return ShardRows(rows, plain.start_us, plain.watermark_us, plain.change)


def split_rows(rows: WatchedRows, shards: int) -> Iterator[tuple[int, WatchedRows]]:
    """Yield (shard, its rows) for each shard that has some, with only the devices that it has."""
    if not len(rows):
        return
    if shards == 1:
        yield 0, with_own_devices(rows)
        return
    shard_of_device = np.array([shard_of(name, shards) for name in rows.devices], np.int32)
    shard_of_row = shard_of_device[rows.device]
    for shard in np.unique(shard_of_row).tolist():
        yield shard, with_own_devices(rows.select(shard_of_row == shard))


def with_own_devices(rows: WatchedRows) -> WatchedRows:
    """Return rows with only the devices that they are of."""
    is_used = np.bincount(rows.device, minlength=len(rows.devices)) > 0
    if is_used.all():
        return rows
    names = tuple([rows.devices[code] for code in np.flatnonzero(is_used).tolist()])
    code_of = (np.cumsum(is_used) - 1).astype(np.int32)
    return WatchedRows(rows.metrics, names, code_of[rows.device], rows.event_us, rows.values)


def join_rows(parts: Sequence[WatchedRows], metrics: tuple[str, ...]) -> WatchedRows:
    """Return several groups of rows as one, in their order; a metric that a group lacks is NaN there."""
    if not parts:
        return no_rows(metrics)
    codes: dict[str, int] = {}
    device: list[NDArray[np.int32]] = []
    values: list[NDArray[np.float64]] = []
    for part in parts:
        mapped = np.array([codes.setdefault(name, len(codes)) for name in part.devices], np.int32)
        device.append(mapped[part.device] if len(part) else np.empty(0, np.int32))
        values.append(_values_of(part, metrics))
    return WatchedRows(
        metrics,
        tuple(codes),
        np.concatenate(device),
        np.concatenate([part.event_us for part in parts]),
        np.concatenate(values, axis=1),
    )


def _values_of(part: WatchedRows, metrics: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the values of some metrics; rows that waited while the rules changed may lack one."""
    if part.metrics == metrics:
        return part.values
    missing = np.full(len(part), np.nan)
    found = [part.values[part.metrics.index(name)] if name in part.metrics else missing for name in metrics]
    return np.array(found, np.float64).reshape(len(metrics), len(part))


def start_of(parts: Sequence[ShardRows]) -> int:
    """Return the earliest start that is told; `NONE_US` if none is."""
    return min((part.start_us for part in parts if part.start_us != NONE_US), default=NONE_US)
