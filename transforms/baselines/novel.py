"""Score how rare values like a reading's are for its series.

    score = log10(values so far / values nearby)

Nearby is the bin of the value and the two beside it, of 64 bins over the range of all values so far; for a value that
lies outside by less than a bin, everything is nearby. Where nothing is, a hundredth of a reading counts, so that a
score of 4 needs one in 10,000 readings nearby, or none after 100. Values are counted when their block of an hour
closes.

With a span, the running mean of closed blocks is judged likewise at the first value of the next one. It forgets half of
itself in the span, or in 12 values if that is longer. Its surprise and its score are

    s = -ln((nearby + 0.2) / (means so far + 0.2 · 32)),  score = 4 · s / (1.2 · r)

in 32 bins, where the two beside a mean count half; r is the largest surprise so far, which loses half of itself in 28
days. A mean is unusual if it is rarer by a fifth than any before.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from telemetry.rules.unusual import Unusual
from transforms.baselines.histogram import add, bin_of, move, near, widen
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks
from transforms.baselines.outside_values import OutsideValues
from transforms.baselines.scores import Scores
from transforms.baselines.slow_means import MIN_VALUES, close_means
from transforms.baselines.weights import Weights
from transforms.series.block_walk import blocks_of
from transforms.series.memory import SeriesColumns, add_in_order, put, take
from transforms.series.track import NONE_US, RowArray, Track, starts_of

BINS: Final = 64
NOVEL_FIELDS: Final[Mapping[str, Any]] = {
    **LEARNING_FIELDS,
    "low": np.float64("nan"),
    "high": np.float64("nan"),
    "bins": np.zeros(BINS, np.uint16),
    "values": np.float64(0.0),
    "open_bins": np.zeros(BINS, np.uint8),
    "open_values": np.int32(0),
}
"""Range, bins and number of the values of closed blocks; bins over that range, and number, of those of the open one."""
_BLOCK_US: Final = 3_600_000_000
_UNSEEN: Final = 0.01
_UNIT: Final = 64
"""A value counts this much in its bin, and less as it ages."""
_FULL: Final = np.iinfo(np.uint16).max // _UNIT
"""Number of values from which a bin may be full."""
_AGES: Final = 8
"""In how many steps a half-life passes."""
_REMAINS: Final = np.array([0.5 ** (steps / _AGES) for steps in range(16 * _AGES + 1)])


def score_novelty(
    track: Track, condition: Unusual, columns: SeriesColumns, outside: OutsideValues
) -> tuple[Scores, OutsideValues]:
    """Return the scores of a track's values; what is expected is the nearest value known, its spread one bin.

    Args:
        track: values of S series.
        condition: of the rule.
        columns: what is remembered of all series.
        outside: values of open blocks that lie outside of the range of closed ones, by slot.

    Returns:
        The scores, and the values that lie outside now.
    """
    walk = blocks_of(track, _BLOCK_US)
    weights = Weights(condition.half_life_us, _BLOCK_US)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    of_span = Weights(condition.span_us, _BLOCK_US, MIN_VALUES) if condition.span_us else None
    value, score = track.value.copy(), np.empty(len(track))
    expected, spread = np.full(len(track), np.nan), np.full(len(track), np.nan)
    waiting, others = outside.of(walk.slots)
    for one in walk:
        number, here = one.number, one.rows
        closed_us = memory["block_us"][:number].copy()
        closing, _ = close_blocks(memory, one, weights)
        _age(memory, closed_us, one.block_us, condition.half_life_us)
        if of_span is not None:
            mean, mean_score = close_means(memory, closing, closed_us, one.block_us, of_span)
        ending, waiting = waiting.divide(closing)
        _fold(memory, closing, ending)
        mine = track.value[here]
        low, high = memory["low"][one.series], memory["high"][one.series]
        width = (high - low) / BINS
        place = bin_of(mine, low, width, BINS)
        inside = (mine >= low) & (mine <= high)
        total = memory["values"][one.series]
        beyond = np.maximum(low - mine, mine - high)
        nearby = np.where(inside, near(memory["bins"], one.series, place) / _UNIT, np.where(beyond <= width, total, 0))
        rated = np.log10(np.maximum(total, 1.0) / np.maximum(nearby, _UNSEEN))
        rated[total == 0] = np.nan
        told = np.flatnonzero(rated > condition.sensitivity)
        if len(told):
            expected[here[told]] = _nearest(memory, one.series[told], mine[told])
            spread[here[told]] = width[told]
        if of_span is not None:
            rarer = np.flatnonzero(mean_score > np.nan_to_num(rated[one.begins], nan=-np.inf))
            row = one.begins[rarer]
            rated[row], value[here[row]] = mean_score[rarer], mean[rarer]
            expected[here[row]] = spread[here[row]] = np.nan
            add_in_order(memory["open_sum"], one.series, mine, single=one.single)
        rated[track.time_us[here] - memory["begun_us"][one.series] < condition.learn_us] = np.nan
        score[here] = rated
        add(memory["open_bins"], one.series[inside], place[inside])
        add_in_order(memory["open_values"], one.series, 1, single=one.single)
        waiting = waiting.joined(OutsideValues(one.series[~inside], mine[~inside]))
    judged = Track(track.slot, track.time_us, value, track.starts, track.ends, track.series)
    scores = Scores(judged, score, expected, spread, put(columns, walk.slots, memory))
    return scores, others.joined(OutsideValues(walk.slots[waiting.series], waiting.values)).in_order()


def _age(memory: SeriesColumns, closed_us: IntArray, now_us: IntArray, half_life_us: int) -> None:
    """Let what the first series know count less, for the time since their last block, in place."""
    step_us = max(half_life_us // _AGES, 1)
    steps = np.where(closed_us == NONE_US, 0, now_us // step_us - closed_us // step_us)
    series = np.flatnonzero(steps)
    if len(series):
        remains = _REMAINS[np.minimum(steps[series], len(_REMAINS) - 1)]
        memory["bins"][series] = memory["bins"][series] * remains[:, None]
        memory["values"][series] *= remains


def _fold(memory: SeriesColumns, closing: BoolArray, outside: OutsideValues) -> None:
    """Take the open blocks of series that close, and their values outside of the range, into what is known."""
    move(memory["open_bins"], memory["bins"], closing, _UNIT)
    if len(outside.series):
        outside = outside.in_order()
        wider = outside.series[starts_of(outside.series)]
        low, high = memory["low"][wider], memory["high"][wider]
        np.fmin.at(memory["low"], outside.series, outside.values)
        np.fmax.at(memory["high"], outside.series, outside.values)
        new_low, new_high = memory["low"][wider], memory["high"][wider]
        widen(memory["bins"], wider, (low, (high - low) / BINS), (new_low, (new_high - new_low) / BINS))
        low, high = memory["low"][outside.series], memory["high"][outside.series]
        add(memory["bins"], outside.series, bin_of(outside.values, low, (high - low) / BINS, BINS), _UNIT)
    number = len(closing)
    values, count = memory["values"][:number], memory["open_values"][:number]
    np.copyto(values, values + count, where=closing)
    np.copyto(count, 0, where=closing)
    full = np.flatnonzero(closing & (values > _FULL))
    if len(full):  # what a full bin does not count must not make the others rare
        values[full] = np.minimum(values[full], memory["bins"][full].sum(axis=1) / _UNIT)


def _nearest(memory: SeriesColumns, series: RowArray, values: FloatArray) -> FloatArray:
    """Return the known value that is nearest to each value (K,) of a series (K,)."""
    low, high = memory["low"][series], memory["high"][series]
    centres = low[:, None] + (np.arange(BINS) + 0.5) * ((high - low) / BINS)[:, None]
    apart = np.where(memory["bins"][series] > 0, np.abs(centres - values[:, None]), np.inf)
    nearest: FloatArray = centres[np.arange(len(series)), np.argmin(apart, axis=1)]
    return nearest
