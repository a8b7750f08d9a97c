import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.batches import MINUTE
from tests.support.law_checks import counts_checks
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


@pytest.mark.parametrize(("size", "slide"), [(0, 1), (60, 0), (-60, 60), (60, -60), (60, 45), (30, 60)])
def test_windows_that_cannot_be_are_refused(size, slide):
    with pytest.raises(ValueError, match="the slide must divide the window"):
        WindowSpec(size, slide)
