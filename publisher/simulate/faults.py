"""Plan and apply temperature faults, each on one device over a known interval, so that detectors can be scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from publisher.simulate.climate import Climate
from telemetry.arrays import FloatArray, IntArray
from telemetry.errors import ConfigError

KINDS: Final = ("spike", "drift", "stuck", "silence", "shift")
"""Kinds of faults: briefly above 30 °C, slowly rising, constant, no readings, shifted level."""
ALL_METRICS: Final = "*"
_SHORTEST, _LONGEST = 24, 240  # rounds of a segment, an interval of one device with at most one fault
_SEGMENTS_PER_FAULT: Final = 10
_LENGTH: Final = {
    "drift": (0.5, 0.7),
    "stuck": (0.3, 0.5),
    "silence": (0.2, 0.4),
    "shift": (0.5, 0.7),
}
"""Smallest and largest length of a fault, as fractions of a segment."""


@dataclass(frozen=True)
class Fault:
    """A fault of one device in the rounds [first, end)."""

    kind: str
    device: int
    first: int
    end: int
    size: float
    """°C: peak of a spike, last value of a drift, constant value when stuck, step of a shift; 0 for silence."""

    @property
    def metric(self) -> str:
        """Affected metric; all metrics for a silent device."""
        return ALL_METRICS if self.kind == "silence" else "temp"


class FaultPlan:
    """Faults of a simulation, ordered by their first round."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Sort the faults, given in any order."""
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.first, fault.device)))
        self._firsts = np.array([fault.first for fault in self.faults], dtype=np.int64)

    def overlapping(self, first: int, end: int) -> tuple[Fault, ...]:
        """Return the faults that overlap the rounds [first, end)."""
        start = int(np.searchsorted(self._firsts, first - _LONGEST))  # no fault is longer than a segment
        stop = int(np.searchsorted(self._firsts, end))
        return tuple(fault for fault in self.faults[start:stop] if fault.end > first)


def plan_faults(kinds: Sequence[str], climate: Climate, rounds: int, seed: int) -> FaultPlan:
    """Distribute faults over the first `rounds` rounds of all devices, at least one of each kind.

    Raises:
        ConfigError: if there are too few readings for one fault of each kind.
    """
    if not kinds:
        return FaultPlan(())
    length = min(max(rounds // 4, _SHORTEST), _LONGEST)
    segments = (rounds // length) * climate.devices
    if segments < len(kinds):
        problem = f"too few rows for {len(kinds)} kinds of faults: {rounds} per device, at least {_SHORTEST} are needed"
        raise ConfigError("--faults", ",".join(kinds), problem)
    # A separate key makes the faults independent of the random numbers of the readings.
    random = np.random.Generator(np.random.Philox(key=[seed, 0x6661756C7473]))
    count = max(len(kinds), segments // _SEGMENTS_PER_FAULT)
    chosen = random.choice(segments, size=count, replace=False)
    faults = []
    for number, segment in enumerate(chosen.tolist()):
        device, first = segment % climate.devices, segment // climate.devices * length
        faults.append(_make_fault(kinds[number % len(kinds)], device, first, length, climate, random))
    return FaultPlan(faults)


def _make_fault(
    kind: str, device: int, start: int, length: int, climate: Climate, random: np.random.Generator
) -> Fault:
    low, high = _LENGTH.get(kind, (3 / length, 5.99 / length))
    rounds = int(length * random.uniform(low, high))
    first = start + int(random.integers(1, length - rounds))  # a healthy reading before and after
    above, sign = random.uniform(33.0, 37.0), random.choice((-1.0, 1.0))
    match kind:
        case "spike" | "drift":
            size = above
        case "shift":
            size = sign * random.uniform(6.0, 9.0)
        case "stuck":
            at = np.array([first], dtype=np.int64), np.array([device], dtype=np.int64)
            size = climate.measure(*at).temp[0]
        case _:
            size = 0.0
    return Fault(kind, device, first, first + rounds, float(size))


def apply_fault(fault: Fault, rounds: IntArray, temp: FloatArray) -> FloatArray:
    """Return the values of the faulty sensor, °C to 0.1; silence does not change values, its rows are dropped.

    Args:
        fault: the fault.
        rounds: (N,) rounds within the fault.
        temp: (N,) values of a healthy sensor in these rounds, °C.
    """
    match fault.kind:
        case "spike":  # keeps the noise of the healthy sensor
            changed = fault.size + (temp - np.round(temp))
        case "drift":  # from the healthy value to the size of the fault
            progress = (rounds - fault.first + 1) / (fault.end - fault.first)
            changed = temp + (fault.size - temp) * progress
        case "stuck":
            changed = np.full(len(temp), fault.size)
        case "shift":
            changed = temp + fault.size
        case _:
            changed = temp
    return np.round(changed, 1)
