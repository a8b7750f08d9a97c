"""Generate simulated readings in order of time, one chunk of rounds after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from publisher.simulate.climate import Climate, Measurements
from publisher.simulate.faults import FaultPlan, apply_fault, plan_faults
from telemetry.arrays import BoolArray, IntArray
from telemetry.model.metrics import READING_UNITS

CHUNK_ROWS: Final = 65_536
"""Rows generated together (at least one round of all devices), which bounds the memory of a simulation."""
COLUMNS: Final = ("ts", "device", *READING_UNITS)


@dataclass(frozen=True)
class Simulation:
    """Parameters of a simulation; equal parameters produce identical bytes."""

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
        """Number of rounds that are certain to be written for all devices."""
        return self.rows // self.devices


def prepare(simulation: Simulation) -> tuple[Climate, FaultPlan]:
    """Return the devices and the planned faults of a simulation.

    Raises:
        ConfigError: if there are too few rows for the faults.
    """
    climate = Climate(simulation.seed, simulation.devices, simulation.start_us, simulation.interval_us)
    return climate, plan_faults(simulation.faults, climate, simulation.rounds, simulation.seed)


def generate(simulation: Simulation, climate: Climate, plan: FaultPlan, chunk_rows: int = CHUNK_ROWS) -> Iterator[Any]:
    """Yield exactly `simulation.rows` rows as Arrow batches with the columns of the reference data set.

    Silent devices omit rows, which makes the simulation longer, because the number of rows is fixed.
    The chunk size only affects the number of batches.
    """
    names = pa.array(climate.names, pa.string())
    rows_left, first = simulation.rows, 0
    while rows_left > 0:
        count = max(1, min(chunk_rows, rows_left + simulation.devices) // simulation.devices)
        rounds = np.repeat(np.arange(first, first + count, dtype=np.int64), simulation.devices)
        device = np.tile(np.arange(simulation.devices, dtype=np.int64), count)
        measurements = climate.measure(rounds, device)
        is_sent = _apply_faults(plan, measurements, first, count, simulation.devices)
        times = climate.times(rounds, device)
        order = np.lexsort((device, times))
        order = order[is_sent[order]][:rows_left]
        if len(order):  # empty if every device is silent
            yield _batch(times[order], names.take(pa.array(device[order])), measurements, order)
        rows_left -= len(order)
        first += count


def _apply_faults(plan: FaultPlan, measurements: Measurements, first: int, count: int, devices: int) -> BoolArray:
    """Change the temperatures of faulty devices in place; return a mask of the rows that are sent."""
    is_sent = np.ones(count * devices, dtype=np.bool_)
    for fault in plan.overlapping(first, first + count):
        rounds = np.arange(max(fault.first, first), min(fault.end, first + count), dtype=np.int64)
        rows = (rounds - first) * devices + fault.device
        if fault.kind == "silence":
            is_sent[rows] = False
        else:
            measurements.temp[rows] = apply_fault(fault, rounds, measurements.temp[rows])
    return is_sent


def _batch(times: IntArray, names: Any, measurements: Measurements, order: np.ndarray[Any, Any]) -> Any:
    metrics = {name: getattr(measurements, name)[order] for name in READING_UNITS}
    return pa.RecordBatch.from_arrays([pa.array(times / 1e6), names, *map(pa.array, metrics.values())], COLUMNS)
