"""Faults in the temperature, each on one device over an interval that is known: what a detector is scored with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from publisher.simulate.climate import Climate
from publisher.simulate.randomness import Floats, Indices
from telemetry.errors import ConfigError

KINDS: Final = ("spike", "drift", "stuck", "silence", "shift")
"""The kinds of faults: above 30 °C for a moment, slowly rising, constant, no readings, another level."""
ALL_METRICS: Final = "*"
_SHORTEST, _LONGEST = 24, 240  # rounds of a slot: a stretch of one device's time with at most one fault in it
_SHARE: Final = 10  # one slot in so many has a fault
_LENGTH: Final = {"drift": (0.5, 0.7), "stuck": (0.3, 0.5), "silence": (0.2, 0.4), "shift": (0.5, 0.7)}  # of a slot


@dataclass(frozen=True)
class Fault:
    """One fault of one device in the rounds [first, end)."""

    kind: str
    device: int
    first: int
    end: int
    size: float
    """°C: the height of a spike, the end of a drift, the frozen value, the step of a shift; 0 for silence."""

    @property
    def metric(self) -> str:
        """The metric it falsifies; a silent device sends none at all."""
        return ALL_METRICS if self.kind == "silence" else "temp"


class FaultPlan:
    """All faults of a simulation, ordered by their first round."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Take the faults in any order."""
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.first, fault.device)))
        self._firsts = np.array([fault.first for fault in self.faults], dtype=np.int64)

    def within(self, first: int, end: int) -> tuple[Fault, ...]:
        """Return the faults that touch the rounds [first, end)."""
        start = int(np.searchsorted(self._firsts, first - _LONGEST))  # none is longer than a slot
        stop = int(np.searchsorted(self._firsts, end))
        return tuple(fault for fault in self.faults[start:stop] if fault.end > first)


def plan_faults(kinds: Sequence[str], climate: Climate, rounds: int, seed: int) -> FaultPlan:
    """Spread faults of these kinds over the devices' first `rounds` rounds, at least one of each.

    Raises:
        ConfigError: if the readings are too few to hold one fault of each kind.
    """
    if not kinds:
        return FaultPlan(())
    length = min(max(rounds // 4, _SHORTEST), _LONGEST)
    slots = (rounds // length) * climate.devices
    if slots < len(kinds):
        problem = f"too few rows for {len(kinds)} kinds of faults: {rounds} a device, {_SHORTEST} each are needed"
        raise ConfigError("--faults", ",".join(kinds), problem)
    # The key of its own keeps the faults apart from the readings' randomness.
    random = np.random.Generator(np.random.Philox(key=[seed, 0x6661756C7473]))
    count = max(len(kinds), slots // _SHARE)
    chosen = random.choice(slots, size=count, replace=False)
    faults = []
    for number, slot in enumerate(chosen.tolist()):
        device, first = slot % climate.devices, slot // climate.devices * length
        faults.append(_make(kinds[number % len(kinds)], device, first, length, climate, random))
    return FaultPlan(faults)


def _make(kind: str, device: int, slot: int, length: int, climate: Climate, random: np.random.Generator) -> Fault:
    low, high = _LENGTH.get(kind, (3 / length, 5.99 / length))
    rounds = int(length * random.uniform(low, high))
    first = slot + int(random.integers(1, length - rounds))  # a healthy reading on both sides
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


def apply_fault(fault: Fault, rounds: Indices, temp: Floats) -> Floats:
    """Return what the faulty sensor measures instead, °C to 0.1; silence leaves the values, its rows are dropped.

    Args:
        fault: One of the faults that change values.
        rounds: Rounds within the fault.
        temp: What a healthy sensor measures in them, °C.
    """
    match fault.kind:
        case "spike":  # the healthy noise rides on top
            changed = fault.size + (temp - np.round(temp))
        case "drift":  # starts where the sensor is, ends at its size
            progress = (rounds - fault.first + 1) / (fault.end - fault.first)
            changed = temp + (fault.size - temp) * progress
        case "stuck":
            changed = np.full(len(temp), fault.size)
        case "shift":
            changed = temp + fault.size
        case _:
            changed = temp
    return np.round(changed, 1)
