"""Learn the usual value of a series, and how far its readings usually are from it.

Both are exponential means in time of what closed blocks hold, each reading clipped at 4 standard deviations. The first
blocks weigh the same. While a series is unusual, it teaches a tenth.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from transforms.baselines.scores import CLIP, SD_OF_MEAN
from transforms.series.memory import SeriesColumns, add_in_order
from transforms.series.track import RowArray

VALUE_FIELDS: Final[Mapping[str, Any]] = {
    "mean": np.float64("nan"),
    "deviation": np.float64("nan"),
    "blocks": np.int32(0),
    "sum": np.float64(0.0),
    "absolute": np.float64(0.0),
    "number": np.int32(0),
    "peak": np.float64(0.0),
    "slow": np.bool_(False),
}
"""Usual value, mean absolute distance to it, and number of closed blocks; of the open block the sums of its distances
and absolute distances, the number of readings, and the highest score; whether the series teaches less."""
_SLOWER: Final = 0.1
_MOST_BLOCKS: Final = 1 << 30


def fold_values(
    memory: SeriesColumns, number: int, closing: BoolArray, weight: FloatArray, sensitivity: float, clear: float
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Take blocks that close into the usual values of the first `number` series, in place.

    Returns:
        Which blocks had readings, the mean distance (number,) of their readings, and the weight (number,) that they
        had.
    """
    mean, deviation = memory["mean"][:number], memory["deviation"][:number]
    blocks, count = memory["blocks"][:number], memory["number"][:number]
    total, absolute = memory["sum"][:number], memory["absolute"][:number]
    peak, slow = memory["peak"][:number], memory["slow"][:number]
    has = closing & (count > 0)
    divisor = np.maximum(count, 1)
    off, spread = total / divisor, absolute / divisor
    slow[:] = np.where(has, (peak > sensitivity) | (slow & (peak > clear)), slow)
    portion = np.maximum(weight, 1.0 / (blocks + 1.0)) * np.where(slow, _SLOWER, 1.0)
    np.copyto(mean, mean + portion * off, where=has)
    np.copyto(deviation, np.where(blocks > 0, deviation + portion * (spread - deviation), spread), where=has)
    np.copyto(blocks, np.minimum(blocks + 1, _MOST_BLOCKS), where=has)
    for column in (total, absolute, count, peak):
        np.copyto(column, 0, where=has)
    return has, off, portion


def add_values(memory: SeriesColumns, series: RowArray, off: FloatArray, *, single: bool) -> None:
    """Add the distances (R,) of readings to the usual values of their series (R,) to the open blocks, in place.

    `single` says whether no series comes twice.
    """
    deviation = memory["deviation"][series]
    # A series that was never off has no limit: at a limit of 0 it would never learn otherwise.
    limit = np.where(deviation > 0, CLIP * SD_OF_MEAN * deviation, np.inf)
    clipped = np.fmax(np.fmin(off, limit), -limit)
    add_in_order(memory["sum"], series, clipped, single=single)
    add_in_order(memory["absolute"], series, np.abs(clipped), single=single)
    add_in_order(memory["number"], series, 1, single=single)


def note_peaks(memory: SeriesColumns, series: RowArray, score: FloatArray) -> None:
    """Note the highest scores (R,) of the open blocks of some series (R,), in place; NaN counts nothing."""
    np.fmax.at(memory["peak"], series, score)
