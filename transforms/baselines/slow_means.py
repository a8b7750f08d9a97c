"""Judge the running mean of many values, by how rare the means before it make it."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from transforms.baselines.histogram import bin_of, near, widen
from transforms.baselines.weights import Weights
from transforms.series.memory import SeriesColumns
from transforms.series.track import NONE_US, RowArray

MEAN_BINS: Final = 32
SLOW_FIELDS: Final[Mapping[str, Any]] = {
    "open_sum": np.float64(0.0),
    "mean": np.float64("nan"),
    "mean_low": np.float64("nan"),
    "mean_high": np.float64("nan"),
    "mean_bins": np.zeros(MEAN_BINS, np.uint16),
    "means": np.int32(0),
    "record": np.float64(0.0),
    "record_us": np.int64(NONE_US),
}
"""Sum of the open block; running mean of closed ones, range, bins and number of what it was; the largest surprise so
far as of a time."""
MIN_VALUES: Final = 12
"""The running mean forgets half of itself in no fewer values."""
MIN_MEANS: Final = 24
"""Number of means that only teach."""
_PRIOR: Final = 0.2
_BESIDE: Final = 0.5
_PER_RECORD: Final = 4.0 / 1.2
_HALF_LIFE_US: Final = 28 * 86_400_000_000
_MOST_MEANS: Final = 1 << 30


def close_means(
    memory: SeriesColumns, closing: BoolArray, closed_us: IntArray, now_us: IntArray, weights: Weights
) -> tuple[FloatArray, FloatArray]:
    """Return the running means that include the blocks that close, and their scores; NaN for none.

    Args:
        memory: of the series of a walk; it is changed in place.
        closing: (n,) whether the open block of each of the first series closes.
        closed_us: (n,) its start, microseconds UTC.
        now_us: (n,) start of the block that opens.
        weights: of a block, for the half-life of the running mean.
    """
    number = len(closing)
    means, scores = np.full(number, np.nan), np.full(number, np.nan)
    done = np.flatnonzero(closing)
    if len(done):
        count, mean = memory["open_values"][done], memory["mean"][done]
        block = memory["open_sum"][done] / count
        weight = weights.of(closed_us[done], now_us[done], count)
        means[done] = np.where(np.isnan(mean), block, mean + weight * (block - mean))
        memory["mean"][done], memory["open_sum"][done] = means[done], 0.0
        scores[done] = _judge(memory, done, means[done], now_us[done])
    return means, scores


def _judge(memory: SeriesColumns, series: RowArray, means: FloatArray, now_us: IntArray) -> FloatArray:
    """Return the score of a mean of each series (K,), and count it."""
    low, high = memory["mean_low"][series], memory["mean_high"][series]
    new_low, new_high = np.fmin(low, means), np.fmax(high, means)
    width, new_width = (high - low) / MEAN_BINS, (new_high - new_low) / MEAN_BINS
    wider = np.flatnonzero((new_low < low) | (new_high > high))
    if len(wider):
        old, new = (low[wider], width[wider]), (new_low[wider], new_width[wider])
        widen(memory["mean_bins"], series[wider], old, new)
    memory["mean_low"][series], memory["mean_high"][series] = new_low, new_high
    place = bin_of(means, new_low, new_width, MEAN_BINS)
    known = memory["means"][series]
    here = memory["mean_bins"][series, place].astype(np.float64)
    nearby = here + _BESIDE * (near(memory["mean_bins"], series, place) - here)
    surprise = -np.log((nearby + _PRIOR) / (known + _PRIOR * MEAN_BINS))
    elapsed = np.where(memory["record_us"][series] == NONE_US, 0, now_us - memory["record_us"][series])
    record = memory["record"][series] * np.exp2(-elapsed / _HALF_LIFE_US)
    judged = (known >= MIN_MEANS) & (record > 0)
    scores = np.where(judged, _PER_RECORD * surprise / np.where(judged, record, 1.0), np.nan)
    memory["record"][series], memory["record_us"][series] = np.maximum(record, surprise), now_us
    full = np.iinfo(memory["mean_bins"].dtype).max
    memory["mean_bins"][series, place] = np.minimum(memory["mean_bins"][series, place].astype(np.int64) + 1, full)
    memory["means"][series] = np.minimum(known + 1, _MOST_MEANS)
    return scores
