"""Plan and apply temperature faults, each on one device over a known interval, so that detectors can be scored."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from publisher.simulate.climate import NOISE_FAULT, Climate
from publisher.simulate.episodes import SimulatedEpisode
from publisher.simulate.segments import SHORTEST, Segments
from telemetry.arrays import FloatArray, IntArray
from telemetry.errors import ConfigError

KINDS: Final = ("spike", "drift", "stuck", "silence", "shift", "small-shift", "noise")
"""Kinds of faults: briefly above 30 °C, slowly rising, constant, no readings, level shifted by 6 to 9 °C, level shifted
by one to two standard deviations of the device's own temperature, noise many times the usual."""
_SEGMENTS_PER_FAULT: Final = 10
_LENGTH: Final = {
    "drift": (0.5, 0.7),
    "stuck": (0.3, 0.5),
    "silence": (0.2, 0.4),
    "shift": (0.5, 0.7),
    "small-shift": (0.5, 0.7),
    "noise": (0.3, 0.5),
}
"""Smallest and largest length of a fault, as fractions of a segment."""


def plan_faults(kinds: Sequence[str], climate: Climate, segments: Segments) -> list[SimulatedEpisode]:
    """Distribute faults over free segments, at least one of each kind, and take these segments.

    Raises:
        ConfigError: if there are too few readings for one fault of each kind.
    """
    if not kinds:
        return []
    if len(segments) < len(kinds):
        each = f"{segments.rounds} per device, at least {SHORTEST} are needed"
        problem = f"too few rows for {len(kinds)} kinds of faults: {each}"
        raise ConfigError("--faults", ",".join(kinds), problem)
    # A separate key makes the faults independent of the random numbers of the readings.
    random = np.random.Generator(np.random.Philox(key=[climate.seed, 0x6661756C7473]))
    chosen = segments.choose(random, max(len(kinds), len(segments) // _SEGMENTS_PER_FAULT))
    faults = []
    for number, segment in enumerate(chosen.tolist()):
        device, first = segments.place(segment)
        faults.append(_make_fault(kinds[number % len(kinds)], device, first, segments.length, climate, random))
        segments.take(device, faults[-1].first, faults[-1].end)
    return faults


def _make_fault(
    kind: str, device: int, start: int, length: int, climate: Climate, random: np.random.Generator
) -> SimulatedEpisode:
    low, high = _LENGTH.get(kind, (3 / length, 5.99 / length))
    rounds = int(length * random.uniform(low, high))
    first = start + int(random.integers(1, length - rounds))  # a healthy reading before and after
    above, sign = random.uniform(33.0, 37.0), random.choice((-1.0, 1.0))
    match kind:
        case "spike" | "drift":
            size = above
        case "shift":
            size = sign * random.uniform(6.0, 9.0)
        case "small-shift":
            size = sign * random.uniform(1.0, 2.0) * climate.deviation(device)
        case "noise":
            size = random.uniform(0.7, 2.0)
        case "stuck":
            at = np.array([first], dtype=np.int64), np.array([device], dtype=np.int64)
            size = climate.measure(*at).temp[0]
        case _:
            size = 0.0
    return SimulatedEpisode(kind, device, first, first + rounds, float(size))


def apply_fault(fault: SimulatedEpisode, rounds: IntArray, temp: FloatArray, climate: Climate) -> FloatArray:
    """Return the values of the faulty sensor, °C to 0.1; silence does not change values, its rows are dropped.

    Args:
        fault: the fault.
        rounds: (N,) rounds within the fault.
        temp: (N,) values of a healthy sensor in these rounds, °C.
        climate: the devices.
    """
    match fault.kind:
        case "spike":  # keeps the noise of the healthy sensor
            changed = fault.size + (temp - np.round(temp))
        case "drift":  # from the healthy value to the size of the fault
            progress = (rounds - fault.first + 1) / (fault.end - fault.first)
            changed = temp + (fault.size - temp) * progress
        case "stuck":
            changed = np.full(len(temp), fault.size)
        case "shift" | "small-shift":
            changed = temp + fault.size
        case "noise":
            index = rounds * climate.devices + fault.device
            changed = temp + fault.size * climate.random.noise(NOISE_FAULT, index)
        case _:
            changed = temp
    return np.round(changed, 1)
