"""Name what can be wrong with a time value."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import IntArray

PROBLEMS: Final = (
    "",
    "is missing",
    "is no time in a known form",
    "fits none of the formats",
    "is a naive time: say its zone",
    "may have the day or the month first: say day_first",
    "is no time of the calendar",
    "lies before the earliest time",
    "lies in 2100 or later",
    "is no Unix time in s, ms, us or ns: say its unit",
)
"""TimeTexts that follow the value in a sentence; index 0 is no problem."""
FINE, MISSING, UNKNOWN, NO_FORMAT, NAIVE, AMBIGUOUS, CALENDAR, EARLY, LATE, MAGNITUDE = range(len(PROBLEMS))

ProblemArray: TypeAlias = NDArray[np.uint8]
"""Indices into `PROBLEMS`."""


@dataclass(frozen=True, slots=True)
class Times:
    """Event times of some values.

    Attributes:
        time_us: (N,) microseconds UTC; 0 where there is a problem.
        problem: (N,) index into `PROBLEMS`.
    """

    time_us: IntArray
    problem: ProblemArray


@dataclass(frozen=True, slots=True)
class ClockTimes:
    """Points in time of some values, before the zone of naive ones is applied.

    Attributes:
        clock_us: (N,) microseconds since 1970-01-01T00:00:00, in UTC or on a clock of unknown zone.
        naive: (N,) whether the zone is unknown.
        problem: (N,) index into `PROBLEMS`.
    """

    clock_us: IntArray
    naive: NDArray[np.bool_]
    problem: ProblemArray

    @classmethod
    def empty(cls, size: int) -> "ClockTimes":
        """Return moments to be filled in, in UTC and without problems."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.bool_), np.zeros(size, np.uint8))

    @classmethod
    def refused(cls, size: int, problem: int) -> "ClockTimes":
        """Return moments that all have one problem."""
        return cls(np.zeros(size, np.int64), np.zeros(size, np.bool_), np.full(size, problem, np.uint8))

    def put(self, rows: IntArray | slice, moments: "ClockTimes") -> None:
        """Store the moments of some rows."""
        self.clock_us[rows] = moments.clock_us
        self.naive[rows] = moments.naive
        self.problem[rows] = moments.problem
