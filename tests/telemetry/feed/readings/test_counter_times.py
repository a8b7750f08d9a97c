"""Times of numbers that count from a start."""

import numpy as np
import pyarrow as pa
import pytest

from telemetry.feed.parse import parse_feed
from telemetry.feed.readings.counter_times import CounterTimes
from telemetry.feed.times.problems import EARLY, FINE, LATE, MISSING, UNKNOWN
from telemetry.text.timestamps import EARLIEST_US, parse_time

START = parse_time("2020-07-12T00:00:00Z")
FEED = """
version: 1
csv: {delimiter: ';', decimal: ','}
time: {counter: n, interval: 250ms, zone: Europe/Rome, start: %s}
"""


def counter(start: str = "2020-07-12 02:00") -> CounterTimes:
    return CounterTimes(parse_feed(FEED % start), EARLIEST_US)


@pytest.mark.parametrize("start", ["2020-07-12 02:00", "2020-07-12T00:00:00Z", "'1594512000'", "12.7.2020 2:00"])
def test_the_start_is_a_time_of_the_feed(start: str) -> None:
    assert counter(start).of_places(np.array([0, 5])).time_us.tolist() == [START, START + 1_250_000]


def test_numbers_that_are_none_have_problems() -> None:
    texts = ["2", "1,5", "3 steps", "x", "", "NA", "-1e12", "1e12"]
    problems = [FINE, FINE, FINE, UNKNOWN, MISSING, MISSING, EARLY, LATE]
    times = counter().of_texts(pa.array(texts))
    assert times.problem.tolist() == problems
    assert times.time_us.tolist() == [START + 500_000, START + 375_000, START + 750_000, 0, 0, 0, 0, 0]
    assert counter().of_values([*texts]).problem.tolist() == problems
    mixed = counter().of_values([2, 1.5, None, True, [1], 10**400])
    assert mixed.problem.tolist() == [FINE, FINE, MISSING, UNKNOWN, UNKNOWN, UNKNOWN]


def test_problems_are_explained() -> None:
    assert counter().explain("x") == "'x' is no number"
    assert counter().explain("1e12") == "1e12 leads to no possible time"
