"""Define what a recording, and each metric in it, is like. Times are microseconds, values in the metric's unit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from telemetry.arrays import FloatArray, IntArray

MetricKind = Literal["missing", "few", "boolean", "constant", "resting", "counter", "value"]


@dataclass(frozen=True, slots=True)
class MetricProfile:
    """A metric as it was measured, over all devices.

    ============  ==============================================================
    kind          meaning
    ============  ==============================================================
    ``missing``   no reading has a value
    ``few``       too few values to say anything
    ``boolean``   every value is 0 or 1
    ``constant``  no device ever sent two different values
    ``resting``   nearly all values are the same
    ``counter``   it only grows, apart from a few resets
    ``value``     anything else
    ============  ==============================================================

    Attributes:
        name: of the metric.
        kind: see above.
        readings: number of values.
        missing: share of the readings of its devices without a value, 0 to 1.
        spans_us: (D,) time from the first to the last value of each device that has one.
        interval_us: usual time between two values.
        low: lowest value.
        q001: value that 0.1 % of all values are below; so for `q01`, `median`, `q99` and `q999`.
        high: highest value.
        base: lowest of the values that 1 % of a device's values are below, or of the medians of devices with few.
        top: highest of the values that 99 % of a device's values are below, likewise.
        settled: share of the values of the second half of the recording within bounds that the first half suggests.
        moves: share of values that differ from the one before, 0 to 1.
        change: standard deviation of changes that are not zero.
        large_change: size of a change that 99 % of these are below.
        longest_still_us: longest time without a change.
        season: share of the variance that the hour of the day explains, 0 to 1; NaN with too few days.
        resets: share of the changes of a counter that are falls.
        whole: whether every value is a whole number.
    """

    name: str
    kind: MetricKind
    readings: int
    missing: float
    spans_us: IntArray
    interval_us: float
    low: float
    q001: float
    q01: float
    median: float
    q99: float
    q999: float
    high: float
    base: float
    top: float
    settled: float
    moves: float
    change: float
    large_change: float
    longest_still_us: int
    season: float
    resets: float
    whole: bool

    @property
    def span_us(self) -> float:
        """The usual time that a device was recorded."""
        return float(np.median(self.spans_us)) if len(self.spans_us) else 0.0

    def device_days(self, learn_us: int = 0) -> float:
        """Return the time in which a rule could have told something, days: of each device all but what it learns."""
        return device_days(self.spans_us, learn_us)


@dataclass(frozen=True, slots=True)
class SendingIntervals:
    """How regularly the devices of a recording send.

    Attributes:
        median_us: median over devices of the median interval; NaN without an interval.
        q99: interval that 99 % are below, in usual intervals of their device.
        longest: longest interval, in usual intervals of its device.
        longest_us: longest interval.
        regular: share of intervals of at most 2.5 usual ones, 0 to 1.
        fewest: fewest intervals that most devices have.
    """

    median_us: float
    q99: float
    longest: float
    longest_us: int
    regular: float
    fewest: int


@dataclass(frozen=True, slots=True)
class MeasuredRecording:
    """A recording as it was measured.

    Attributes:
        readings: number of readings.
        devices: number of devices that sent them.
        first_us: time of the first one, UTC.
        last_us: time of the last one, UTC.
        spans_us: (D,) time from the first to the last reading of each device.
        intervals: how regularly they came.
        metrics: what each metric is like, in the order in which they were given.
        alike: correlation (V, V) of the values of two metrics within a device; NaN where unknown.
        changes_alike: the same of their changes.
    """

    readings: int
    devices: int
    first_us: int
    last_us: int
    spans_us: IntArray
    intervals: SendingIntervals
    metrics: tuple[MetricProfile, ...]
    alike: FloatArray
    changes_alike: FloatArray


def device_days(spans_us: IntArray, learn_us: int = 0) -> float:
    """Return the sum of times, each without what is only learned from, days."""
    return float(np.maximum(spans_us - learn_us, 0).sum()) / 86_400_000_000
