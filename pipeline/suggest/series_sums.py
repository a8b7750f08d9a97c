"""Add up what each series of a metric is like, in event-time order, as arrays."""

from typing import Any, Final

import numpy as np

from pipeline.suggest.round_numbers import DAY_US, HOUR_US
from telemetry.arrays import CodeArray, FloatArray, IntArray
from transforms.series.memory import SeriesColumns, fresh
from transforms.series.track import NONE_US, Track, before, latest, track_of

_FIELDS: Final[dict[str, Any]] = {
    "readings": np.int64(0),
    "low": np.float64("nan"),
    "high": np.float64("nan"),
    "first": np.float64("nan"),
    "last": np.float64("nan"),
    "first_us": np.int64(NONE_US),
    "last_us": np.int64(NONE_US),
    "moved_us": np.int64(NONE_US),
    "rises": np.int64(0),
    "falls": np.int64(0),
    "steps": np.float64(0.0),
    "longest_us": np.int64(0),
    "fractions": np.int64(0),
    "others": np.int64(0),
    "hours": np.zeros((2, 24)),
    "hour_counts": np.zeros((2, 24), np.int64),
    "squares": np.float64(0.0),
}
"""The fields of a series:

- number, lowest, highest, first and last of its values;
- times of the first, of the last, and of the last that differs from the one before; longest time without a change;
- numbers of rises and falls, and the sum of their sizes;
- numbers of values that are not whole, and of those that are neither 0 nor 1;
- sums of the distances to the first value, and their numbers, by even and odd days and hours; sum of their squares.
"""


class SeriesSums:
    """Sums of the series of one metric; a series has the number of its device.

    Attributes:
        columns: (S, …) of each field.
    """

    def __init__(self) -> None:
        self.columns: SeriesColumns = fresh(_FIELDS, 0)

    def grow(self, series: int) -> None:
        """Make room for so many series."""
        more = fresh(_FIELDS, max(series - len(self.columns["readings"]), 0))
        self.columns = {name: np.concatenate([column, more[name]]) for name, column in self.columns.items()}

    def add(self, device: CodeArray, time_us: IntArray, value: FloatArray) -> FloatArray:
        """Take moments that are sorted by device and time, and return the change (N,) of each to the value before.

        Args:
            device: (N,) number of the device.
            time_us: (N,) event time, microseconds UTC, behind all that were added before.
            value: (N,) NaN where missing.
        """
        present = np.flatnonzero(~np.isnan(value))
        changes = np.full(len(value), np.nan)
        if len(present):
            track = track_of(device[present], time_us[present], value[present])
            changes[present] = self._take(track)
        return changes

    def _take(self, track: Track) -> FloatArray:
        columns, slots, last = self.columns, track.slots, track.ends - 1
        new = columns["readings"][slots] == 0
        columns["first"][slots] = np.where(new, track.value[track.starts], columns["first"][slots])
        columns["first_us"][slots] = np.where(new, track.time_us[track.starts], columns["first_us"][slots])
        change: FloatArray = track.value - before(track.value, track, columns["last"][slots])
        moved = change != 0  # the first value, too, whose change is NaN
        began = latest(moved)
        carried_us = columns["moved_us"][slots][track.series]
        since_us = np.where(began >= track.heads, track.time_us[began], carried_us)
        _greatest(columns["longest_us"], track, track.time_us - since_us)
        columns["moved_us"][slots] = since_us[last]
        columns["last"][slots], columns["last_us"][slots] = track.value[last], track.time_us[last]
        columns["low"][slots] = np.fmin(columns["low"][slots], np.minimum.reduceat(track.value, track.starts))
        columns["high"][slots] = np.fmax(columns["high"][slots], np.maximum.reduceat(track.value, track.starts))
        _sum(columns["readings"], track, np.ones(len(track), np.int64))
        _sum(columns["rises"], track, (change > 0).astype(np.int64))
        _sum(columns["falls"], track, (change < 0).astype(np.int64))
        _sum(columns["steps"], track, np.nan_to_num(np.abs(change)))
        _sum(columns["fractions"], track, (track.value != np.rint(track.value)).astype(np.int64))
        _sum(columns["others"], track, ((track.value != 0) & (track.value != 1)).astype(np.int64))
        self._take_hours(track)
        return change

    def _take_hours(self, track: Track) -> None:
        distance = track.value - self.columns["first"][track.slot]
        hour = track.time_us // HOUR_US % 24 + 24 * (track.time_us // DAY_US % 2)
        place, size = track.series * 48 + hour, 48 * len(track.slots)
        sums = np.bincount(place, distance, size).reshape(-1, 2, 24)
        self.columns["hours"][track.slots] += sums
        self.columns["hour_counts"][track.slots] += np.bincount(place, minlength=size).reshape(-1, 2, 24)
        _sum(self.columns["squares"], track, distance * distance)


def _sum(column: Any, track: Track, numbers: Any) -> None:
    column[track.slots] += np.add.reduceat(numbers, track.starts)


def _greatest(column: Any, track: Track, numbers: Any) -> None:
    column[track.slots] = np.maximum(column[track.slots], np.maximum.reduceat(numbers, track.starts))
