"""Find the dropouts and excursions of a series of temperatures, offline."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DROPOUT_C: Final = 10.0
"""Temperatures below it are dropouts."""
EXCURSION_C: Final = 1.0
"""Distance from the running median beyond which a temperature is an excursion."""
_MEDIAN_OF: Final = 7


@dataclass(frozen=True, slots=True)
class TemperatureSeries:
    """All temperatures of a device, by time; of several at the same time the first one.

    Attributes:
        times_us: (N,) microseconds UTC.
        values: (N,) °C.
    """

    times_us: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def dropouts_us(self) -> NDArray[np.int64]:
        """Times of the readings below `DROPOUT_C`."""
        return self.times_us[self.values < DROPOUT_C]

    def excursions(self) -> list["ExcursionSpan"]:
        """Return the excursions; readings in a row that are far from the median are one."""
        far = np.abs(self.values - running_median(self.values)) > EXCURSION_C
        changes = np.flatnonzero(np.diff(far, prepend=False, append=False))
        last = len(far) - 1
        return [
            ExcursionSpan(tuple(self.times_us[first:end].tolist()), int(self.times_us[min(end, last)]))
            for first, end in changes.reshape(-1, 2).tolist()
        ]


@dataclass(frozen=True, slots=True)
class ExcursionSpan:
    """Readings that are far from the median.

    Attributes:
        times_us: of these readings, microseconds UTC.
        until_us: time of the next reading, which is back.
    """

    times_us: tuple[int, ...]
    until_us: int


def running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each value, the three before it and the three behind it; at the ends values are mirrored."""
    if not len(values):
        return values
    padded = np.pad(values, _MEDIAN_OF // 2, mode="reflect")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN_OF), axis=1))
