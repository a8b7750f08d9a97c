"""Hold the readings that rules watch, in the order of device and event time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.model.reading_batch import ReadingBatch


@dataclass(frozen=True, slots=True)
class WatchedRows:
    """N readings of the metrics that rules look at, as a struct of arrays.

    Attributes:
        metrics: names of the M metrics.
        devices: distinct device names.
        device: (N,) index into `devices`.
        event_us: (N,) event time, microseconds UTC.
        values: (M, N) measured values in their metric's unit; NaN where missing.
    """

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: CodeArray
    event_us: IntArray
    values: FloatArray

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.event_us)

    def select(self, rows: BoolArray | NDArray[np.intp]) -> "WatchedRows":
        """Return the rows that a mask or an index array selects."""
        return WatchedRows(self.metrics, self.devices, self.device[rows], self.event_us[rows], self.values[:, rows])

    def part(self, start: int, end: int) -> "WatchedRows":
        """Return the rows from one place to another, without a copy."""
        rows = slice(start, end)
        return WatchedRows(self.metrics, self.devices, self.device[rows], self.event_us[rows], self.values[:, rows])


def watched_rows(batch: ReadingBatch, metrics: Sequence[str]) -> WatchedRows:
    """Return what rules on some metrics need of a batch, which decodes all of them."""
    values = batch.values[[batch.metrics.index(metric) for metric in metrics]]
    return WatchedRows(tuple(metrics), batch.devices, batch.device, batch.event_us, values)


def no_rows(metrics: Sequence[str]) -> WatchedRows:
    """Return no readings, with which only the watermark advances."""
    nothing = np.empty(0, np.int64)
    return WatchedRows(tuple(metrics), (), np.empty(0, np.int32), nothing, np.empty((len(metrics), 0)))


@dataclass(frozen=True, slots=True)
class DeviceRows:
    """Readings sorted by device and then event time; those of the same device and time in the order they were given.

    Attributes:
        device: (N,) index into the devices of the state.
        time_us: (N,) event time, microseconds UTC.
        values: values (N,) of each metric; NaN where missing.
    """

    device: CodeArray
    time_us: IntArray
    values: dict[str, FloatArray]

    def first_of(self, metric: str) -> NDArray[np.intp] | slice:
        """Return the rows that are readings of a metric: with a value, and the first such row of its device and time.

        Args:
            metric: "" for readings of the device, with any value or none.
        """
        present = ~np.isnan(self.values[metric]) if metric else np.ones(len(self.time_us), np.bool_)
        rows = np.flatnonzero(present)
        device, time_us = self.device[rows], self.time_us[rows]
        again = (device[1:] == device[:-1]) & (time_us[1:] == time_us[:-1])
        if again.any():
            rows = rows[np.concatenate([[True], ~again])]
        return slice(None) if len(rows) == len(self.time_us) else rows


def by_device(rows: WatchedRows, code_of: CodeArray) -> DeviceRows:
    """Return readings sorted by device and time.

    Args:
        rows: in any order.
        code_of: index into the devices of the state, for each of the devices of `rows`.
    """
    device, time_us = code_of[rows.device], rows.event_us
    if len(time_us) > 1 and (time_us[1:] < time_us[:-1]).any():
        order = np.lexsort((time_us, device))
    else:
        order = np.argsort(device, kind="stable")
    values = {metric: rows.values[number][order] for number, metric in enumerate(rows.metrics)}
    return DeviceRows(device[order], time_us[order], values)
