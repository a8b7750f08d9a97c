"""Simulate the clocks of devices: half of them run fast or slow, and are set right now and then.

A reading carries the time of its device's clock, and arrives at the true time.
"""

from typing import Final

import numpy as np

from publisher.simulate.climate import CLOCK_PERIOD, CLOCK_RATE, CLOCK_SIGN, Climate
from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.segments import Segments
from telemetry.arrays import IntArray

KIND: Final = "clock"
_SLOWEST, _FASTEST = 50e-6, 300e-6  # error of a clock: quartz of low quality to ceramic resonators
_SHORTEST, _LONGEST = 24, 72  # segments between two settings: 8 to 24 h at a reading every 5 s


class DeviceClocks:
    """Clocks of all devices. Each is set right in the middle of a segment, the first time after a whole period."""

    def __init__(self, climate: Climate, segments: Segments, *, drifting: bool) -> None:
        """Draw the error of each clock, and how often it is set right.

        Args:
            climate: the devices.
            segments: their segments.
            drifting: whether any clock is wrong.
        """
        each = np.arange(climate.devices, dtype=np.int64)
        chance = climate.random.uniform(CLOCK_RATE, each)
        error = _SLOWEST + (_FASTEST - _SLOWEST) * (2 * chance % 1)
        sign = np.where(climate.random.uniform(CLOCK_SIGN, each) < 0.5, -1.0, 1.0)
        self._rate = np.where(drifting & (chance < 0.5), sign * error, 0.0)
        self._is_wrong = self._rate != 0
        number = _SHORTEST + (_LONGEST + 1 - _SHORTEST) * climate.random.uniform(CLOCK_PERIOD, each)
        self._period = number.astype(np.int64) * segments.length
        self._half = segments.length // 2
        self._climate, self._rounds = climate, segments.rounds
        self._drifting = drifting

    def read(self, times: IntArray, device: IntArray) -> IntArray:
        """Return the time that the clock of a device shows, microseconds UTC.

        It never goes back but where it is set right, to within the error of half a segment.

        Args:
            times: (N,) true times, microseconds UTC.
            device: (N,) index of the device.
        """
        if not self._drifting:
            return times
        interval_us = self._climate.interval_us
        half_us = self._half * interval_us
        wrong = np.flatnonzero(self._is_wrong[device])
        devices = device[wrong]
        since = (times[wrong] - (self._climate.start_us - half_us)) % (self._period * interval_us)[devices] - half_us
        shown = times.copy()
        shown[wrong] += (self._rate[devices] * since).astype(np.int64)
        return shown

    def settings(self) -> list[SimulatedEpisode]:
        """Return when clocks are set right, as episodes of one round: the first one by the right clock."""
        wrong = np.flatnonzero(self._is_wrong).tolist()
        return [
            SimulatedEpisode(KIND, device, first, first + 1)
            for device in wrong
            for first in range(int(self._period[device]) - self._half, self._rounds, int(self._period[device]))
        ]
