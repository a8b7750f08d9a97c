"""Simulated readings in order of time, a chunk of rounds after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from publisher.simulate.climate import Climate, Weather
from publisher.simulate.faults import FaultPlan, apply_fault, plan_faults
from publisher.simulate.randomness import Indices
from telemetry.model.metrics import READING_UNITS

CHUNK_ROWS: Final = 65_536
"""Rows made at once: the memory of a simulation, whatever its length (at least one round of all devices)."""
COLUMNS: Final = ("ts", "device", *READING_UNITS)


@dataclass(frozen=True)
class Simulation:
    """Everything that decides the rows: the same simulation is the same bytes."""

    rows: int
    devices: int
    seed: int
    start_us: int
    """Microseconds since the epoch, UTC."""
    interval_us: int
    """Microseconds between two readings of a device."""
    faults: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        """Rounds in which every device measures, as far as they are sure to be written."""
        return self.rows // self.devices


def prepare(simulation: Simulation) -> tuple[Climate, FaultPlan]:
    """Return the devices and the faults of a simulation.

    Raises:
        ConfigError: if its rows are too few for its faults.
    """
    climate = Climate(simulation.seed, simulation.devices, simulation.start_us, simulation.interval_us)
    return climate, plan_faults(simulation.faults, climate, simulation.rounds, simulation.seed)


def generate(simulation: Simulation, climate: Climate, plan: FaultPlan, chunk_rows: int = CHUNK_ROWS) -> Iterator[Any]:
    """Yield the rows as Arrow batches with the columns of the founding data set, exactly `simulation.rows` in all.

    Silent devices leave rows out, so the simulation then lasts longer: the number of rows is kept.
    The size of the chunks changes nothing but how many batches there are.
    """
    names = pa.array(climate.names, pa.string())
    left, first = simulation.rows, 0
    while left > 0:
        many = max(1, min(chunk_rows, left + simulation.devices) // simulation.devices)
        rounds = np.repeat(np.arange(first, first + many, dtype=np.int64), simulation.devices)
        device = np.tile(np.arange(simulation.devices, dtype=np.int64), many)
        weather = climate.measure(rounds, device)
        spoken = _disturb(plan, weather, first, many, simulation.devices)
        times = climate.times(rounds, device)
        order = np.lexsort((device, times))
        order = order[spoken[order]][:left]
        if len(order):  # else every device was silent
            yield _batch(times[order], names.take(pa.array(device[order])), weather, order)
        left -= len(order)
        first += many


def _disturb(plan: FaultPlan, weather: Weather, first: int, many: int, devices: int) -> np.ndarray[Any, Any]:
    """Change the temperatures of faulty devices in place; return which rows exist at all."""
    spoken = np.ones(many * devices, dtype=np.bool_)
    for fault in plan.within(first, first + many):
        rounds = np.arange(max(fault.first, first), min(fault.end, first + many), dtype=np.int64)
        rows = (rounds - first) * devices + fault.device
        if fault.kind == "silence":
            spoken[rows] = False
        else:
            weather.temp[rows] = apply_fault(fault, rounds, weather.temp[rows])
    return spoken


def _batch(times: Indices, names: Any, weather: Weather, order: np.ndarray[Any, Any]) -> Any:
    metrics = {name: getattr(weather, name)[order] for name in READING_UNITS}
    return pa.RecordBatch.from_arrays([pa.array(times / 1e6), names, *map(pa.array, metrics.values())], COLUMNS)
