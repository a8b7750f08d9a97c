"""Give each row the time by which it is ordered, and measure how far rows are out of order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from publisher.json_lines import LineBatch
from telemetry.arrays import BoolArray, IntArray
from telemetry.text.timestamps import MICROS

EARLIEST_US: Final = 946_684_800 * MICROS
"""2000-01-01T00:00:00Z: a time before it comes from a clock that was never set, and moves no row."""
FIRST: Final = -1
"""Key of rows that no row with a time precedes."""


@dataclass(frozen=True, slots=True)
class KeyedLines:
    """N rows with the times by which they are ordered.

    Attributes:
        keys: (N,) microseconds UTC, or `FIRST`.
        lines: the rows.
    """

    keys: IntArray
    lines: LineBatch

    def take(self, start: int, end: int) -> "KeyedLines":
        """Return the rows in [start, end)."""
        lines = self.lines
        return KeyedLines(
            self.keys[start:end],
            LineBatch(lines.texts[start:end], lines.times[start:end], lines.devices[start:end]),
        )


@dataclass(slots=True)
class Disorder:
    """Measure of the rows that come after a row with a later time.

    Attributes:
        rows: their number.
        back_us: largest difference to the latest time before, microseconds.
    """

    rows: int = 0
    back_us: int = 0

    def observe(self, times: IntArray, latest_us: int) -> int:
        """Add rows in their order; return the new latest time.

        Args:
            times: (N,) times of the rows that have one, microseconds UTC.
            latest_us: latest time before them.
        """
        if not len(times):
            return latest_us
        latest = np.maximum(np.maximum.accumulate(times), latest_us)
        back = latest - times
        self.rows += int(np.count_nonzero(back))
        self.back_us = max(self.back_us, int(back.max()))
        return int(latest[-1])


def has_time(times: IntArray) -> BoolArray:
    """Return a mask of the times that a clock may have shown, for (N,) microseconds UTC or `NO_TIME`."""
    return times >= EARLIEST_US


def add_keys(batches: Iterable[LineBatch], disorder: Disorder) -> Iterator[KeyedLines]:
    """Yield the rows of one input with their keys; a row without a time has the key of the row before it."""
    before = latest = FIRST
    for batch in batches:
        known = has_time(batch.times)
        latest = disorder.observe(batch.times[known], latest)
        source = np.maximum.accumulate(np.where(known, np.arange(1, len(known) + 1), 0))
        keys = np.concatenate([np.array([before], dtype=np.int64), batch.times])[source]
        if len(keys):
            before = int(keys[-1])
            yield KeyedLines(keys, batch)


def sort_lines(parts: list[KeyedLines]) -> KeyedLines:
    """Return the rows of all parts by key; equal keys keep their order."""
    keys = np.concatenate([part.keys for part in parts])
    times = np.concatenate([part.lines.times for part in parts])
    order = np.argsort(keys, kind="stable")
    texts = list(chain.from_iterable(part.lines.texts for part in parts))
    devices = list(chain.from_iterable(part.lines.devices for part in parts))
    places = order.tolist()
    lines = LineBatch([texts[place] for place in places], times[order], [devices[place] for place in places])
    return KeyedLines(keys[order], lines)
