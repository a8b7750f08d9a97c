"""Rows of a device and time become one moment; the first value of a metric counts."""

import numpy as np

from pipeline.suggest.moments import moments_of
from transforms.incidents.watched_rows import WatchedRows

NAN = np.nan


def test_rows_of_one_time_are_one_moment():
    rows = WatchedRows(
        ("m", "n"),
        ("a", "b"),
        np.array([1, 0, 1, 1, 0], np.int32),
        np.array([20, 30, 20, 20, 10]),
        np.array([[NAN, 1.0, 5.0, 6.0, np.inf], [7.0, 2.0, 8.0, NAN, 3.0]]),
    )
    moments = moments_of(rows, np.array([4, 0], np.int32))
    assert moments.device.tolist() == [0, 4, 4]
    assert moments.time_us.tolist() == [20, 10, 30]
    np.testing.assert_array_equal(moments.values, [[5.0, NAN, 1.0], [7.0, 3.0, 2.0]])
