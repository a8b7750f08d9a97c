"""Sum up the content of records so that the order of the records and their division into batches do not matter.

Readings are counted by the job in one place and stored as windows in another; equal checksums say that they are of the
same devices and windows. All sums are of 64-bit integers and wrap around.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

HashArray = NDArray[np.uint64]
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_LEFT_OUT: Final = frozenset({"job_id"})


def text_hashes(texts: Sequence[str]) -> HashArray:
    """Return a hash of each text."""
    digests = b"".join(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def mix(numbers: HashArray) -> HashArray:
    """Return numbers whose bits all depend on all bits of the given ones: the finalizer of splitmix64 (Vigna, 2015)."""
    mixed = numbers + _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def window_hashes(device_hashes: HashArray, window_us: NDArray[np.int64]) -> HashArray:
    """Return a hash of each pair of device and window.

    Args:
        device_hashes: (N,) as `text_hashes` returns them.
        window_us: (N,) start of the window, microseconds UTC.
    """
    return mix(device_hashes ^ mix(window_us.astype(np.uint64)))


def unit_weights(hashes: HashArray) -> NDArray[np.float64]:
    """Return a number from 1 up to 2 for each hash: a sum of values with these weights tells who has which value."""
    weights: NDArray[np.float64] = 1.0 + (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return weights


def row_hashes(table: pa.Table | pa.RecordBatch) -> HashArray:
    """Return a hash of each record: of all its columns but the job, in any order of the columns; null adds nothing."""
    total = np.zeros(len(table), np.uint64)
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if name in _LEFT_OUT:
            continue
        seed = text_hashes([name])
        total += np.where(column.is_valid().to_numpy(zero_copy_only=False), mix(_column(column) ^ seed), np.uint64(0))
    return mix(total)


def signed(checksum: np.uint64) -> int:
    """Return a checksum as a signed integer, which files and tables can store."""
    return int(np.array(checksum, np.uint64).view(np.int64))


def _column(column: pa.Array | pa.ChunkedArray) -> HashArray:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        hashes = np.append(text_hashes(encoded.dictionary.to_pylist()), np.uint64(0))
        of_rows: HashArray = hashes[encoded.indices.fill_null(len(hashes) - 1).to_numpy()]
        return of_rows
    if pa.types.is_floating(column.type):
        numbers = column.fill_null(0.0).to_numpy(zero_copy_only=False)
        return np.ascontiguousarray(numbers).view(np.uint64)
    return column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint64)  # type: ignore[no-any-return]
