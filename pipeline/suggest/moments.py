"""Join the rows of a device that have the same time."""

from dataclasses import dataclass

import numpy as np

from telemetry.arrays import CodeArray, FloatArray, IntArray
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import starts_of


@dataclass(frozen=True, slots=True)
class Moments:
    """N moments at which devices sent something, sorted by device and time; a device has each time once.

    Attributes:
        device: (N,) number of the device.
        time_us: (N,) event time, microseconds UTC.
        values: (M, N) values of M metrics in their units; NaN where missing or not finite.
    """

    device: CodeArray
    time_us: IntArray
    values: FloatArray


def moments_of(rows: WatchedRows, numbers: CodeArray) -> Moments:
    """Return the moments of readings; of several values of a metric at a moment the first one counts, as for rules.

    Args:
        rows: in any order.
        numbers: number of each of the devices of `rows`.
    """
    device = numbers[rows.device]
    order = np.lexsort((rows.event_us, device))
    device, time_us, values = device[order], rows.event_us[order], rows.values[:, order]
    values = np.where(np.isfinite(values), values, np.nan)
    first = starts_of(device, time_us)
    if len(first) == len(device):
        return Moments(device, time_us, values)
    joined = values[:, first]
    ends = np.append(first[1:], len(device))
    for place in range(1, int((ends - first).max())):
        rest = np.minimum(first + place, ends - 1)
        joined = np.where(np.isnan(joined), values[:, rest], joined)
    return Moments(device[first], time_us[first], joined)
