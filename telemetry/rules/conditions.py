"""Define the conditions that a rule can have.

All are frozen and tagged. Times are whole microseconds.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from telemetry.rules.bounds import Bounds
from telemetry.rules.unusual import LearnedStuck, Unusual

Statistic = Literal["mean", "min", "max", "stddev", "count", "first", "last", "range", "quantile"]
Junction = Literal["all", "any", "not"]
HOUR_US: Final = 3_600_000_000


class Threshold(msgspec.Struct, frozen=True, tag="threshold", omit_defaults=True):
    """A value of the metric is beyond a bound.

    Attributes:
        bounds: in the unit of the metric.
    """

    bounds: Bounds


class Rate(msgspec.Struct, frozen=True, tag="rate", omit_defaults=True):
    """The metric rises or falls too fast, or too slowly.

    The rate is the difference of two values of a device, divided by the time between them in units of `per_us`. The
    rate of a falling metric is negative.

    Attributes:
        bounds: ``above`` or ``below``, in units of the metric for each `per_us`.
        per_us: the unit of time.
        over_us: time between the two values; None for two consecutive readings.
    """

    bounds: Bounds
    per_us: int
    over_us: int | None = None


class Stuck(msgspec.Struct, frozen=True, tag="stuck", omit_defaults=True):
    """The metric does not move.

    Attributes:
        for_us: how long it must not have moved.
        within: largest difference between the values of that time, in the unit of the metric; 0 for equal values.
    """

    for_us: int
    within: float = 0.0


class Silence(msgspec.Struct, frozen=True, tag="silence", omit_defaults=True):
    """No reading comes; of the rule's metric, or of the device if the rule has no metric.

    Exactly one of `for_us` and `intervals` is given.

    Attributes:
        for_us: the limit; None if `intervals` is given.
        intervals: the limit in usual intervals of the device; None if `for_us` is given.
        grace_us: how long after the start a device of the roster that was never seen may stay silent.
    """

    for_us: int | None = None
    intervals: float | None = None
    grace_us: int = HOUR_US


class WindowStatistic(msgspec.Struct, frozen=True, tag="window", omit_defaults=True):
    """A statistic of the metric in a window of event time is beyond a bound.

    Attributes:
        statistic: of the window's values; ``median`` and ``p95`` in a file are ``quantile``.
        length_us: length of a window.
        bounds: in the unit of the statistic.
        quantile: share of the values that are at most the statistic, 0.01 to 0.999, for ``quantile``; else None.
        min_readings: fewest values of a window that is judged.
    """

    statistic: Statistic
    length_us: int
    bounds: Bounds
    quantile: float | None = None
    min_readings: int = 1


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One comparison of a combination.

    Attributes:
        metric: the metric whose last value is compared.
        bounds: in the unit of the metric.
    """

    metric: str
    bounds: Bounds


class Combination(msgspec.Struct, frozen=True, tag="combination", omit_defaults=True):
    """Several comparisons of one device hold together.

    ===========  ===================  ==================
    how          breached when        clear when
    ===========  ===================  ==================
    ``all``      every part breaches  one part clears
    ``any``      one part breaches    every part clears
    ``not``      every part clears    one part breaches
    ===========  ===================  ==================

    Attributes:
        how: how the parts are joined.
        parts: the comparisons, at least one.
        within_us: oldest value of a part that counts, at the time of a reading; 0 for values of that time only.
    """

    how: Junction
    parts: tuple[Part, ...]
    within_us: int = 0


Condition: TypeAlias = Threshold | Rate | Stuck | Silence | WindowStatistic | Combination | Unusual | LearnedStuck
