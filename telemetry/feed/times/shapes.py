"""Group texts by shape: texts that differ only in their digits."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.arrays import BoolArray, IntArray
from telemetry.feed.times.layouts import ByteColumns

TimeTexts: TypeAlias = pa.Array | pa.ChunkedArray | Sequence[str | None]
_BLOCK: Final = 16_384  # texts at a time: their columns stay in the processor's cache
LONGEST: Final = 100
"""Bytes of the longest text that may be a time."""
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


def encode(texts: TimeTexts) -> pa.Array:
    """Return texts in UTF-8 in an array with 64-bit offsets."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        # Half of a surrogate pair, which JSON can contain, is no UTF-8 but must not end the job.
        encoded = [None if text is None else text.encode("utf-8", "surrogatepass") for text in texts]
        return pa.array(encoded, pa.large_binary())
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return pc.cast(array, pa.large_binary())


def shape_groups(texts: pa.Array) -> Iterator[tuple[IntArray | slice, ByteColumns]]:
    """Yield the rows and the bytes of the texts of each shape, without those that are null or too long.

    Args:
        texts: (N,) of type large_binary.
    """
    if len(texts) == texts.null_count:
        return
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    wanted = lengths <= LONGEST
    if texts.null_count:
        wanted &= np.asarray(texts.is_valid())
    uniform = bool(wanted.all()) and bool((lengths == lengths[0]).all())
    for start in range(0, len(texts), _BLOCK):
        end = min(start + _BLOCK, len(texts))
        if uniform:
            block = data[offsets[start] : offsets[end]].reshape(end - start, lengths[0])
            yield from _by_shape(slice(start, end), np.ascontiguousarray(block.T))
            continue
        inside = np.flatnonzero(wanted[start:end]) + start
        for length in np.unique(lengths[inside]):
            rows = inside[lengths[inside] == length]
            yield from _by_shape(rows, data[offsets[rows] + np.arange(length)[:, None]])


def _by_shape(rows: IntArray | slice, columns: ByteColumns) -> Iterator[tuple[IntArray | slice, ByteColumns]]:
    if _same_shape(columns).all():
        yield rows, columns
        return
    index = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    keys = _shape_keys(columns)
    order = np.argsort(keys, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        while len(group):  # a second time only if two shapes have the same key
            same = _same_shape(columns[:, group])
            yield index[group[same]], columns[:, group[same]]
            group = group[~same]


def _same_shape(columns: ByteColumns) -> BoolArray:
    """Return which texts have the shape of the first one."""
    same = np.ones(columns.shape[1], np.bool_)
    for column in columns:
        byte = column[0]
        same &= column - np.uint8(48) < 10 if 48 <= byte < 58 else column == byte
    return same


def _shape_keys(columns: ByteColumns) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return a number for each text that is the same for texts of one shape."""
    keys = np.zeros(columns.shape[1], np.uint64)
    for column in columns:
        keys *= _MULTIPLIER
        keys += np.where(column - np.uint8(48) < 10, np.uint8(48), column)
        keys ^= keys >> np.uint64(29)
    return keys
