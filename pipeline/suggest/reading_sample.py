"""Keep a fair sample of readings in bounded memory.

A reading is kept if a hash of its device and time is below a limit, which is halved when too many are kept. Which ones
are kept does not depend on the order of the readings, nor on how they are cut into slices.
"""

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import CodeArray, FloatArray, IntArray

_MOST_ROWS: Final = 131_072
_MOST_NUMBERS: Final = 4_000_000
_Hashes = NDArray[np.uint64]


class ReadingSample:
    """A sample of readings, and what is known of each.

    Attributes:
        device: (N,) number of the device.
        time_us: (N,) event time, microseconds UTC.
        numbers: (K, N) what is known of each reading.
    """

    def __init__(self, size: int, most_rows: int = _MOST_ROWS) -> None:
        """Take how many numbers are known of each reading, and the most readings to keep."""
        self.device = np.empty(0, np.int32)
        self.time_us = np.empty(0, np.int64)
        self.numbers = np.empty((size, 0))
        self._hash: _Hashes = np.empty(0, np.uint64)
        self._limit = 2**64 - 1
        self._most_rows = min(most_rows, max(_MOST_NUMBERS // max(size, 1), 1_000))

    def add(self, names: tuple[str, ...], device: CodeArray, time_us: IntArray, numbers: FloatArray) -> None:
        """Take N readings.

        Args:
            names: of the devices, by number.
            device: (N,) number of the device.
            time_us: (N,) event time, microseconds UTC.
            numbers: (K, N) what is known of each.
        """
        seeds = np.array([zlib.crc32(name.encode()) for name in names], np.uint64)
        hashed = _mixed(seeds[device] << np.uint64(32) ^ time_us.astype(np.uint64))
        kept = hashed <= np.uint64(self._limit)
        self._hash = np.concatenate([self._hash, hashed[kept]])
        self.device = np.concatenate([self.device, device[kept]])
        self.time_us = np.concatenate([self.time_us, time_us[kept]])
        self.numbers = np.concatenate([self.numbers, numbers[:, kept]], axis=1)
        while len(self._hash) > self._most_rows:
            self._limit //= 2
            self._select(self._hash <= np.uint64(self._limit))

    def _select(self, rows: NDArray[Any]) -> None:
        self._hash, self.device, self.time_us = self._hash[rows], self.device[rows], self.time_us[rows]
        self.numbers = self.numbers[:, rows]


def _mixed(words: _Hashes) -> _Hashes:
    """Return words whose bits are mixed: the finalizer of SplitMix64."""
    words = (words ^ words >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ words >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    mixed: _Hashes = words ^ words >> np.uint64(31)
    return mixed
