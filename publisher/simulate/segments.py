"""Divide the time of each device into segments, of which each holds at most one labelled episode."""

from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, IntArray

SHORTEST: Final = 24
LONGEST: Final = 240


class Segments:
    """Equal intervals of rounds, the same for all devices. A segment is a number: its place in time × devices + device.

    Attributes:
        devices: number of devices.
        rounds: rounds that are divided, a rest shorter than a segment included.
        length: rounds of a segment, `SHORTEST` to `LONGEST`: a quarter of a short simulation.
        per_device: segments of each device.
        free: (per_device * devices,) whether a segment holds no episode yet.
    """

    def __init__(self, devices: int, rounds: int) -> None:
        """Divide the first `rounds` rounds of all devices."""
        self.devices, self.rounds = devices, rounds
        self.length = min(max(rounds // 4, SHORTEST), LONGEST)
        self.per_device = rounds // self.length
        self.free: BoolArray = np.ones(self.per_device * devices, np.bool_)

    def __len__(self) -> int:
        """Return the number of segments of all devices."""
        return len(self.free)

    def place(self, segment: int) -> tuple[int, int]:
        """Return the device of a segment, and its first round."""
        return segment % self.devices, segment // self.devices * self.length

    def take(self, device: int, first: int, end: int) -> None:
        """Mark the segments of a device that the rounds [first, end) touch as taken."""
        places = np.arange(first // self.length, min((end - 1) // self.length + 1, self.per_device))
        self.free[places * self.devices + device] = False

    def choose(self, random: np.random.Generator, count: int) -> IntArray:
        """Return different free segments at random, at most `count`."""
        free = np.flatnonzero(self.free)
        return random.choice(free, size=min(count, len(free)), replace=False)
