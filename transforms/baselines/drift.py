"""Score how far the last minutes of a series are from its last hours.

    score = abs(fast - slow) / max(sd, sd of changes / sqrt(2)),  sd = sqrt(pi / 2) · mean of abs(fast - slow)

Both are exponential means of blocks: `slow` forgets half of itself in the half-life, or in 360 readings if that is
longer, `fast` in 1/30 of it. A reading counts as at most twice as far from `slow` as the score needs, so that a spike
is no drift. The distance of both is clipped at 4 sd before it teaches, and teaches a tenth while the series drifts. The
first 360 readings only teach.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.rules.unusual import Unusual
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks
from transforms.baselines.scores import CLIP, SD_OF_MEAN, SQRT_2, Scores, one_sided
from transforms.baselines.steps import STEP_FIELDS, add_steps, changes_of, fold_steps, keep_last
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import BlockRound, blocks_of
from transforms.series.memory import SeriesColumns, add_in_order, put, take
from transforms.series.track import Track

DRIFT_FIELDS: Final[Mapping[str, Any]] = {
    **LEARNING_FIELDS,
    **STEP_FIELDS,
    "fast": np.float64("nan"),
    "slow": np.float64("nan"),
    "distance": np.float64("nan"),
    "scale": np.float64("nan"),
    "blocks": np.int32(0),
    "first": np.float64("nan"),
    "sum": np.float64(0.0),
    "number": np.int32(0),
    "known": np.int32(0),
}
"""Means of the last minutes and hours, usual distance between them, that without the last closed block, and number of
closed blocks; of the open block the first value, the sum of the distances to it, and the number of readings; number of
readings of closed blocks."""
FASTER: Final = 30
"""The half-life of the last hours, in half-lives of the last minutes."""
MIN_READINGS: Final = 360
"""The last hours are at least this many readings: of a device that sends rarely, some hours would be noise."""
_FEWEST: Final = MIN_READINGS
"""Fewest readings from which the last hours are known."""
_SCALE: Final = 6
"""The half-life of the usual distance, in half-lives of the last hours."""
_SLOWER: Final = 0.1
_REACH: Final = 2.0
_MOST: Final = 1 << 30


def score_drifts(track: Track, condition: Unusual, columns: SeriesColumns, gap_us: IntArray | None) -> Scores:
    """Return the scores of a track's readings: each has that of the last closed block, whose mean is what is judged."""
    weights = _DriftWeights(condition.half_life_us)
    walk = blocks_of(track, weights.block_us)
    changes = changes_of(track, columns, gap_us)
    size = np.abs(changes.change)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    minutes, expected, spread, score = (np.empty(len(track)) for _ in range(4))
    for one in walk:
        number, here, series = one.number, one.rows, one.series
        apart, sd = _fold(memory, one, weights, condition)
        slow = memory["slow"][:number]
        with np.errstate(invalid="ignore", divide="ignore"):
            rated = one_sided(apart / np.where(sd > 0, sd, np.nan), condition.direction)
        minutes[here] = memory["fast"][:number][series]
        expected[here], spread[here], score[here] = slow[series], sd[series], rated[series]
        young = track.time_us[here] - memory["begun_us"][series] < condition.learn_us
        score[here[young | (memory["known"][series] < _FEWEST)]] = np.nan
        add_steps(memory, one, size)
        reach = (_REACH * condition.sensitivity * np.where(sd > 0, sd, np.nan))[series]
        value = np.fmax(np.fmin(track.value[here], slow[series] + reach), slow[series] - reach)
        first = memory["first"][:number]
        np.copyto(first, value[one.begins], where=memory["number"][:number] == 0)
        add_in_order(memory["sum"], series, value - first[series], single=one.single)
        add_in_order(memory["number"], series, 1, single=one.single)
    changed = put(columns, walk.slots, memory)
    keep_last(track, changed)
    judged = np.where(np.isnan(minutes), track.value, minutes)
    return Scores(replace(track, value=judged), score, expected, spread, changed)


class _DriftWeights:
    """Weights of a block for the last minutes, the last hours, and the usual distance between them."""

    def __init__(self, half_life_us: int) -> None:
        self.block_us = block_length_us(half_life_us, FASTER)
        self.fast = Weights(max(half_life_us // FASTER, 1), self.block_us, MIN_READINGS // FASTER)
        self.slow = Weights(half_life_us, self.block_us, MIN_READINGS)
        self.scale = Weights(_SCALE * half_life_us, self.block_us, _SCALE * MIN_READINGS)


def _fold(
    memory: SeriesColumns, one: BlockRound, weights: _DriftWeights, condition: Unusual
) -> tuple[FloatArray, FloatArray]:
    """Take the blocks that close into the means, in place.

    Returns:
        How far the last minutes are from the last hours (n,), and the standard deviation (n,) that this is judged by.
    """
    number = one.number
    closed_us = memory["block_us"][:number].copy()
    closing, weight = close_blocks(memory, one, weights.slow)
    fold_steps(memory, number, closing, weight)
    fast, slow, distance, scale = (memory[name][:number] for name in ("fast", "slow", "distance", "scale"))
    blocks, count, total = (memory[name][:number] for name in ("blocks", "number", "sum"))
    has, begun = closing & (count > 0), blocks > 0
    mean = memory["first"][:number] + total / np.maximum(count, 1)
    even = 1.0 / (blocks + 1.0)
    for running, some in ((slow, weights.slow), (fast, weights.fast)):
        portion = np.maximum(some.of(closed_us, one.block_us, count), even)
        np.copyto(running, np.where(begun, running + portion * (mean - running), mean), where=has)
    apart = fast - slow
    np.copyto(scale, distance, where=has)  # remembered: further readings of the open block may come in another call
    sd = SD_OF_MEAN * np.fmax(scale, memory["step"][:number] / SQRT_2)
    known = memory["known"][:number]
    np.copyto(known, np.minimum(known + count, _MOST), where=has)
    learned = (one.block_us - memory["begun_us"][:number] >= condition.learn_us) & (known >= _FEWEST)
    slower = np.where(learned & (np.abs(apart) > condition.sensitivity * sd), _SLOWER, 1.0)
    # At first both means are the same: at a limit of 0 their distance would never be learned.
    clipped = np.fmin(np.abs(apart), np.where(distance > 0, CLIP * SD_OF_MEAN * distance, np.inf))
    portion = np.maximum(weights.scale.of(closed_us, one.block_us, count), even) * slower
    usual = np.where(np.isnan(distance), np.abs(apart), distance + portion * (clipped - distance))
    np.copyto(distance, usual, where=has & begun)
    np.copyto(blocks, np.minimum(blocks + 1, _MOST), where=has)
    for column in (total, count):
        np.copyto(column, 0, where=closing)
    return apart, sd
