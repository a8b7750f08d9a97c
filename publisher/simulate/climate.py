"""Simulate the measurements of healthy sensors at any time.

The gases follow the reference data set, in which ``lpg`` and ``smoke`` are powers of ``co`` (one MQ-2 sensor);
the exponents were fitted to its first rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from publisher.simulate.randomness import Randomness
from telemetry.arrays import BoolArray, FloatArray, IntArray

_DAY_S, _WEATHER_S, _AIR_S, _MOTION_S = 86_400.0, 10_800.0, 5_400.0, 600.0
(_LEVEL, _SWING, _PEAK, _DAMP, _SUNRISE, _PHASE, _NAME, _WEATHER, _JITTER, _HEAT, _WATER, _AIR, _GAS, _BURST, _STEP) = (
    range(15)
)
NOISE_FAULT, LOSS, CLOCK_RATE, CLOCK_SIGN, CLOCK_PERIOD = range(15, 20)
"""Streams of random numbers that other modules use."""
_CO_REFERENCE, _LPG_REFERENCE, _SMOKE_REFERENCE = 0.004955938648391245, 0.00765082227055719, 0.02041127012241292
_LPG_POWER, _SMOKE_POWER = 0.724, 0.773
_WEATHER_C, _HEAT_C = 0.8, 0.12
_WEATHER_VARIANCE: Final = 26 / 105
"""Variance of `Randomness.smooth`: 1/3 at a knot, times the mean of w² + (1 - w)² of the weights w between two."""
_VENDORS: Final = (
    ("b8:27:eb", 10.0, 10.0, 1.0),
    ("dc:a6:32", 2.0, 1.0, 1.0),
    ("1c:bf:ce", 10.0, 10.0, 2.5),
    ("00:0f:00", 5.0, 2.0, 1.5),
)
"""Vendors, and of their sensors the steps in a °C and in a % of humidity, and the noise as a multiple of the least."""


@dataclass(frozen=True)
class Measurements:
    """Measurements of N devices and times; each array has shape (N,)."""

    temp: FloatArray
    """°C, to 0.1, below 30."""
    humidity: FloatArray
    """%, to 0.1."""
    co: FloatArray
    """ppm, to 1e-6."""
    lpg: FloatArray
    """ppm, to 1e-6."""
    smoke: FloatArray
    """ppm, to 1e-6."""
    light: BoolArray
    motion: BoolArray


class Climate:
    """The devices of one seed: names, measurement times and measured values."""

    def __init__(
        self, seed: int, devices: int, start_us: int, interval_us: int, *, sensors_differ: bool = False
    ) -> None:
        """Draw the constants of each device.

        Args:
            seed: seed of all random numbers.
            devices: number of devices, below 2**20.
            start_us: start of the first round, microseconds since the epoch (UTC).
            interval_us: length of a round, in which each device measures once, microseconds.
            sensors_differ: whether the noise of a sensor depends on its vendor.
        """
        self.seed, self.random = seed, Randomness(seed)
        self.devices = devices
        self.start_us, self.interval_us = start_us, interval_us
        each = np.arange(devices, dtype=np.int64)
        self.names = _names(self.random, each)
        vendor = each % len(_VENDORS)
        self.temp_steps: FloatArray = np.array([steps for _, steps, _, _ in _VENDORS])[vendor]
        self.humidity_steps: FloatArray = np.array([steps for _, _, steps, _ in _VENDORS])[vendor]
        noise: FloatArray = np.array([multiple for *_, multiple in _VENDORS])[vendor]
        self._heat = _HEAT_C * (noise if sensors_differ else np.ones(devices))
        self._phase = 0.1 + 0.8 * self.random.uniform(_PHASE, each)
        self._level = 18.0 + 7.0 * self.random.uniform(_LEVEL, each)
        self._swing = 0.5 + 2.0 * self.random.uniform(_SWING, each)
        self._peak_s = _DAY_S * (13.0 + 4.0 * self.random.uniform(_PEAK, each)) / 24.0
        self._damp = 50.0 + 25.0 * self.random.uniform(_DAMP, each)
        self._sunrise_s = _DAY_S * (5.5 + 2.0 * self.random.uniform(_SUNRISE, each)) / 24.0

    def times(self, rounds: IntArray, device: IntArray) -> IntArray:
        """Return the measurement times, microseconds UTC: a fixed phase per device ± a tenth of the interval.

        Each time lies within its round, so sorting each round sorts the whole series.

        Args:
            rounds: (N,) index of the round.
            device: (N,) index of the device.
        """
        jitter = 0.2 * self.random.uniform(_JITTER, rounds * self.devices + device) - 0.1
        offset_us = ((self._phase[device] + jitter) * self.interval_us).astype(np.int64)
        return self.start_us + rounds * self.interval_us + np.clip(offset_us, 0, self.interval_us - 1)

    def deviation(self, device: int) -> float:
        """Return the standard deviation of a device's temperature over days without faults and fronts, °C."""
        daily = self._swing[device] ** 2 / 2
        return float(np.sqrt(daily + _WEATHER_C**2 * _WEATHER_VARIANCE + self._heat[device] ** 2))

    def round_start_us(self, number: int) -> int:
        """Return the start of a round, microseconds UTC, which is the end of the previous round."""
        return self.start_us + number * self.interval_us

    def measure(self, rounds: IntArray, device: IntArray) -> Measurements:
        """Return the measurements of devices in rounds, both given as indices of shape (N,)."""
        index = rounds * self.devices + device
        seconds = self.times(rounds, device) / 1e6
        elapsed = seconds - self.start_us / 1e6
        day = seconds % _DAY_S
        cycle = self._swing[device] * np.cos((day - self._peak_s[device]) * (2 * np.pi / _DAY_S))
        warmth = cycle + _WEATHER_C * self.random.smooth(_WEATHER, elapsed / _WEATHER_S, device)
        temp = self._level[device] + warmth + self._heat[device] * self.random.noise(_HEAT, index)
        humidity: FloatArray = self._damp[device] - 2.5 * warmth + 0.4 * self.random.noise(_WATER, index)
        air = 0.3 * self.random.smooth(_AIR, elapsed / _AIR_S, device) - 0.02 * warmth
        ratio = np.exp(air + 0.01 * self.random.noise(_GAS, index))
        light = np.abs(day - self._sunrise_s[device] - _DAY_S / 4) < _DAY_S / 4
        burst = self.random.uniform(_BURST, (elapsed // _MOTION_S).astype(np.int64) * 2**20 + device)
        moving = self.random.uniform(_STEP, index) < 0.6
        return Measurements(
            temp=np.round(temp, 1),
            humidity=np.round(humidity.clip(1.0, 99.9), 1),
            co=np.round(_CO_REFERENCE * ratio, 6),
            lpg=np.round(_LPG_REFERENCE * ratio**_LPG_POWER, 6),
            smoke=np.round(_SMOKE_REFERENCE * ratio**_SMOKE_POWER, 6),
            light=light,
            motion=moving & (burst < np.where(light, 0.05, 0.01)),  # people move more often by day
        )


def _names(random: Randomness, each: IntArray) -> list[str]:
    """Return unique names like MAC addresses; the odd factor permutes the lower 24 bits."""
    offset, factor = (int(bits) for bits in random.bits(_NAME, np.array([0, 1], dtype=np.int64)))
    names = []
    for number in each.tolist():
        low = ((number * (factor | 1) + offset) % 2**24).to_bytes(3, "big")
        names.append(f"{_VENDORS[number % len(_VENDORS)][0]}:{low.hex(':')}")
    return names
