import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.batches import MINUTE
from tests.support.law_checks import counts_checks
from tests.support.local_windows import LocalWindows, local_us
from transforms.windows.window_spec import WindowSpec

SPECS = st.builds(
    lambda slide, copies, lateness: WindowSpec(slide * copies, slide, lateness),
    st.integers(1, 50),
    st.integers(1, 5),
    st.integers(0, 100),
)
MOMENTS = st.integers(0, 400)


def windows_of(spec: WindowSpec, moment: int) -> list[int]:
    """Starts of all windows that hold a moment, from the definition."""
    starts = range(-spec.size_us, moment + 1)
    return [start for start in starts if start % spec.slide_us == 0 and start <= moment < start + spec.size_us]


def closed(spec: WindowSpec, start: int, watermark: int) -> bool:
    return watermark >= start + spec.size_us + spec.allowed_lateness_us


@given(SPECS, st.lists(MOMENTS, min_size=1, max_size=5), MOMENTS)
def test_too_late_is_to_miss_at_least_one_window(spec, moments, watermark):
    expected = [any(closed(spec, start, watermark) for start in windows_of(spec, moment)) for moment in moments]
    assert spec.too_late(np.array(moments), watermark).tolist() == expected
    assert spec.too_late(np.array(moments), np.full(len(moments), watermark)).tolist() == expected


@counts_checks("missed")
@given(SPECS, MOMENTS, MOMENTS)
def test_the_windows_missed_are_told_from_the_first_to_the_last(checks, spec, moment, watermark):
    missed = [start for start in windows_of(spec, moment) if closed(spec, start, watermark)]
    if missed:
        checks["missed"] += 1
        assert spec.missed(moment, watermark) == (missed[0], missed[-1] + spec.size_us)


@given(SPECS, st.lists(st.integers(-10, 40), min_size=1, max_size=5), MOMENTS)
def test_a_window_is_closed_when_its_lateness_is_over(spec, numbers, watermark):
    starts = np.array(numbers) * spec.slide_us
    assert spec.is_closed(starts, watermark).tolist() == [closed(spec, start, watermark) for start in starts.tolist()]


def test_each_reading_may_meet_its_own_watermark():
    spec = WindowSpec(MINUTE, MINUTE, 0)
    watermarks = np.array([MINUTE - 1, MINUTE, MINUTE])
    assert spec.too_late(np.array([0, 0, MINUTE]), watermarks).tolist() == [False, True, False]


def test_the_edge_of_the_lateness():
    spec = WindowSpec(MINUTE, MINUTE, 2 * MINUTE)
    last = np.array([MINUTE - 1])
    assert spec.too_late(last, 3 * MINUTE - 1).tolist() == [False]
    assert spec.too_late(last, 3 * MINUTE).tolist() == [True]
    assert spec.too_late(np.array([MINUTE]), 3 * MINUTE).tolist() == [False]
    assert spec.is_closed(np.array([0, MINUTE]), 3 * MINUTE - 1).tolist() == [False, False]
    assert spec.is_closed(np.array([0, MINUTE]), 3 * MINUTE).tolist() == [True, False]


def test_the_defaults_are_fixed_windows_of_a_minute_with_ten_minutes_of_lateness():
    assert WindowSpec() == WindowSpec(MINUTE, MINUTE, 10 * MINUTE, None)


HOUR = 60 * MINUTE
LOCAL = [(24, 24), (24, 6), (48, 24), (6, 6), (3, 1), (1, 1)]
"""Size and slide of windows by the clock of Rome, in hours."""


@counts_checks("missed", "in time")
@settings(deadline=None)
@given(st.sampled_from(LOCAL), st.sampled_from([(3, 28), (10, 31)]), st.integers(-40, 40), st.integers(-10, 200))
def test_local_windows_are_missed_when_they_ended_by_the_clock(checks, lengths, day, hours, later):
    size, slide = (hours * 3_600 for hours in lengths)
    plain = LocalWindows(size, slide, lateness=1_800)
    spec = WindowSpec(size * 1_000_000, slide * 1_000_000, 30 * MINUTE, zone="Europe/Rome")
    moment = local_us("Europe/Rome", 2021, *day) + hours * HOUR
    watermark = moment + later * 30 * MINUTE
    starts = sorted(plain.starts(moment))
    missed = [start for start in starts if plain.has_closed(start, watermark)]
    assert spec.is_closed(np.array(starts), watermark).tolist() == [start in missed for start in starts]
    assert spec.too_late(np.array([moment]), watermark).tolist() == [bool(missed)]
    assert [spec.end(start) for start in starts] == [plain.end(start) for start in starts]
    if missed:
        assert spec.missed(moment, watermark) == (missed[0], plain.end(missed[-1]))
    checks["missed" if missed else "in time"] += 1


def test_no_window_that_begins_before_a_time_ends_after_the_end_of_that_time():
    spec = WindowSpec(24 * HOUR, 6 * HOUR, zone="Europe/Rome")
    moments = np.arange(local_us("Europe/Rome", 2021, 3, 26), local_us("Europe/Rome", 2021, 3, 31), HOUR)
    latest = spec.ends(spec.latest(moments))
    assert [spec.end(moment) for moment in moments.tolist()] == latest.tolist() == sorted(latest.tolist())


@pytest.mark.parametrize(("size", "slide"), [(36, 36), (7, 7), (72, 36), (5 * 24, 5)])
def test_a_clock_cannot_count_all_windows(size, slide):
    WindowSpec(size * HOUR, slide * HOUR)
    with pytest.raises(ValueError, match="windows of a zone must be whole days long or divide a day"):
        WindowSpec(size * HOUR, slide * HOUR, zone="Europe/Rome")


def test_a_zone_must_exist():
    with pytest.raises(ValueError, match="'Europe/Rom' is no zone of the IANA database; did you mean Europe/Rome"):
        WindowSpec(zone="Europe/Rom")


@pytest.mark.parametrize(("size", "slide"), [(0, 1), (60, 0), (-60, 60), (60, -60), (60, 45), (30, 60)])
def test_windows_that_cannot_be_are_refused(size, slide):
    with pytest.raises(ValueError, match="the slide must divide the window"):
        WindowSpec(size, slide)
