"""Weigh what a block of event time teaches, by how long it is since the block before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import FloatArray, IntArray

_MINUTE_US: Final = 60_000_000
_BLOCKS_US: Final = (
    *(minutes * _MINUTE_US for minutes in (60, 30, 20, 15, 10, 5, 2, 1)),
    *(seconds * 1_000_000 for seconds in (30, 10, 5, 1)),
)
_PARTS: Final = 100
_MOST_BLOCKS: Final = 64


def block_length_us(half_life_us: int) -> int:
    """Return the length of blocks for a half-life: an even part of an hour, at most 1/100 of the half-life, or 1 s."""
    return next((length for length in _BLOCKS_US if length * _PARTS <= half_life_us), _BLOCKS_US[-1])


class Weights:
    """Weights of a block, from a table: powers of two must not depend on how a library computes many at once."""

    def __init__(self, half_life_us: int, block_us: int) -> None:
        """Take the half-life and the length of a block, microseconds.

        A gap counts as at most 64 blocks, so that a device that was away for long does not forget what is usual.
        """
        self._block_us = block_us
        self._table = np.array([1.0 - 0.5 ** (blocks * block_us / half_life_us) for blocks in range(_MOST_BLOCKS + 1)])

    def since(self, before_us: IntArray, now_us: IntArray) -> FloatArray:
        """Return the weights of blocks that begin at `before_us`, each before the series' next one at `now_us`."""
        blocks: NDArray[np.int64] = np.clip((now_us - before_us) // self._block_us, 0, _MOST_BLOCKS)
        return self._table[blocks]
