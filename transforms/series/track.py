"""Follow many series at once: moments sorted by series and time, and what came last before each."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, FloatArray, IntArray

NONE_US: Final = -(2**62)
"""A time before all time: none."""
RowArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Track:
    """N moments of S series, sorted by series and then time; a series has each time once.

    Attributes:
        slot: (N,) index of the series into the columns of its rule's state.
        time_us: (N,) event time, microseconds UTC.
        value: (N,) what is judged; NaN where there is no value.
        starts: (S,) first row of each series.
        ends: (S,) row after the last one of each series.
        series: (N,) number of each row's series, 0 to S - 1.
    """

    slot: RowArray
    time_us: IntArray
    value: FloatArray
    starts: RowArray
    ends: RowArray
    series: RowArray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.time_us)

    @property
    def slots(self) -> RowArray:
        """(S,) slot of each series."""
        return self.slot[self.starts]

    @property
    def heads(self) -> RowArray:
        """(N,) first row of each row's series."""
        return self.starts[self.series]

    def select(self, rows: BoolArray | RowArray) -> "Track":
        """Return some of the rows."""
        return track_of(self.slot[rows], self.time_us[rows], self.value[rows])


def track_of(slot: NDArray[Any], time_us: IntArray, value: FloatArray) -> Track:
    """Return a track of rows that are sorted by slot and time."""
    starts = starts_of(slot)
    ends = np.append(starts[1:], len(slot)) if len(slot) else starts
    series = np.repeat(np.arange(len(starts)), ends - starts)
    return Track(slot.astype(np.intp, copy=False), time_us, value, starts, ends, series)


def starts_of(*sorted_keys: NDArray[Any]) -> RowArray:
    """Return the rows at which a new combination of keys begins."""
    changed = np.ones(len(sorted_keys[0]), np.bool_)
    changed[1:] = False
    for key in sorted_keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def latest(marked: BoolArray) -> RowArray:
    """Return for each row the latest row, it or one before, that is marked; -1 if there is none.

    The rows of other series count, too: one before the head of a row's series means that its own series has none.
    """
    return np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))


def before(values: NDArray[Any], track: Track, carried: NDArray[Any]) -> NDArray[Any]:
    """Return what each row's predecessor in its series has; (S,) `carried` for the first row of each series."""
    shifted = np.empty_like(values)
    shifted[1:] = values[:-1]
    shifted[track.starts] = carried
    return shifted


def flat_ranges(first: RowArray, end: RowArray) -> tuple[RowArray, RowArray]:
    """Return the rows of several ranges, one range after the other, and where each begins among them."""
    lengths = end - first
    begins = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(first - begins, lengths), begins
