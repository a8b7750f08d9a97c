"""Make the times of values that have none of their own, or have them in two parts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.feed.times.problems import FINE, LATE, Times
from telemetry.text.timestamps import LATEST_US


def made(start_us: int, interval_us: int, first_row: int, rows: int) -> Times:
    """Return the times of rows that follow each other at one interval.

    Args:
        start_us: time of row 0, microseconds UTC.
        interval_us: positive.
        first_row: number of the first row that is wanted.
        rows: how many are wanted.
    """
    possible = min(max(-((start_us - LATEST_US) // interval_us) - first_row, 0), rows)
    time_us = np.zeros(rows, np.int64)
    time_us[:possible] = np.arange(possible) * interval_us + (start_us + first_row * interval_us if possible else 0)
    problem = np.full(rows, FINE, np.uint8)
    problem[possible:] = LATE
    return Times(time_us, problem)


def joined(dates: pa.Array, clocks: pa.Array) -> pa.Array:
    """Return the texts of a date and a time of day in two columns, as one; null where either is missing."""
    text = pa.large_string()
    return pc.binary_join_element_wise(pc.cast(dates, text), pc.cast(clocks, text), pa.scalar(" ", text))
