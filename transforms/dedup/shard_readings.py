"""Divide readings among the keys that remember them, and encode them on their way there."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.model.message_batch import MessageBatch
from telemetry.model.reading_batch import RawRows, ReadingBatch
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.feed_messages import FeedRowsAgain
from transforms.shuffle.key_pool import pooled_key
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.shards import shard_of
from transforms.shuffle.versioned import frame, unframe

SLICE_US: Final = 600_000_000
"""Event time whose readings share a key: a bundle reads and writes what is remembered of the times in it, no more."""
_FORMAT: Final = 1  # `_Element` in msgpack, packed
_LINES, _FEED, _DOCUMENTS = range(3)  # forms of rows

SliceKey = tuple[int, int]
"""(shard, number of the slice of event time, as that of a pooled key)."""


def divide_readings(batch: ReadingBatch, shards: int) -> Iterator[tuple[SliceKey, ReadingBatch]]:
    """Yield the readings of each shard and slice of event time, with only their own devices and messages.

    Equal readings have the same key. Those of a key keep their order.

    Args:
        batch: N readings.
        shards: number of shards that devices are divided into.
    """
    slices = batch.event_us // SLICE_US
    shard_of_device = np.array([shard_of(name, shards) for name in batch.devices], np.int64)
    places, inverse = np.unique(slices * shards + shard_of_device[batch.device], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(np.bincount(inverse))
    for place, rows in zip(places.tolist(), np.split(order, ends[:-1]), strict=True):
        number, shard = divmod(place, shards)
        yield (shard, pooled_key(number)), _with_own_names(batch if len(places) == 1 else batch.select(rows))


def _with_own_names(batch: ReadingBatch) -> ReadingBatch:
    """Return readings with only the devices and messages that they are of."""
    devices, device = np.unique(batch.device, return_inverse=True)
    if len(devices) < len(batch.devices):
        names = tuple([batch.devices[code] for code in devices.tolist()])
        batch = replace(batch, devices=names, device=device.astype(np.int32))
    messages, message = np.unique(batch.message, return_inverse=True)
    if len(messages) < len(batch.messages):
        batch = replace(batch, messages=batch.messages.take(messages.tolist()), message=message.astype(np.int32))
    return batch


def row_form(raw: RawRows | None) -> int:
    """Return what the readings of a batch are: 0 for lines of their messages, 1 for rows of the feed, 2 for documents.

    Readings of one form can be joined.
    """
    if not isinstance(raw, FeedRowsAgain):
        return _LINES
    return _DOCUMENTS if raw.spec.feed == CANONICAL_DOCUMENTS else _FEED


def _raw_of(form: int, spec: DecodeSpec) -> RawRows | None:
    if form == _LINES:
        return None
    return FeedRowsAgain(replace(spec, feed=CANONICAL_DOCUMENTS) if form == _DOCUMENTS else spec)


class _Element(msgspec.Struct, array_like=True):
    """The fields of a `ReadingBatch` and of its messages; arrays are their little-endian values."""

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: bytes
    event_us: bytes
    source_us: bytes
    values: bytes
    message: bytes
    line: bytes
    form: int
    bodies: bytes
    ends: bytes
    ids: tuple[str, ...]
    publish_us: bytes
    attributes: tuple[Mapping[str, str], ...]
    watermark_us: int | None
    columns: tuple[str, ...] | None
    portion: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Element)


def encode_readings(batch: ReadingBatch) -> bytes:
    """Return readings, in which no breaches were looked for yet, as versioned bytes."""
    messages = batch.messages
    element = _Element(
        batch.metrics,
        batch.devices,
        batch.device.astype("<i4").tobytes(),
        batch.event_us.astype("<i8").tobytes(),
        batch.source_us.astype("<i8").tobytes(),
        batch.values.astype("<f8").tobytes(),
        batch.message.astype("<i4").tobytes(),
        batch.line.astype("<i4").tobytes(),
        row_form(batch.raw),
        messages.bodies,
        messages.ends.astype("<i8").tobytes(),
        messages.ids,
        messages.publish_us.astype("<i8").tobytes(),
        messages.attributes,
        messages.watermark_us,
        messages.columns,
        messages.portion,
    )
    return frame(_FORMAT, pack(_ENCODER.encode(element)))


def decode_readings(content: bytes, spec: DecodeSpec | None = None) -> ReadingBatch:
    """Return the readings that were encoded.

    Args:
        content: the bytes.
        spec: how this job decodes. A metric that the readings lack, as a job with other ones decoded them, is missing.
            None for the canonical form and the metrics that they have.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("readings to check for repeats", content, (_FORMAT,))
    element = _DECODER.decode(unpack(packed))
    event_us = np.frombuffer(element.event_us, "<i8")
    values = np.frombuffer(element.values, "<f8").reshape(len(element.metrics), len(event_us))
    spec = DecodeSpec(element.metrics) if spec is None else spec
    if element.metrics != spec.metrics:
        found = dict(zip(element.metrics, values, strict=True))
        missing = np.full(len(event_us), np.nan)
        values = np.array([found.get(name, missing) for name in spec.metrics], np.float64)
    messages = MessageBatch(
        element.bodies,
        np.frombuffer(element.ends, "<i8"),
        element.ids,
        np.frombuffer(element.publish_us, "<i8"),
        element.attributes,
        element.watermark_us,
        element.columns,
        element.portion,
    )
    return ReadingBatch(
        spec.metrics,
        element.devices,
        np.frombuffer(element.device, "<i4"),
        event_us,
        np.frombuffer(element.source_us, "<i8"),
        values,
        messages,
        np.frombuffer(element.message, "<i4"),
        np.frombuffer(element.line, "<i4"),
        _raw_of(element.form, spec),
    )
