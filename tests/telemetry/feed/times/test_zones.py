import datetime as dt
import zoneinfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.times.zones import zone_table

ZONES = [
    "Europe/Rome",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Caracas",
    "Europe/Amsterdam",
    "Antarctica/Troll",
    "UTC",
]
EPOCH = dt.datetime(1970, 1, 1)
UTC_EPOCH = EPOCH.replace(tzinfo=dt.UTC)
SINCE_1900 = -2_208_988_800_000_000
MICROSECOND = dt.timedelta(microseconds=1)


def by_datetime(naive_us: int, zone: str) -> int:
    moment = EPOCH + dt.timedelta(microseconds=naive_us)
    return (moment.replace(tzinfo=zoneinfo.ZoneInfo(zone)) - UTC_EPOCH) // MICROSECOND


@pytest.mark.parametrize("zone", ZONES)
def test_naive_times_around_all_changes_are_those_of_zoneinfo(zone: str) -> None:
    table = zone_table(zone, SINCE_1900)
    steps = np.array([-1, 0, 1, 1_799_999_999, 1_800_000_000, 3_599_999_999, 3_600_000_000])
    edges = np.concatenate([table.change_us + table.offset_us[:-1], table.change_us + table.offset_us[1:], [0]])
    naive_us = (edges[:, None] + np.concatenate([-steps, steps])).ravel()
    assert table.to_utc(naive_us).tolist() == [by_datetime(us, zone) for us in naive_us.tolist()]


@given(st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2099, 12, 30)), st.sampled_from(ZONES))
@settings(deadline=None)
def test_any_naive_time_is_that_of_zoneinfo(moment: dt.datetime, zone: str) -> None:
    naive_us = (moment - EPOCH) // MICROSECOND
    assert zone_table(zone, SINCE_1900).to_utc(np.array([naive_us])).tolist() == [by_datetime(naive_us, zone)]


def test_the_hour_that_does_not_exist_is_read_before_the_clock_is_put_forward() -> None:
    naive = np.array([np.datetime64("2021-03-28T02:30", "us")]).astype(np.int64)
    utc = zone_table("Europe/Rome", 0).to_utc(naive).astype("datetime64[us]")
    assert utc.astype("datetime64[m]").astype(str).tolist() == ["2021-03-28T01:30"]  # the clocks show 03:30 then


def test_double_hours_are_found() -> None:
    begins, ends = zone_table("Australia/Lord_Howe", 1_577_836_800_000_000).doubles
    shown = [us.astype("datetime64[us]").astype("datetime64[m]").astype(str) for us in (begins[0], ends[0])]
    assert shown == ["2020-04-05T01:30", "2020-04-05T02:00"]


@pytest.mark.parametrize(("zone", "hours"), [("+02:00", 2.0), ("-0330", -3.5), ("UTC", 0.0), ("Etc/GMT+5", -5.0)])
def test_fixed_offsets(zone: str, hours: float) -> None:
    assert zone_table(zone, 0).to_utc(np.array([0])).tolist() == [-hours * 3_600_000_000]


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("europe/rome", "'europe/rome' is no zone of the IANA database; did you mean Europe/Rome"),
        ("../etc/passwd", "is no zone of the IANA database"),
        ("Q", "'Q' is no zone of the IANA database such as Europe/Rome"),
        ("Europe", "'Europe' is no zone"),
    ],
)
def test_unknown_zones_are_refused(zone: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        zone_table(zone, 0)
