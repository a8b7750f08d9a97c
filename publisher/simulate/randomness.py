"""Random numbers by index: any number of a stream is found without the ones before it.

SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) as a hash of a counter.
So a chunk of rows is the same whatever was generated before it, and nothing is kept between chunks.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S16, _S11 = (np.uint64(shift) for shift in (30, 27, 31, 16, 11))
_ROOT_3: Final = 3.0**0.5
_LOW: Final = np.uint64(0xFFFF)


class Randomness:
    """One seed's streams of random numbers, each named by a small integer."""

    def __init__(self, seed: int) -> None:
        """Take a seed of 0 … 2**63 - 1."""
        self._seed = seed

    def bits(self, stream: int, index: Indices) -> NDArray[np.uint64]:
        """Return 64 random bits for each index (0 or more)."""
        # Seed and stream are mixed first: streams that were only offset from each other would overlap.
        origin = _mix(_mix(np.array([self._seed], dtype=np.uint64) + _GAMMA) ^ np.uint64(stream + 1))
        return _mix((index.astype(np.uint64) + np.uint64(1)) * _GAMMA + origin)

    def uniform(self, stream: int, index: Indices) -> Floats:
        """Return doubles of [0, 1)."""
        return (self.bits(stream, index) >> _S11).astype(np.float64) * 2.0**-53

    def noise(self, stream: int, index: Indices) -> Floats:
        """Return bell-shaped noise of mean 0 and standard deviation 1, never beyond ±3.47.

        The sum of four uniform numbers (Irwin–Hall): bounded, so that a fault-free series stays in its range.
        """
        bits = self.bits(stream, index)
        total = (bits & _LOW) + ((bits >> _S16) & _LOW) + ((bits >> _S16 >> _S16) & _LOW)
        total = total + (bits >> np.uint64(48))
        scaled: Floats = (total.astype(np.float64) / 65_535.0 - 2.0) * _ROOT_3
        return scaled

    def smooth(self, stream: int, position: Floats, series: Indices) -> Floats:
        """Return a smooth wandering curve of [-1, 1] with a random knot at each whole position.

        Args:
            stream: Which stream.
            position: Where on the curve, 0 or more (a time in units of the knots' distance).
            series: Which curve each position is on (a device), below 2**20.
        """
        knot: Floats = np.floor(position)
        share: Floats = position - knot
        weight: Floats = share * share * (3.0 - 2.0 * share)
        left = knot.astype(np.int64) * 2**20 + series
        here, there = self.uniform(stream, left), self.uniform(stream, left + 2**20)
        curve: Floats = np.asarray(2.0 * (here + (there - here) * weight) - 1.0)
        return curve


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _S30)) * _MIX_1
    state = (state ^ (state >> _S27)) * _MIX_2
    return state ^ (state >> _S31)
