"""Measure a recording in one pass: exact sums of each series, and figures of a sample of readings."""

from collections.abc import Sequence

import numpy as np

from pipeline.backtest.time_order import TimeOrder
from pipeline.suggest.correlations import correlations_of
from pipeline.suggest.measure_intervals import measure_intervals
from pipeline.suggest.measure_metric import measure_metric
from pipeline.suggest.moments import Moments, moments_of
from pipeline.suggest.profile import MeasuredRecording
from pipeline.suggest.reading_sample import ReadingSample
from pipeline.suggest.series_sums import SeriesSums
from telemetry.arrays import FloatArray, IntArray
from transforms.incidents.time_slices import SLICE_ROWS, TimeSlice
from transforms.series.track import NONE_US, before, track_of


class Measuring:
    """A recording that is being measured.

    Attributes:
        names: of the devices, by number.
        readings: number of moments at which each device (D,) sent something.
        first_us: (D,) time of its first one, microseconds UTC.
        last_us: (D,) time of its last one, microseconds UTC.
        longest_us: (D,) longest time between two of them.
        sums: of each metric.
        sample: of readings: the time since the one before, and the values and the changes of each metric.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        """Take the metrics of the readings."""
        self.names: tuple[str, ...] = ()
        self.readings, self.longest_us = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.first_us, self.last_us = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.sums = [SeriesSums() for _ in metrics]
        self.sample = ReadingSample(1 + 2 * len(metrics))
        self._number: dict[str, int] = {}

    def add(self, part: TimeSlice) -> None:
        """Take the next slice of a recording."""
        numbers = [self._number.setdefault(name, len(self._number)) for name in part.rows.devices]
        self._grow()
        moments = moments_of(part.rows, np.array(numbers, np.int32))
        interval = self._take_devices(moments)
        changes = [
            sums.add(moments.device, moments.time_us, value)
            for sums, value in zip(self.sums, moments.values, strict=True)
        ]
        known = np.vstack([interval, moments.values, *changes])
        self.sample.add(self.names, moments.device, moments.time_us, known)

    def _grow(self) -> None:
        new = len(self._number) - len(self.names)
        self.names = tuple(self._number)
        self.readings, self.longest_us = np.pad(self.readings, (0, new)), np.pad(self.longest_us, (0, new))
        self.first_us = np.pad(self.first_us, (0, new), constant_values=NONE_US)
        self.last_us = np.pad(self.last_us, (0, new), constant_values=NONE_US)
        for sums in self.sums:
            sums.grow(len(self.names))

    def _take_devices(self, moments: Moments) -> FloatArray:
        """Take moments, and return the time (N,) of each since the one before; NaN for a first one."""
        track = track_of(moments.device, moments.time_us, np.empty(0))
        slots = track.slots
        previous_us: IntArray = before(track.time_us, track, self.last_us[slots])
        elapsed = np.where(previous_us == NONE_US, 0, track.time_us - previous_us)
        self.longest_us[slots] = np.maximum(self.longest_us[slots], np.maximum.reduceat(elapsed, track.starts))
        self.readings[slots] += track.ends - track.starts
        new = self.first_us[slots] == NONE_US
        self.first_us[slots] = np.where(new, track.time_us[track.starts], self.first_us[slots])
        self.last_us[slots] = track.time_us[track.ends - 1]
        return np.where(previous_us == NONE_US, np.nan, elapsed)


def measure_recording(order: TimeOrder, metrics: Sequence[str], slice_rows: int = SLICE_ROWS) -> MeasuredRecording:
    """Return what a recording is like.

    Args:
        order: all readings, at least one.
        metrics: of the readings.
        slice_rows: about how many readings are looked at a time. It makes no difference to the figures, but for the
            last digits of sums.
    """
    measuring = Measuring(metrics)
    for part in order.slices(slice_rows):
        measuring.add(part)
    sample, size = measuring.sample, len(metrics)
    intervals = measure_intervals(sample.device, sample.numbers[0], measuring.longest_us, measuring.readings)
    middle_us = (order.first_us + order.last_us) // 2
    values, changes = sample.numbers[1 : 1 + size], sample.numbers[1 + size :]
    profiles = tuple(
        measure_metric(name, sums.columns, measuring.readings, intervals, sample, value, change, middle_us)
        for name, sums, value, change in zip(metrics, measuring.sums, values, changes, strict=True)
    )
    return MeasuredRecording(
        readings=order.readings,
        devices=len(order.devices),
        first_us=order.first_us,
        last_us=order.last_us,
        spans_us=measuring.last_us - measuring.first_us,
        intervals=intervals,
        metrics=profiles,
        alike=correlations_of(sample.device, values),
        changes_alike=correlations_of(sample.device, changes),
    )
