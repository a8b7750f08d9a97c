"""Define the conditions that learn from a series what is usual for it. Times are whole microseconds."""

from typing import Literal

import msgspec

UnusualKind = Literal["jump", "level", "drift", "novel", "together"]
Direction = Literal["both", "up", "down"]
Season = Literal["hour"]


class Unusual(msgspec.Struct, frozen=True, tag="unusual", omit_defaults=True):
    """The metric is unusual for the device, by what its earlier readings taught.

    ============  ====================================================  ================================================
    kind          the score of a reading                                the half-life
    ============  ====================================================  ================================================
    ``jump``      its distance to the reading before, in usual changes  of the usual change
    ``level``     its distance to the usual value, in usual deviations  of the usual value and deviation
    ``drift``     how far the last minutes are from the last hours      of the last hours; the last minutes: 1/30
    ``novel``     how rare values like it are: 4 is one in 10,000       in which what was seen counts half
    ``together``  how far several metrics are off at the same time      of the usual value and deviation of each
    ============  ====================================================  ================================================

    Attributes:
        kind: how unusual readings are told.
        sensitivity: the score above which a reading breaches.
        clear: the score at or below which it clears.
        learn_us: how long a series is only learned from, since its first reading.
        half_life_us: time after which a reading counts half.
        direction: which side of what is usual counts.
        season: ``hour`` if what is usual depends on the hour of the day (UTC); for ``level``.
        window_us: readings are judged as means of windows this long; 0 for each reading; for ``novel``.
        span_us: time over which slow means are judged, too; for ``novel``.
        metrics: those that are judged together; for ``together``.
    """

    kind: UnusualKind
    sensitivity: float
    clear: float
    learn_us: int
    half_life_us: int
    direction: Direction = "both"
    season: Season | None = None
    window_us: int = 0
    span_us: int = 0
    metrics: tuple[str, ...] = ()


class LearnedStuck(msgspec.Struct, frozen=True, tag="learned-stuck", omit_defaults=True):
    """The metric repeats its value more often in a row than it ever does.

    Attributes:
        learn_us: how long a series is only learned from, since its first reading.
        half_life_us: time after which the longest run counts half.
    """

    learn_us: int
    half_life_us: int
