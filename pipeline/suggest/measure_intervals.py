"""Measure how regularly devices send."""

from typing import Final

import numpy as np

from pipeline.suggest.profile import SendingIntervals
from telemetry.arrays import CodeArray, FloatArray, IntArray

_REGULAR: Final = 2.5


def measure_intervals(
    device: CodeArray, interval_us: FloatArray, longest_us: IntArray, readings: IntArray
) -> SendingIntervals:
    """Return how regularly the devices of a recording send.

    Args:
        device: (N,) number of the device of each reading of a sample.
        interval_us: (N,) time since the reading before; NaN for a first one.
        longest_us: (D,) longest interval of each device.
        readings: (D,) number of readings of each device.
    """
    known = ~np.isnan(interval_us)
    if not known.any():
        return SendingIntervals(np.nan, np.nan, np.nan, 0, 0.0, 0)
    usual_us = medians_of(device[known], interval_us[known], len(readings))
    times = interval_us[known] / usual_us[device[known]]
    longest = longest_us / usual_us
    return SendingIntervals(
        median_us=float(np.nanmedian(usual_us)),
        q99=float(np.quantile(times, 0.99)),
        longest=float(np.nanmax(longest)),
        longest_us=int(longest_us.max()),
        regular=float((times <= _REGULAR).mean()),
        fewest=int(np.median(readings)) - 1,
    )


def medians_of(device: CodeArray, numbers: FloatArray, devices: int, share: float = 0.5) -> FloatArray:
    """Return a quantile of the numbers of each device, the nearest below; NaN for a device without one.

    Args:
        device: (N,) number of the device.
        numbers: (N,) none of them NaN.
        devices: how many there are.
        share: of the numbers that are below it.
    """
    order = np.lexsort((numbers, device))
    count = np.bincount(device, minlength=devices)
    start = np.cumsum(count) - count
    found = np.full(devices, np.nan)
    has = count > 0
    place = start + np.floor(share * np.maximum(count - 1, 0)).astype(np.int64)
    found[has] = numbers[order][place[has]]
    return found
