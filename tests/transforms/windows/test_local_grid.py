"""Windows by the clock of a zone: exact days of changes, and any time against `zoneinfo`."""

import datetime as dt
import zoneinfo

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.support.batches import MINUTE
from tests.support.local_windows import DAY_S, HOUR_S, LocalWindows, local_us
from transforms.windows.local_grid import LocalGrid, fits_days, local_grid
from transforms.windows.utc_grid import UtcGrid

ROME = "Europe/Rome"
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SPRING, AUTUMN = (2021, 3, 28), (2021, 10, 31)


def windows_of(grid: LocalGrid | UtcGrid, time_us: int) -> list[tuple[int, int]]:
    """Starts and ends of the windows that hold a time, the earliest first."""
    starts = [found.tolist() for _, found in grid.holding(grid.latest(np.array([time_us])))]
    return sorted((start, int(grid.ends(np.array([start]))[0])) for found in starts for start in found)


def told(zone: str, size_us: int, first_us: int, last_us: int, slide_us: int = 0) -> list[str]:
    """The windows that hold some quarter of an hour between two times: their bounds by the clock, and their hours."""
    grid = local_grid(zone, size_us, slide_us or size_us)
    starts = np.unique(grid.latest(np.arange(first_us, last_us, 15 * MINUTE)))
    return [
        f"{shown(zone, start)} {shown(zone, end)} {(end - start) / HOUR:g}"
        for start, end in zip(starts.tolist(), grid.ends(starts).tolist(), strict=True)
    ]


def shown(zone: str, time_us: int) -> str:
    """Return the clock time, with its offset where the clock of Rome is put back."""
    moment = (EPOCH + dt.timedelta(microseconds=time_us)).astimezone(zoneinfo.ZoneInfo(zone))
    return f"{moment:%d/%H:%M}" + (f"{moment:%z}"[:3] if moment.hour == 2 and moment.month == 10 else "")


def test_a_day_of_spring_has_23_hours():
    bounds = local_us(ROME, 2021, 3, 27), local_us(ROME, 2021, 3, 30)
    assert told(ROME, DAY, *bounds) == ["27/00:00 28/00:00 24", "28/00:00 29/00:00 23", "29/00:00 30/00:00 24"]


def test_a_day_of_autumn_has_25_hours():
    bounds = local_us(ROME, 2021, 10, 30), local_us(ROME, 2021, 11, 2)
    assert told(ROME, DAY, *bounds) == ["30/00:00 31/00:00 24", "31/00:00 01/00:00 25", "01/00:00 02/00:00 24"]


def test_the_edges_of_a_day_are_exact():
    grid, midnight = local_grid(ROME, DAY, DAY), local_us(ROME, *AUTUMN)
    moments = np.array([midnight - 1, midnight, midnight + 25 * HOUR - 1, midnight + 25 * HOUR])
    starts = [midnight - DAY, midnight, midnight, midnight + 25 * HOUR]
    assert grid.latest(moments).tolist() == starts
    assert grid.ends(np.array(starts)).tolist() == [
        start + hours * HOUR for start, hours in zip(starts, [24, 25, 25, 24], strict=True)
    ]


@pytest.mark.parametrize(
    ("hours", "spring", "autumn"),
    [
        (12, "00:00 11, 12:00 12", "00:00 13, 12:00 12"),
        (8, "00:00 7, 08:00 8, 16:00 8", "00:00 9, 08:00 8, 16:00 8"),
        (6, "00:00 5, 06:00 6, 12:00 6, 18:00 6", "00:00 7, 06:00 6, 12:00 6, 18:00 6"),
        (4, "00:00 3, 04:00 4, 08:00 4", "00:00 5, 04:00 4, 08:00 4"),
        (3, "00:00 2, 03:00 3, 06:00 3", "00:00 4, 03:00 3, 06:00 3"),
        (2, "00:00 2, 03:00 1, 04:00 2", "00:00 2, 02:00+02 3, 04:00 2"),
        (1, "00:00 1, 01:00 1, 03:00 1, 04:00 1", "00:00 1, 01:00 1, 02:00+02 1, 02:00+01 1, 03:00 1"),
    ],
)
def test_windows_of_hours_begin_at_the_same_times_of_the_clock_each_day(hours, spring, autumn):
    for day, expected in ((SPRING, spring), (AUTUMN, autumn)):
        midnight = local_us(ROME, *day)
        found = [one.split() for one in told(ROME, hours * HOUR, midnight, local_us(ROME, *day, 23))]
        assert ", ".join(f"{start[3:]} {length}" for start, _, length in found).startswith(expected)
        assert [start[3:] for start, _, _ in found if int(start[3:5]) > 3] == [
            f"{hour:02}:00" for hour in range(hours, 23, hours) if hour > 3
        ]


def test_an_hour_that_comes_twice_is_two_windows_of_an_hour():
    second = local_us(ROME, *AUTUMN, 1)
    assert told(ROME, HOUR, second, second + 4 * HOUR) == [
        "31/01:00 31/02:00+02 1",
        "31/02:00+02 31/02:00+01 1",
        "31/02:00+01 31/03:00 1",
        "31/03:00 31/04:00 1",
    ]


def test_windows_of_minutes_are_those_of_utc_where_offsets_are_whole_hours():
    moments = np.arange(local_us(ROME, *SPRING), local_us(ROME, *AUTUMN), 7 * HOUR + 7 * MINUTE)
    for size, slide in ((HOUR, HOUR), (30 * MINUTE, 10 * MINUTE), (MINUTE, MINUTE)):
        grid, utc = local_grid(ROME, size, slide), UtcGrid(size, slide)
        assert grid.latest(moments).tolist() == utc.latest(moments).tolist()
        assert grid.first_ends(moments).tolist() == utc.first_ends(moments).tolist()
        assert grid.ends(utc.latest(moments)).tolist() == (utc.latest(moments) + size).tolist()


def test_days_of_a_zone_half_an_hour_off():
    first = local_us("Asia/Kolkata", 2021, 7, 12)
    assert told("Asia/Kolkata", DAY, first, first + 2 * DAY) == ["12/00:00 13/00:00 24", "13/00:00 14/00:00 24"]
    assert first % DAY == 18 * HOUR + 30 * MINUTE
    assert told("Asia/Kolkata", HOUR, first, first + 2 * HOUR) == ["12/00:00 12/01:00 1", "12/01:00 12/02:00 1"]


def test_a_change_of_half_an_hour():
    """The clock of Lord Howe Island goes from 02:00 to 01:30 in April and from 02:00 to 02:30 in October."""
    zone = "Australia/Lord_Howe"
    april, october = local_us(zone, 2021, 4, 4, 1), local_us(zone, 2021, 10, 3, 1)
    assert told(zone, HOUR, april, april + 2 * HOUR)[:2] == ["04/01:00 04/02:00 1.5", "04/02:00 04/03:00 1"]
    assert told(zone, HOUR, october, october + 2 * HOUR)[:2] == ["03/01:00 03/02:30+11 1", "03/02:30+11 03/03:00 0.5"]
    half = told(zone, 30 * MINUTE, april, april + 2 * HOUR)
    assert half[:4] == [
        "04/01:00 04/01:30 0.5",
        "04/01:30 04/01:30 0.5",
        "04/01:30 04/02:00 0.5",
        "04/02:00 04/02:30 0.5",
    ]


def test_a_day_without_midnight_begins_when_the_clock_jumps_over_it():
    zone = "America/Sao_Paulo"  # where clocks went from 00:00 to 01:00 and back to 23:00 until 2019
    spring, autumn = local_us(zone, 2018, 11, 3), local_us(zone, 2018, 2, 17)
    assert told(zone, DAY, spring, spring + 2 * DAY)[:2] == ["03/00:00 04/01:00 24", "04/01:00 05/00:00 23"]
    assert told(zone, DAY, autumn, autumn + 2 * DAY)[:2] == ["17/00:00 18/00:00 25", "18/00:00 19/00:00 24"]


def test_a_midnight_that_comes_twice_begins_one_day():
    zone = "America/St_Johns"  # where clocks went from 00:01 back to 23:01 until 2011
    first = local_us(zone, 2010, 11, 6)
    assert told(zone, DAY, first, first + 2 * DAY)[:2] == ["06/00:00 07/00:00 24", "07/00:00 08/00:00 25"]


def test_a_day_that_never_was_has_no_window():
    zone = "Pacific/Apia"  # which left out 30 December 2011
    first = local_us(zone, 2011, 12, 29)
    assert told(zone, DAY, first, first + 2 * DAY) == ["29/00:00 31/00:00 24", "31/00:00 01/00:00 24"]
    assert told(zone, 2 * DAY, first, first + DAY, DAY) == ["29/00:00 31/00:00 24"]


def test_groups_of_days_are_counted_from_a_monday():
    weeks = told(ROME, 7 * DAY, local_us(ROME, 2021, 3, 24), local_us(ROME, 2021, 4, 1))
    assert weeks == ["22/00:00 29/00:00 167", "29/00:00 05/00:00 168"]
    assert local_grid("UTC", 7 * DAY, 7 * DAY).latest(np.array([0])).tolist() == [-3 * DAY]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (SPRING, ["28/00:00 29/00:00 23", "28/01:00 29/01:00 23", "28/03:00 29/03:00 24", "28/04:00 29/04:00 24"]),
        (
            AUTUMN,
            ["31/00:00 01/00:00 25", "31/01:00 01/01:00 25", "31/02:00+02 01/02:00 25", "31/03:00 01/03:00 24"],
        ),
    ],
)
def test_sliding_days_begin_at_each_hour_that_the_clock_comes_to(day, expected):
    midnight = local_us(ROME, *day)
    assert told(ROME, DAY, midnight, midnight + 6 * HOUR, HOUR)[:4] == expected


def test_a_reading_is_in_all_sliding_windows_of_its_time():
    grid, noon = local_grid(ROME, DAY, 6 * HOUR), local_us(ROME, *SPRING, 12)
    starts = [local_us(ROME, 2021, 3, *hour) for hour in ((27, 18), (28, 0), (28, 6), (28, 12))]
    assert windows_of(grid, noon) == list(
        zip(starts, [start + hours * HOUR for start, hours in zip(starts, (23, 23, 24, 24), strict=True)], strict=True)
    )


@pytest.mark.parametrize("zone", ["UTC", "Africa/Lagos", "+01:00"])
@pytest.mark.parametrize(("size", "slide"), [(DAY, DAY), (DAY, 6 * HOUR), (HOUR, 10 * MINUTE)])
def test_a_zone_that_never_changes_is_shifted_utc(zone, size, slide):
    offset = 0 if zone == "UTC" else HOUR
    grid, utc = local_grid(zone, size, slide), UtcGrid(size, slide)
    for moment in range(1_600_000_000_000_000, 1_600_000_000_000_000 + 2 * DAY, 5 * HOUR + 1):
        shifted = windows_of(utc, moment + offset)
        assert windows_of(grid, moment) == [(start - offset, end - offset) for start, end in shifted]


@pytest.mark.parametrize(
    ("length", "fits"),
    [(DAY, True), (7 * DAY, True), (8 * HOUR, True), (1_000, True), (7 * HOUR, False), (36 * HOUR, False)],
)
def test_a_clock_counts_days_and_what_divides_a_day(length, fits):
    assert fits_days(length) is fits


ZONES = [(ROME, HOUR_S), ("Europe/London", HOUR_S), ("America/New_York", HOUR_S), ("America/Sao_Paulo", HOUR_S)]
ZONES += [("Australia/Lord_Howe", HOUR_S // 2), ("Asia/Kolkata", HOUR_S), ("Africa/Lagos", HOUR_S)]
LENGTHS = [(1, 1), (2, 1), (7, 7), (7, 1), (1 / 4, 1 / 4), (1 / 2, 1 / 4), (1, 1 / 4), (2, 1 / 2), (1, 1 / 24)]
LENGTHS += [(1 / 12, 1 / 12), (1 / 12, 1 / 24), (1 / 24, 1 / 24), (1 / 48, 1 / 48), (1 / 48, 1 / 96)]


@st.composite
def times_of_changes(draw: st.DrawFn, zone: str) -> int:
    """Times within four days of a change of the clock in 2018, or of 2021 in zones that have none, often near it."""
    changes = local_grid(zone, DAY, DAY).change_us
    of_year = [us for us in changes.tolist() if local_us("UTC", 2018, 1, 1) <= us < local_us("UTC", 2019, 1, 1)]
    change: int = draw(st.sampled_from(of_year or [local_us("UTC", 2021, 3, 28)]))
    far = st.integers(-4 * DAY, 4 * DAY)
    near = st.integers(-20, 20).map(lambda quarters: quarters * 15 * MINUTE)
    return change + draw(st.one_of(far, near)) + draw(st.sampled_from([0, -1]))


@settings(deadline=None, max_examples=100)
@given(data=st.data(), zone=st.sampled_from(ZONES), lengths=st.sampled_from(LENGTHS))
def test_any_time_is_in_the_windows_that_zoneinfo_says(data, zone, lengths):
    size, slide = (round(days * DAY_S) for days in lengths)
    plain = LocalWindows(size, slide, 0, *zone)
    grid = local_grid(zone[0], size * 1_000_000, slide * 1_000_000)
    moments = data.draw(st.lists(times_of_changes(zone[0]), min_size=1, max_size=6))
    expected = [sorted(plain.starts(moment)) for moment in moments]
    ends = [[plain.end(start) for start in starts] for starts in expected]
    event(f"length differs: {any(plain.end(s) - s != plain.size * 1_000_000 for one in expected for s in one)}")
    array = np.array(moments)
    assert grid.latest(array).tolist() == [starts[-1] for starts in expected]
    assert grid.earliest(array).tolist() == [starts[0] for starts in expected]
    assert grid.first_ends(array).tolist() == [min(one) for one in ends]
    for moment, starts, own in zip(moments, expected, ends, strict=True):
        assert windows_of(grid, moment) == list(zip(starts, own, strict=True))
        watermark = data.draw(st.sampled_from([own[0], own[-1], own[len(own) // 2] + HOUR]))
        assert grid.last_before(moment, watermark) == max(end for end in own if end <= watermark)
