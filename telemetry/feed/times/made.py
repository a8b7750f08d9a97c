"""Make the times of numbers that count from a start, and join times that are in parts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.arrays import FloatArray
from telemetry.feed.times.problems import EARLY, FINE, LATE, MISSING, Times
from telemetry.text.timestamps import LATEST_US


def counted(start_us: int, interval_us: int, counts: FloatArray, earliest_us: int) -> Times:
    """Return the times of numbers that count intervals from a start; NaN is a missing number.

    Args:
        start_us: time of the number 0, microseconds UTC.
        interval_us: positive.
        counts: (N,) numbers.
        earliest_us: first time that is possible.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        about = counts * float(interval_us) + start_us
    problem = np.full(len(counts), FINE, np.uint8)
    problem[about < earliest_us] = EARLY
    problem[about >= LATEST_US] = LATE
    problem[np.isnan(about)] = MISSING
    fine = problem == FINE
    time_us = np.zeros(len(counts), np.int64)
    time_us[fine] = np.rint(counts[fine] * float(interval_us)).astype(np.int64) + start_us
    return Times(time_us, problem)


def joined(*parts: pa.Array) -> pa.Array:
    """Return the texts of parts of a time in several columns, such as a date and a time of day, as one.

    It is null where one of them is missing or blank: a date alone would be midnight.
    """
    text = pa.large_string()
    columns = [pc.utf8_trim_whitespace(pc.cast(part, text)) for part in parts]
    present = [pc.if_else(pc.equal(column, ""), None, column) for column in columns]
    return pc.binary_join_element_wise(*present, pa.scalar(" ", text))
