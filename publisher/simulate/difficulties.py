"""Make healthy telemetry as hard as that of real devices: different sensors, weather fronts, lost values, wrong clocks.

None of it is a fault. Weather fronts, periods of bad radio and the setting of clocks are labelled as benign events: an
alarm in them is false.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from publisher.simulate import clocks
from publisher.simulate.climate import LOSS, Climate, Measurements
from publisher.simulate.clocks import DeviceClocks
from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.segments import Segments
from telemetry.arrays import BoolArray, FloatArray, IntArray

SENSORS, FRONT, MISSING = "sensors", "front", "missing"
KINDS: Final = (SENSORS, FRONT, MISSING, clocks.KIND)
"""Kinds of difficulties: sensors with coarse steps or more noise, fast changes of the weather at many devices, values
and readings that do not arrive, clocks that run fast or slow."""
_FRONT_SEGMENTS: Final = 32
"""Segments for each front: 11 h at a reading every 5 s."""
_LEAST_SEGMENTS: Final = 24
_COOLEST, _WARMEST = 14.0, 29.5  # °C; heating and cooling hold a room between
_NOISE: Final = 1.2
"""°C by which noise and weather may exceed the values that are looked at."""
_LEAST_CHANGE: Final = 1.0
_SEGMENTS_PER_LOSS: Final = 40
_LOST, _LOST_BADLY = (np.uint64(int(share * 2**24) << 40) for share in (0.005, 0.3))
"""Of 64 random bits: a reading below is lost, usually and in a period of bad radio."""
_LACKING: Final = np.uint64(int(0.01 * 2**24))
"""Of 24 random bits: a reading below lacks one metric."""
_METRICS: Final = ("temp", "humidity", "co", "lpg", "smoke")
_24_BITS: Final = np.uint64(2**24 - 1)


def plan_benign(
    kinds: Sequence[str], climate: Climate, segments: Segments, device_clocks: DeviceClocks
) -> list[SimulatedEpisode]:
    """Return the benign events of all devices, and take their segments."""
    # A separate key makes them independent of the random numbers of readings and faults.
    random = np.random.Generator(np.random.Philox(key=[climate.seed, 0x62656E69676E]))
    events = device_clocks.settings()
    _take(segments, events)
    if FRONT in kinds:
        events += _plan_fronts(climate, segments, random)
        _take(segments, events)
    if MISSING in kinds:
        for segment in segments.choose(random, len(segments) // _SEGMENTS_PER_LOSS).tolist():
            device, start = segments.place(segment)
            rounds = int(segments.length * random.uniform(0.3, 0.6))
            first = start + int(random.integers(1, segments.length - rounds))
            events.append(SimulatedEpisode(MISSING, device, first, first + rounds))
        _take(segments, events)
    return events


def _take(segments: Segments, events: Sequence[SimulatedEpisode]) -> None:
    for event in events:
        segments.take(event.device, event.first, event.end)


def _plan_fronts(climate: Climate, segments: Segments, random: np.random.Generator) -> list[SimulatedEpisode]:
    """Return the fronts of the devices that they reach, if their segments are free."""
    if segments.per_device < _LEAST_SEGMENTS:
        return []
    fronts = []
    number = max(1, segments.per_device // _FRONT_SEGMENTS)
    for start in range(number):
        length = int(random.integers(3, 6))
        begin = (start * segments.per_device) // number
        begin += int(random.integers(1, segments.per_device // number - length))
        size = random.choice((-1.0, 1.0)) * random.uniform(2.5, 6.0)
        reached = random.random(climate.devices) < 0.5
        exposure = random.uniform(0.6, 1.0, climate.devices)
        delay = random.integers(1, segments.length // 8, climate.devices)
        for device in np.flatnonzero(reached).tolist():
            first, end = begin * segments.length + int(delay[device]), (begin + length) * segments.length - 1
            change = _held(climate, device, first, end, size * exposure[device])
            is_free = segments.free[np.arange(begin, begin + length) * segments.devices + device].all()
            if is_free and abs(change) >= _LEAST_CHANGE:
                fronts.append(SimulatedEpisode(FRONT, device, first, end, change))
    return fronts


def _held(climate: Climate, device: int, first: int, end: int, size: float) -> float:
    """Return the change of temperature that heating and cooling admit, °C."""
    rounds = np.linspace(first, end, 25).astype(np.int64)
    temp = climate.measure(rounds, np.full(len(rounds), device)).temp
    if size < 0:
        return float(min(0.0, max(size, _COOLEST + _NOISE - temp.min())))
    return float(max(0.0, min(size, _WARMEST - _NOISE - temp.max())))


def apply_front(
    front: SimulatedEpisode, rounds: IntArray, temp: FloatArray, humidity: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return temperature (°C) and humidity (%) in a front, to 0.1: it comes fast, and goes slowly.

    Args:
        front: the front.
        rounds: (N,) rounds within it.
        temp: (N,) temperature without it, °C.
        humidity: (N,) humidity without it, %.
    """
    share = (rounds - front.first + 1) / (front.end - front.first)
    come = np.minimum(share / 0.1, 1.0)
    gone = np.maximum(share - 0.1, 0.0) / 0.9
    change = front.size * come * come * (3.0 - 2.0 * come) * (0.5 + 0.5 * np.cos(np.pi * gone))
    return np.round(temp + change, 1), np.round((humidity - 2.5 * change).clip(1.0, 99.9), 1)


def quantise(measurements: Measurements, climate: Climate) -> None:
    """Round temperature and humidity in place to the steps of the sensors, which differ by vendor.

    Args:
        measurements: of whole rounds, each of all devices in their order.
        climate: the devices.
    """
    for values, per_unit in ((measurements.temp, climate.temp_steps), (measurements.humidity, climate.humidity_steps)):
        rounds = values.reshape(-1, climate.devices)  # a view
        rounds *= per_unit
        np.rint(rounds, out=rounds)
        rounds /= per_unit


def lose(measurements: Measurements, index: IntArray, is_bad: BoolArray, climate: Climate) -> BoolArray:
    """Remove single values in place (they become NaN), and return a mask of the readings that arrive.

    Args:
        measurements: of N readings.
        index: (N,) number of the reading.
        is_bad: (N,) whether it is in a period of bad radio.
        climate: the devices.
    """
    bits = climate.random.bits(LOSS, index)
    lacking = np.flatnonzero((bits & _24_BITS) < _LACKING)
    which = (bits[lacking] >> np.uint64(24)) % np.uint64(len(_METRICS))
    for number, name in enumerate(_METRICS):
        getattr(measurements, name)[lacking[which == number]] = np.nan
    arrives: BoolArray = bits >= _LOST
    bad = np.flatnonzero(is_bad)
    arrives[bad] = bits[bad] >= _LOST_BADLY
    return arrives
