"""Read the times of numbers that count from a start: rows of a file, or a column of seconds or steps."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.feed import Feed
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, ProblemCodes, read_column
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.feed.time_spec import start_us
from telemetry.feed.times.made import counted
from telemetry.feed.times.problems import FINE, MISSING, UNKNOWN, Times
from telemetry.text.durations import parse_duration

_MISSING: Final = PROBLEM_OF_CODE.index(NumberProblem.MISSING)


class CounterTimes:
    """Reads numbers as times.

    Args:
        feed: the feed, with `time.start`.
        earliest_us: first event time that is possible, microseconds UTC.
    """

    def __init__(self, feed: Feed, earliest_us: int) -> None:
        """Prepare to read numbers."""
        self._start_us = start_us(feed)
        self._interval_us = parse_duration(feed.time.interval)
        self._earliest_us = earliest_us
        self._number = NumberSpec(decimal=feed.csv.decimal)

    def of_places(self, places: IntArray) -> Times:
        """Return the times of rows by their numbers in a file, (N,) from 0."""
        return counted(self._start_us, self._interval_us, places.astype(np.float64), self._earliest_us)

    def of_texts(self, texts: pa.Array) -> Times:
        """Return the times of (N,) texts."""
        return self._of_numbers(*read_column(texts, self._number))

    def of_values(self, values: Sequence[object]) -> Times:
        """Return the times of N values of records."""
        found = [read_number(value, self._number) for value in values]
        numbers = np.array([np.nan if isinstance(one, NumberProblem) else one for one in found], np.float64)
        codes = [PROBLEM_OF_CODE.index(one) if isinstance(one, NumberProblem) else 0 for one in found]
        return self._of_numbers(numbers, np.array(codes, np.int8))

    def explain(self, text: str) -> str:
        """Return why a number is no time."""
        problem = read_number(text, self._number)
        if isinstance(problem, NumberProblem):
            return f"{text[:60]!r} is no number"
        return f"{text[:60]} leads to no possible time"

    def _of_numbers(self, numbers: FloatArray, codes: ProblemCodes) -> Times:
        times = counted(self._start_us, self._interval_us, numbers, self._earliest_us)
        times.problem[codes != 0] = UNKNOWN
        times.problem[codes == _MISSING] = MISSING
        times.time_us[times.problem != FINE] = 0
        return times
