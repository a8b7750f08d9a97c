"""Generate simulated readings in order of arrival, one chunk of rounds after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from publisher.simulate import clocks, difficulties
from publisher.simulate.climate import Climate, Measurements
from publisher.simulate.clocks import DeviceClocks
from publisher.simulate.difficulties import apply_front, lose, plan_benign, quantise
from publisher.simulate.episodes import EpisodePlan
from publisher.simulate.faults import apply_fault, plan_faults
from publisher.simulate.segments import Segments
from telemetry.arrays import BoolArray, IntArray
from telemetry.feed.default_feed import READING_UNITS

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
    difficulties: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        """Number of rounds that are certain to be written for all devices."""
        return self.rows // self.devices


@dataclass(frozen=True)
class Scene:
    """Devices of a simulation, their clocks, and what happens to them."""

    climate: Climate
    clocks: DeviceClocks
    plan: EpisodePlan


def prepare(simulation: Simulation) -> Scene:
    """Return the devices and the plan of a simulation.

    Raises:
        ConfigError: if there are too few rows for the faults.
    """
    climate = Climate(
        simulation.seed,
        simulation.devices,
        simulation.start_us,
        simulation.interval_us,
        sensors_differ=difficulties.SENSORS in simulation.difficulties,
    )
    segments = Segments(simulation.devices, simulation.rounds)
    device_clocks = DeviceClocks(climate, segments, drifting=clocks.KIND in simulation.difficulties)
    benign = plan_benign(simulation.difficulties, climate, segments, device_clocks)
    return Scene(climate, device_clocks, EpisodePlan(plan_faults(simulation.faults, climate, segments), benign))


def generate(simulation: Simulation, scene: Scene, chunk_rows: int = CHUNK_ROWS) -> Iterator[Any]:
    """Yield exactly `simulation.rows` rows as Arrow batches with the columns of the reference data set.

    Silent devices and lost readings omit rows, which makes the simulation longer, because the number of rows is fixed.
    The chunk size only affects the number of batches.
    """
    climate, devices = scene.climate, simulation.devices
    names = pa.array(climate.names, pa.string())
    rows_left, first = simulation.rows, 0
    while rows_left > 0:
        count = max(1, min(chunk_rows, rows_left + devices) // devices)
        rounds = np.repeat(np.arange(first, first + count, dtype=np.int64), devices)
        device = np.tile(np.arange(devices, dtype=np.int64), count)
        measurements = climate.measure(rounds, device)
        is_sent, is_bad = _apply_episodes(scene, measurements, first, count)
        if difficulties.SENSORS in simulation.difficulties:
            quantise(measurements, climate)
        if difficulties.MISSING in simulation.difficulties:
            is_sent &= lose(measurements, rounds * devices + device, is_bad, climate)
        times = climate.times(rounds, device)
        order = np.lexsort((device, times))
        order = order[is_sent[order]][:rows_left]
        if len(order):  # empty if every device is silent
            shown = scene.clocks.read(times[order], device[order])
            yield _batch(shown, names.take(pa.array(device[order])), measurements, order)
        rows_left -= len(order)
        first += count


def _apply_episodes(scene: Scene, measurements: Measurements, first: int, count: int) -> tuple[BoolArray, BoolArray]:
    """Change the measurements of devices in episodes in place.

    Returns:
        Masks of the rows that are sent, and of those in a period of bad radio.
    """
    devices = scene.climate.devices
    is_sent = np.ones(count * devices, dtype=np.bool_)
    is_bad = np.zeros(count * devices, dtype=np.bool_)
    temp, humidity = measurements.temp, measurements.humidity
    for episode in scene.plan.overlapping(first, first + count):
        rounds = np.arange(max(episode.first, first), min(episode.end, first + count), dtype=np.int64)
        rows = (rounds - first) * devices + episode.device
        match episode.kind:
            case "silence":
                is_sent[rows] = False
            case difficulties.MISSING:
                is_bad[rows] = True
            case difficulties.FRONT:
                temp[rows], humidity[rows] = apply_front(episode, rounds, temp[rows], humidity[rows])
            case clocks.KIND:
                pass  # the clock itself knows when it is set
            case _:
                temp[rows] = apply_fault(episode, rounds, temp[rows], scene.climate)
    return is_sent, is_bad


def _batch(times: IntArray, names: Any, measurements: Measurements, order: np.ndarray[Any, Any]) -> Any:
    # A NaN is a missing value; as a null it becomes an empty cell.
    metrics = [pa.array(getattr(measurements, name)[order], from_pandas=True) for name in READING_UNITS]
    return pa.RecordBatch.from_arrays([pa.array(times / 1e6), names, *metrics], COLUMNS)
