import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.times.problems import EARLY, FINE, LATE, MAGNITUDE, MISSING, PROBLEMS
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.units import BY_MAGNITUDE, UNITS
from telemetry.text.timestamps import format_time


def read(number: float, unit: str, zone: str = "UTC") -> str:
    values = np.array([number])
    times = TimeReader(TimeSpec(unit=unit, zone=zone)).read_numbers(values)
    return PROBLEMS[times.problem[0]] or format_time(int(times.time_us[0]))[:23]


@pytest.mark.parametrize(
    ("number", "unit", "time"),
    [
        (1594512094, "s", "2020-07-12T00:01:34.000"),
        (1594512094385, "ms", "2020-07-12T00:01:34.385"),
        (1594512094385.5, "ms", "2020-07-12T00:01:34.385"),
        (1594512094385000, "us", "2020-07-12T00:01:34.385"),
        (1594512094385000000, "ns", "2020-07-12T00:01:34.385"),
        (26575201.5, "minutes", "2020-07-12T00:01:30.000"),
        (442920, "hours", "2020-07-12T00:00:00.000"),
        (18455.5, "days", "2020-07-12T12:00:00.000"),
        (44025.5, "excel", "2020-07-13T12:00:00.000"),
        (44025.50694, "excel", "2020-07-13T12:09:59.616"),
        (44025 + 0.0006 / 86400, "excel", "2020-07-13T00:00:00.001"),
        (44025.506944444, "excel", "2020-07-13T12:10:00.000"),
        (42563.5, "excel1904", "2020-07-13T12:00:00.000"),
        (737985.5, "matlab", "2020-07-13T12:00:00.000"),
        (3677486400, "labview", "2020-07-13T12:00:00.000"),
        (1594512094, "ms", "lies before the earliest time"),
        (1594512094385, "s", "lies in 2100 or later"),
        (math.inf, "s", "lies in 2100 or later"),
        (-math.inf, "excel", "lies before the earliest time"),
        (math.nan, "ms", "is missing"),
    ],
)
def test_declared_units(number: float, unit: str, time: str) -> None:
    assert read(number, unit) == time


def test_serial_dates_follow_the_clock_of_a_zone_and_labview_does_not() -> None:
    assert read(44025.5, "excel", "Europe/Rome") == "2020-07-13T10:00:00.000"
    assert read(44025.5, "excel", "") == "is a naive time: say its zone"
    assert read(3677486400, "labview", "Europe/Rome") == "2020-07-13T12:00:00.000"


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (946_684_800, FINE),
        (946_684_799, EARLY),
        (3_155_759_999, FINE),
        (3_155_760_000, MAGNITUDE),
        (946_684_800_000, FINE),
        (946_684_799_999, MAGNITUDE),
        (1e16, MAGNITUDE),
        (946_684_800_000_000_000, FINE),
        (math.inf, MAGNITUDE),
        (-math.inf, EARLY),
        (math.nan, MISSING),
        (0, EARLY),
    ],
)
def test_the_unit_is_told_by_magnitude_or_the_number_refused(number: float, problem: int) -> None:
    assert TimeReader(TimeSpec()).read_numbers(np.array([number])).problem.tolist() == [problem]


def test_an_earliest_time_of_1970_lets_seconds_be_seconds() -> None:
    times = TimeReader(TimeSpec(earliest_us=0)).read_numbers(np.array([1594512094.0, 5, 1594512094385]))
    assert times.time_us.tolist() == [1_594_512_094_000_000, 5_000_000, 1_594_512_094_385_000]


def test_nanoseconds_are_cut_off_as_those_of_texts_are() -> None:
    times = TimeReader(TimeSpec()).read_numbers(np.array([1594512094123456789.0]))
    assert times.time_us.tolist() == [1_594_512_094_123_456]


def test_numbers_of_several_units_in_one_column() -> None:
    values = np.array([1594512094, 1594512094000, 1594512094000000, 1594512094000000000, 5])
    times = TimeReader(TimeSpec()).read_numbers(values)
    assert times.time_us.tolist() == [1_594_512_094_000_000] * 4 + [0]


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from(sorted(set(UNITS) - {"excel", "excel1904", "matlab"})))
@settings(deadline=None)
def test_whole_numbers_are_exact(number: int, unit: str) -> None:
    known = UNITS[unit]
    exact = math.floor(Fraction(number * known.numerator, known.denominator)) + known.origin_us
    times = TimeReader(TimeSpec(unit=unit)).read_texts([str(number)])
    if 946_684_800_000_000 <= exact < 4_102_444_800_000_000:
        assert times.time_us.tolist() == [exact]
    else:
        assert times.problem.tolist() == [EARLY if exact < 946_684_800_000_000 else LATE]


@given(st.integers(946_684_800_000_000, 3_155_759_999_999_999), st.sampled_from(BY_MAGNITUDE))
@settings(deadline=None)
def test_texts_and_numbers_agree(time_us: int, unit: str) -> None:
    number = time_us * UNITS[unit].denominator // UNITS[unit].numerator
    reader = TimeReader(TimeSpec())
    by_text = reader.read_texts([str(number)])
    assert by_text.time_us.tolist() == reader.read_numbers(np.array([number])).time_us.tolist()
    assert abs(int(by_text.time_us[0]) - time_us) < 1_000_000
    assert TimeReader(TimeSpec(unit=unit)).read_texts([str(number)]).time_us.tolist() == by_text.time_us.tolist()
