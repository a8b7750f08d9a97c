"""A recording is measured in slices, which make no difference."""

from dataclasses import astuple

import numpy as np
import pytest

from pipeline.suggest.correlations import correlations_of
from pipeline.suggest.measure_intervals import measure_intervals, medians_of
from pipeline.suggest.profile import device_days
from tests.support.recordings import measured, noise, recording, wave
from transforms.incidents.watched_rows import WatchedRows

COUNT = 1_000


def parts() -> tuple[WatchedRows, WatchedRows]:
    base = noise(COUNT)
    return (
        recording({"m": base, "n": base * 2 + noise(COUNT, 2)}, 60, ("a", "b"), gaps=range(40, 50)),
        recording({"m": wave(COUNT, 60), "n": noise(COUNT, 3)}, 20, ("c",)),
    )


def test_slices_make_no_difference():
    whole, cut = measured(*parts()), measured(*parts(), slice_rows=70)
    assert repr(whole.intervals) == repr(cut.intervals)
    for one, other in zip(whole.metrics, cut.metrics, strict=True):
        for left, right in zip(astuple(one), astuple(other), strict=True):
            if isinstance(left, float):
                assert left == pytest.approx(right, rel=1e-9, nan_ok=True)
            else:
                assert np.array_equal(left, right)
    np.testing.assert_allclose(whole.alike, cut.alike)


def test_the_recording():
    found = measured(*parts())
    assert (found.readings, found.devices) == (2 * (COUNT - 10) + COUNT, 3)
    assert sorted(found.spans_us.tolist()) == [999 * 20_000_000, *[999 * 60_000_000] * 2]
    assert found.intervals.median_us == 60_000_000
    assert (found.intervals.longest, found.intervals.longest_us) == (11, 11 * 60_000_000)
    assert found.alike[0, 1] == found.alike[1, 0]
    assert np.isnan(found.alike[0, 0])


def test_intervals():
    device = np.array([0, 0, 0, 0, 1, 1])
    interval = np.array([np.nan, 10.0, 10.0, 40.0, np.nan, 100.0])
    found = measure_intervals(device, interval, np.array([40, 100]), np.array([4, 2]))
    assert (found.median_us, found.longest, found.longest_us, found.regular, found.fewest) == (55, 4, 100, 0.75, 2)


def test_no_interval_at_all():
    found = measure_intervals(np.zeros(1, np.int32), np.array([np.nan]), np.array([0]), np.array([1]))
    assert (found.longest_us, found.fewest, np.isnan(found.median_us)) == (0, 0, True)


def test_quantiles_of_devices():
    found = medians_of(np.array([2, 0, 0, 2, 2]), np.array([5.0, 1.0, 3.0, 4.0, 9.0]), 3)
    np.testing.assert_array_equal(found, [1.0, np.nan, 5.0])


def test_correlations_are_within_a_device():
    x = noise(200)
    device = np.repeat([0, 1], 100)
    far = x + 1_000 * device  # between the devices all metrics differ alike
    numbers = np.array([far, -far + 2_000 * device * 0, noise(200, 9) + 1_000 * device, np.ones(200)])
    found = correlations_of(device.astype(np.int32), numbers)
    assert found[0, 1] == pytest.approx(-1)
    assert abs(found[0, 2]) < 0.2
    assert np.isnan(found[0, 3])
    assert np.isnan(correlations_of(device[:99].astype(np.int32), numbers[:, :99])[0, 1])


def test_device_days():
    assert device_days(np.array([86_400_000_000, 3_600_000_000]), 3_600_000_000) == pytest.approx(23 / 24)
