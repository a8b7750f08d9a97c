"""Shift event times so that the passes of a loop follow one another."""

from dataclasses import dataclass, field
from typing import Final

from publisher.json_lines import NO_TIME
from telemetry.arrays import IntArray

_LEAST_INTERVAL_US: Final = 1_000


@dataclass(slots=True)
class TimeShift:
    """Time shift of each pass of a loop.

    Attributes:
        shift_us: shift of the current pass, microseconds.
    """

    shift_us: int
    _first_us: int | None = field(default=None)
    _last_us: int | None = field(default=None)
    _rows: int = 0

    def observe(self, times: IntArray) -> None:
        """Record the times of rows of the first pass, (N,) microseconds UTC or `NO_TIME`."""
        known = times[times != NO_TIME]
        if len(known):
            low, high = int(known.min()), int(known.max())
            self._first_us = low if self._first_us is None else min(low, self._first_us)
            self._last_us = high if self._last_us is None else max(high, self._last_us)
            self._rows += len(known)

    def next_pass(self) -> None:
        """Increase the shift by the length of the recording plus the mean interval between its rows."""
        if self._first_us is not None and self._last_us is not None:
            span = self._last_us - self._first_us
            self.shift_us += span + max(_LEAST_INTERVAL_US, span // max(1, self._rows - 1))
