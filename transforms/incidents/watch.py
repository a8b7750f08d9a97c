"""Give a condition what it judges: the new readings of its metric, and what the rule remembers of their series."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, FloatArray, IntArray
from telemetry.rules.bounds import Bounds, Comparison, DeviceBounds
from telemetry.rules.rule import Rule
from transforms.incidents.incident_state import RuleState
from transforms.incidents.watched_rows import DeviceRows
from transforms.series.track import RowArray, Track, track_of


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The readings of one call, as all rules share them.

    Attributes:
        rows: readings of D devices, sorted.
        devices: names of the D devices.
        expected: (D,) whether a device is on the roster.
        watermark_us: everything before it is judged, microseconds UTC.
        start_us: earliest event time of any reading, microseconds UTC; `NONE_US` before the first reading.
        tracks: readings of each metric, as far as a rule has asked for them; slots are devices.
    """

    rows: DeviceRows
    devices: Sequence[str]
    expected: BoolArray
    watermark_us: int
    start_us: int
    tracks: dict[str, Track] = field(default_factory=dict)

    def track(self, metric: str) -> Track:
        """Return the readings of a metric, or of the devices for "", by device."""
        found = self.tracks.get(metric)
        if found is None:
            chosen = self.rows.first_of(metric)
            values = self.rows.values[metric] if metric else np.full(len(self.rows.time_us), np.nan)
            found = track_of(self.rows.device[chosen], self.rows.time_us[chosen], values[chosen])
            self.tracks[metric] = found
        return found


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule and what it judges in one call.

    Attributes:
        rule: the rule, which applies to A series.
        state: what it remembers.
        arrivals: the readings of all devices.
        gap_us: (A,) longest time between two readings of one run; None without a limit.
    """

    rule: Rule
    state: RuleState
    arrivals: Arrivals
    gap_us: IntArray | None

    @property
    def applies_to_all(self) -> bool:
        """Whether every device is a member, so that slots are devices."""
        return len(self.state.members) == len(self.arrivals.devices)

    def slots_of(self, device: NDArray[np.integer[Any]]) -> RowArray:
        """Return the slot of each device; -1 for one that the rule does not apply to."""
        if self.applies_to_all:
            return device.astype(np.intp, copy=False)
        slot = np.full(len(self.arrivals.devices), -1)
        slot[self.state.members] = np.arange(len(self.state.members))
        slots: RowArray = slot[device]
        return slots

    def track(self, metric: str) -> Track:
        """Return the readings of a metric, or of the devices for "", by slot."""
        track = self.arrivals.track(metric)
        if self.applies_to_all:
            return track
        slot = self.slots_of(track.slot)
        mine = slot >= 0
        return track_of(slot[mine], track.time_us[mine], track.value[mine])

    def names(self, slots: RowArray) -> list[str]:
        """Return the name of the device of each slot."""
        return [self.arrivals.devices[code] for code in self.state.members[slots].tolist()]

    def limits(self, track: Track) -> "Limits":
        """Return the bounds of a rule that has bounds, for the series of a track."""
        if not self.rule.overrides:
            assert self.rule.bounds is not None, "the condition has bounds"
            return Limits(track, self.rule.bounds)
        return Limits(track, self.rule.bounds_for(self.names(track.slots)))


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the S series of a track.

    Attributes:
        track: the rows.
        bounds: the same for all series, or for each.
    """

    track: Track
    bounds: Bounds | DeviceBounds

    def breaches(self) -> BoolArray:
        """Return whether each row breaches, (N,)."""
        if isinstance(self.bounds, Bounds):
            return self.bounds.breaches(self.track.value)
        return self.bounds.breaches(self.track.value, self.track.series)

    def clears(self) -> BoolArray:
        """Return whether each row clears, (N,)."""
        if isinstance(self.bounds, Bounds):
            return self.bounds.clears(self.track.value)
        return self.bounds.clears(self.track.value, self.track.series)

    def badness(self, values: FloatArray, series: RowArray) -> FloatArray:
        """Return how bad each value is, see `badness`.

        Args:
            values: (K,) breaching values.
            series: (K,) number of each value's series in the track.
        """
        bounds = self.bounds
        if isinstance(bounds, Bounds) or bounds.high is None:
            return badness(bounds.comparison, values, bounds.low, bounds.high)
        return badness(bounds.comparison, values, bounds.low[series], bounds.high[series])


def badness(
    comparison: Comparison, values: FloatArray, low: float | FloatArray, high: float | FloatArray | None
) -> FloatArray:
    """Return a number for each breaching value that is larger the further the value is beyond its bound.

    Args:
        comparison: how values are compared.
        values: (K,) values.
        low: the bound, or the lower bound of a range; of all values or (K,) of each.
        high: the upper bound of a range, else None.
    """
    if comparison == "above":
        return values
    if comparison == "below":
        return -values
    assert high is not None, "a range has two bounds"
    if comparison == "outside":
        return np.maximum(low - values, values - high)
    return np.minimum(values - low, high - values)
