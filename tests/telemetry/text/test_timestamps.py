import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.text.timestamps import (
    CLOCK_AHEAD_US,
    EARLIEST_US,
    LATEST_US,
    ClockBounds,
    explain_time,
    format_time,
    latest_event_us,
    parse_time,
    seconds_to_us,
)

YEAR_9999_US = 253_402_300_799_999_999
YEAR_1000_US = -30_610_224_000_000_000


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0", 0),
        ("-1.5", -1_500_000),
        ("1594512094.3859746", 1_594_512_094_385_975),
        ("1.5945120943859746E9", 1_594_512_094_385_975),
        (" 1594512094 ", 1_594_512_094_000_000),
        ("2020-07-12T00:01:34.385975Z", 1_594_512_094_385_975),
        ("2020-07-12T00:01:34.385975+00:00", 1_594_512_094_385_975),
        ("2020-07-12T02:01:34+02:00", 1_594_512_094_000_000),
        ("2020-07-11T19:01:34-05:00", 1_594_512_094_000_000),
        ("2020-07-12 00:01:34Z", 1_594_512_094_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
        ("9999-12-31T23:59:59.999999Z", YEAR_9999_US),
    ],
)
def test_seconds_and_rfc_3339_name_the_same_moments(text, microseconds):
    assert parse_time(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "nan",
        "inf",
        "-Infinity",
        "1_000",
        "1e303",
        "9" * 400,
        "2020-07-12T00:00:00",
        "2020-07-12",
        "2020-13-01T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "12:00:00Z",
        "\ud800",
        "0x10",
        "1,5",
        "\ufeff1",
    ],
)
def test_anything_else_is_no_point_in_time(text):
    with pytest.raises(ValueError, match=r"\S"):
        parse_time(text)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_594_512_094_385_975, "2020-07-12T00:01:34.385975Z"),
        (LATEST_US, "2100-01-01T00:00:00.000000Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_six_decimals(microseconds, text):
    assert format_time(microseconds) == text


@given(st.integers(YEAR_1000_US, YEAR_9999_US))
def test_what_is_written_reads_back(microseconds):
    assert parse_time(format_time(microseconds)) == microseconds


@given(st.datetimes(timezones=st.timezones()))
def test_any_offset_from_utc_is_understood(moment):
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert parse_time(moment.isoformat()) == since // dt.timedelta(microseconds=1)


@given(st.integers(0, LATEST_US))
def test_a_microsecond_survives_as_a_double_of_seconds(microseconds):
    assert seconds_to_us(microseconds / 1e6) == microseconds


@given(st.floats(-1e12, 1e12))
def test_seconds_are_rounded_like_the_columns(seconds):
    assert seconds_to_us(seconds) == int(np.rint(np.float64(seconds) * 1e6))


def test_a_clock_may_be_a_year_ahead_of_the_message_but_never_past_2100():
    assert latest_event_us(None) == LATEST_US
    assert latest_event_us(0) == CLOCK_AHEAD_US == 365 * 86_400_000_000
    assert latest_event_us(LATEST_US - CLOCK_AHEAD_US - 1) == LATEST_US - 1
    assert latest_event_us(LATEST_US - 1) == LATEST_US


@pytest.mark.parametrize(
    ("seconds", "problem"),
    [
        (0.0, "is before 2000-01-01T00:00:00Z"),
        (43_862.5, "is before 2000-01-01T00:00:00Z; it looks like the date 2020-02-01 of a spreadsheet"),
        (946_684_799.0, "is before 2000-01-01T00:00:00Z"),
        (-5.0, "is negative or too far in the future"),
        (1_594_512_094_385.0, "is negative or too far in the future; it looks like milliseconds"),
        (1_594_512_094_385_975.0, "is negative or too far in the future; it looks like microseconds"),
        (1_594_512_094_385_975_000.0, "is negative or too far in the future; it looks like nanoseconds"),
        (1e300, "is negative or too far in the future"),
    ],
)
def test_an_impossible_time_is_explained(seconds: float, problem: str) -> None:
    bounds = ClockBounds(earliest_us=EARLIEST_US)
    assert explain_time(seconds, int(min(seconds * 1e6, 2**62)), bounds) == f"ts {seconds} {problem}"
