"""Reduce readings to the keys by which a repeat is recognised: device, event time, and which metrics have a value."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, IntArray
from telemetry.model.reading_batch import ReadingBatch

_DIGEST_BYTES: Final = 8
_MOST_NAMES: Final = 1 << 16  # whose digests a process remembers


@dataclass(frozen=True, slots=True)
class ReadingKeys:
    """Keys of N readings. Values are no part of them: of two that differ in nothing else, the later is a repeat.

    Attributes:
        event_us: (N,) event time, microseconds UTC.
        digest: (N,) digest of the device's name and of the names of the metrics that have a value. It depends neither
            on the process nor on the order of the metrics, and not on metrics without a value. Two different keys of
            the same event time are taken for one with a probability of 2**-64.
    """

    event_us: IntArray
    digest: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.event_us)

    def select(self, rows: BoolArray | IntArray | slice) -> "ReadingKeys":
        """Return the keys that a mask, an index array or a slice selects."""
        return ReadingKeys(self.event_us[rows], self.digest[rows])

    def order(self) -> NDArray[np.intp]:
        """Return the indices that sort the keys by time and digest; equal ones stay in their order."""
        return np.lexsort((self.digest, self.event_us))

    def again(self) -> BoolArray:
        """Return, for sorted keys, which are equal to the one before them."""
        again = np.zeros(len(self), np.bool_)
        again[1:] = (self.event_us[1:] == self.event_us[:-1]) & (self.digest[1:] == self.digest[:-1])
        return again


def reading_keys(batch: ReadingBatch) -> ReadingKeys:
    """Return the keys of a batch."""
    devices = np.array([_digest(b"device", name) for name in batch.devices], np.uint64)
    digest = devices[batch.device]
    for metric, values in zip(batch.metrics, batch.values, strict=True):
        digest[~np.isnan(values)] += np.uint64(_digest(b"metric", metric))  # a sum modulo 2**64 has no order
    return ReadingKeys(batch.event_us, digest)


@lru_cache(_MOST_NAMES)
def _digest(kind: bytes, name: str) -> int:
    content = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=_DIGEST_BYTES, person=kind).digest(), "little")
