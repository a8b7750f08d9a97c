"""Compute random numbers by index, without computing the ones before.

The generator is SplitMix64 used as a hash of a counter (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
Generators, 2014). So each chunk of rows is independent of earlier chunks, and no state is kept between chunks.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import FloatArray, IntArray

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S16, _S11 = (np.uint64(shift) for shift in (30, 27, 31, 16, 11))
_ROOT_3: Final = 3.0**0.5
_LOW: Final = np.uint64(0xFFFF)


class Randomness:
    """Streams of random numbers of one seed, each identified by a small integer."""

    def __init__(self, seed: int) -> None:
        """Keep the seed, 0 … 2**63 - 1."""
        self._seed = seed

    def bits(self, stream: int, index: IntArray) -> NDArray[np.uint64]:
        """Return 64 random bits for each index (N,), 0 or more."""
        # Seed and stream are hashed first, because streams that differ only by an offset would overlap.
        origin = _mix(_mix(np.array([self._seed], dtype=np.uint64) + _GAMMA) ^ np.uint64(stream + 1))
        return _mix((index.astype(np.uint64) + np.uint64(1)) * _GAMMA + origin)

    def uniform(self, stream: int, index: IntArray) -> FloatArray:
        """Return uniform numbers in [0, 1) for each index."""
        return (self.bits(stream, index) >> _S11).astype(np.float64) * 2.0**-53

    def noise(self, stream: int, index: IntArray) -> FloatArray:
        """Return bell-shaped noise with mean 0 and standard deviation 1, within ±3.47.

        It is the sum of four uniform numbers (Irwin–Hall distribution), bounded so that a series without faults stays
        in its range.
        """
        bits = self.bits(stream, index)
        total = (bits & _LOW) + ((bits >> _S16) & _LOW) + ((bits >> _S16 >> _S16) & _LOW)
        total = total + (bits >> np.uint64(48))
        scaled: FloatArray = (total.astype(np.float64) / 65_535.0 - 2.0) * _ROOT_3
        return scaled

    def smooth(self, stream: int, position: FloatArray, series: IntArray) -> FloatArray:
        """Return points on smooth random curves in [-1, 1], interpolated between a random knot at each whole position.

        Args:
            stream: stream of random numbers.
            position: (N,) position on the curve, 0 or more, in units of the distance between knots.
            series: (N,) index of the curve, below 2**20.
        """
        knot: FloatArray = np.floor(position)
        share: FloatArray = position - knot
        weight: FloatArray = share * share * (3.0 - 2.0 * share)
        left = knot.astype(np.int64) * 2**20 + series
        here, there = self.uniform(stream, left), self.uniform(stream, left + 2**20)
        curve: FloatArray = np.asarray(2.0 * (here + (there - here) * weight) - 1.0)
        return curve


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _S30)) * _MIX_1
    state = (state ^ (state >> _S27)) * _MIX_2
    return state ^ (state >> _S31)
