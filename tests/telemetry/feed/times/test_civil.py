import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.times.civil import days_of, days_of_year, full_years, time_of_day


@given(st.integers(-1, 10_001), st.integers(-1, 14), st.integers(-1, 33))
def test_days_are_those_of_the_calendar(year: int, month: int, day: int) -> None:
    days, valid = days_of(np.array([year]), np.array([month]), np.array([day]))
    try:
        date = dt.date(year, month, day)
    except ValueError:
        assert not valid[0]
    else:
        assert valid[0]
        assert days[0] == date.toordinal() - dt.date(1970, 1, 1).toordinal()


def test_days_of_the_year() -> None:
    days, valid = days_of_year(np.array([2020, 2020, 2021, 2021, 0]), np.array([366, 1, 366, 0, 1]))
    assert valid.tolist() == [True, True, False, False, False]
    assert [str(np.datetime64(int(day), "D")) for day in days[:2]] == ["2020-12-31", "2020-01-01"]


def test_two_digits_are_years_from_1969_to_2068() -> None:
    assert full_years(np.array([0, 68, 69, 99])).tolist() == [2000, 2068, 1969, 1999]


def test_twelve_hour_clocks() -> None:
    hours = np.arange(14)
    for half, first in (("a", 0), ("p", 12)):
        time_us, valid = time_of_day({"H": hours}, half)
        assert np.flatnonzero(valid).tolist() == list(range(1, 13))
        expected = [first + hour % 12 for hour in range(1, 13)]
        assert (np.asarray(time_us)[1:13] // 3_600_000_000).tolist() == expected
