"""Weigh what a block of event time teaches, by how long it is since the block before."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import FloatArray, IntArray

_MINUTE_US: Final = 60_000_000
_BLOCKS_US: Final = (
    *(minutes * _MINUTE_US for minutes in (60, 30, 20, 15, 10, 5, 2, 1)),
    *(seconds * 1_000_000 for seconds in (30, 10, 5, 1)),
)
_MOST_BLOCKS: Final = 64


def block_length_us(half_life_us: int, parts: int) -> int:
    """Return the length of blocks: an even part of an hour that is at most 1/parts of the half-life, or a second."""
    return next((length for length in _BLOCKS_US if length * parts <= half_life_us), _BLOCKS_US[-1])


class Weights:
    """Weights of a block, from a table: powers of two must not depend on how a library computes many at once."""

    def __init__(self, half_life_us: int, block_us: int, least: int = 0) -> None:
        """Take the half-life and the length of a block, microseconds.

        A gap counts as at most 64 blocks, so that a device that was away for long does not forget what is usual.

        Args:
            half_life_us: time in which half of what was known is forgotten.
            block_us: length of a block.
            least: number of readings in which no more than half is forgotten; 0 for any.
        """
        self._block_us = block_us
        self._table = np.array([1.0 - 0.5 ** (blocks * block_us / half_life_us) for blocks in range(_MOST_BLOCKS + 1)])
        self._by_readings = np.array(
            [1.0 - 0.5 ** (number / least) for number in range(8 * least + 1)] if least else [1.0]
        )

    def since(self, before_us: IntArray, now_us: IntArray) -> FloatArray:
        """Return the weights of blocks that begin at `before_us`, each before the series' next one at `now_us`."""
        blocks: NDArray[np.int64] = np.clip((now_us - before_us) // self._block_us, 0, _MOST_BLOCKS)
        return self._table[blocks]

    def of(self, before_us: IntArray, now_us: IntArray, readings: NDArray[np.integer[Any]]) -> FloatArray:
        """Return the weights of blocks likewise, by how many readings they hold, too."""
        most = len(self._by_readings) - 1
        weight: FloatArray = np.minimum(self.since(before_us, now_us), self._by_readings[np.minimum(readings, most)])
        return weight
