"""Tell which metrics of a device go together."""

from typing import Final

import numpy as np

from telemetry.arrays import CodeArray, FloatArray

_FEWEST: Final = 100


def correlations_of(device: CodeArray, numbers: FloatArray) -> FloatArray:
    """Return the correlation (M, M) of metrics within their devices.

    Args:
        device: (N,) number of the device.
        numbers: (M, N) of each metric; NaN where missing.

    Returns:
        NaN where fewer than 100 readings have both, or one of them never moves.
    """
    metrics = len(numbers)
    found = np.full((metrics, metrics), np.nan)
    for one in range(metrics):
        for other in range(one):
            both = np.flatnonzero(~np.isnan(numbers[one]) & ~np.isnan(numbers[other]))
            if len(both) < _FEWEST:
                continue
            x, y = (_centred(device[both], numbers[which][both]) for which in (one, other))
            scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
            if scale > 0:
                found[one, other] = found[other, one] = float((x * y).sum()) / scale
    return found


def _centred(device: CodeArray, numbers: FloatArray) -> FloatArray:
    """Return the distance of each number to the mean of its device."""
    count, total = np.bincount(device), np.bincount(device, numbers)
    centred: FloatArray = numbers - (total / np.maximum(count, 1))[device]
    return centred
