from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.arrays import IntArray
from telemetry.feed.times.clocks import Clocks
from telemetry.feed.times.pass_clues import PassClues
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.zones import ZoneTable, zone_table

MINUTE = 60_000_000
LONDON = TimeSpec(zone="Europe/London")


def utc(texts: list[str], order: list[int] | None = None) -> list[str]:
    """Return UTC hours and minutes of times of day on the day the clocks of London go back."""
    series = None if order is None else np.array(order)
    times = TimeReader(LONDON).read_texts([f"2020-10-25 {text}" for text in texts], PassClues(series))
    return [str(us)[11:16] for us in times.time_us.astype("datetime64[us]")]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("00:30 01:00 01:30 01:00 01:30 02:00", "23:30 00:00 00:30 01:00 01:30 02:00"),
        ("00:00 01:00 01:00 02:00", "23:00 00:00 01:00 02:00"),
        ("00:59 01:00 01:59 01:00 01:01", "23:59 00:00 00:59 01:00 01:01"),
        ("02:00 01:30 01:00 01:30 01:00 00:30", "02:00 01:30 01:00 00:30 00:00 23:30"),
        ("01:10 01:20 01:15 01:25", "00:10 00:20 00:15 00:25"),
        ("01:10 01:10 01:11 01:11", "00:10 00:10 00:11 00:11"),
        ("00:50 00:51 01:40 01:41", "23:50 23:51 00:40 00:41"),
        ("00:10 00:11 01:00 01:01 01:02", "23:10 23:11 00:00 00:01 00:02"),
        ("01:30", "00:30"),
        ("01:30 01:00", "00:30 01:00"),
        ("00:30 01:00 01:00 01:30", "23:30 00:00 00:00 00:30"),
        ("00:30 02:30 01:30 02:31", "23:30 02:30 01:30 02:31"),
    ],
)
def test_the_passes_of_a_double_hour_are_told_apart(clock: str, expected: str) -> None:
    assert utc(clock.split()) == expected.split()


def test_a_pause_before_the_double_hour_says_nothing_of_the_next_step() -> None:
    texts = ["2020-10-24 22:00", "2020-10-25 01:00", "2020-10-25 01:01"]
    times = TimeReader(LONDON).read_texts(texts)
    assert [str(us)[11:16] for us in times.time_us.astype("datetime64[us]")] == ["21:00", "00:00", "00:01"]


def test_each_series_has_its_own_clock() -> None:
    shown = "01:00 01:30 01:30 01:00 01:00 01:30"
    expected = "00:00 00:30 00:30 01:00 01:00 01:30"
    assert utc(shown.split(), [0, 0, 1, 0, 1, 0]) == expected.split()


ZONES = ["Europe/London", "Australia/Lord_Howe", "Europe/Dublin", "America/New_York"]


def naive_of(zone: ZoneTable, time_us: IntArray) -> IntArray:
    return time_us + zone.offset_us[np.searchsorted(zone.change_us, time_us, side="right")]


@given(st.sampled_from(ZONES), st.sampled_from([1, 5, 10, 15, 20, 30]), st.integers(0, 80), st.booleans())
@settings(deadline=None)
def test_steady_series_are_restored_in_both_directions(zone: str, step: int, which: int, newest_first: bool) -> None:
    table = zone_table(zone, 0)
    back = table.change_us[table.offset_us[1:] < table.offset_us[:-1]]
    count = 100 // step + 3  # from before the double hour until after it
    steps = np.arange(-count, count + 1) * step * MINUTE
    time_us = back[which % len(back)] + (steps[::-1] if newest_first else steps)
    assert Clocks().resolve(table, naive_of(table, time_us), None).tolist() == time_us.tolist()


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-400, 400)), max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
)
@settings(deadline=None)
def test_any_split_of_the_calls_gives_the_same_times(rows: list[tuple[int, int]], cuts: list[int]) -> None:
    table = zone_table("Europe/London", 0)
    change = np.datetime64("2020-10-25T01:00", "us").astype(np.int64)
    order = np.array([code for code, _ in rows], np.int64)
    naive_us = np.array([change + minute * MINUTE for _, minute in rows], np.int64)
    clocks = Clocks()
    bounds = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [clocks.resolve(table, naive_us[start:end], order[start:end]) for start, end in pairwise(bounds)]
    assert [us for part in parts for us in part.tolist()] == Clocks().resolve(table, naive_us, order).tolist()


def test_only_times_near_a_double_hour_are_noted() -> None:
    clocks = Clocks()
    TimeReader(LONDON).read_texts(["2020-07-12 00:00", "2020-10-24 18:00", "2020-10-25 08:30"], PassClues(None, clocks))
    assert clocks == Clocks()
    TimeReader(LONDON).read_texts(["2020-10-24 23:00"], PassClues(np.array([7]), clocks))
    assert list(clocks.series) == [7]
