"""Score how far the last minutes of a series are from its last hours.

    score = abs(fast - slow) / max(sd, sd of changes),  sd = sqrt(pi / 2) · mean of abs(fast - slow)

Both are exponential means of blocks: `slow` forgets half of itself in the half-life, or in 360 readings if that is
longer, `fast` in 1/30 of it. Their distance is clipped at
4 sd before it counts, and counts a tenth while the series drifts.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import IntArray
from telemetry.rules.unusual import Unusual
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks
from transforms.baselines.scores import CLIP, SD_OF_MEAN, Scores, one_sided
from transforms.baselines.steps import STEP_FIELDS, add_steps, changes_of, fold_steps, keep_last
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import blocks_of
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
}
"""Means of the last minutes and hours, usual distance between them, that without the last closed block, and number of
closed blocks; of the open block the first value, the sum of the distances to it, and the number of readings."""
FASTER: Final = 30
"""The half-life of the last hours, in half-lives of the last minutes."""
MIN_READINGS: Final = 360
"""The last hours are at least this many readings: of a device that sends rarely, some hours would be noise."""
_SCALE: Final = 6
"""The half-life of the usual distance, in half-lives of the last hours."""
_SLOWER: Final = 0.1
_MOST_BLOCKS: Final = 1 << 30


def score_drifts(track: Track, condition: Unusual, columns: SeriesColumns, gap_us: IntArray | None) -> Scores:
    """Return the scores of a track's readings: each has that of the last closed block."""
    half_life_us = condition.half_life_us
    block_us = block_length_us(half_life_us, FASTER)
    of_slow = Weights(half_life_us, block_us, MIN_READINGS)
    of_scale = Weights(_SCALE * half_life_us, block_us, _SCALE * MIN_READINGS)
    of_fast = Weights(max(half_life_us // FASTER, 1), block_us, MIN_READINGS // FASTER)
    walk = blocks_of(track, block_us)
    changes = changes_of(track, columns, gap_us)
    size = np.abs(changes.change)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    expected, spread, score = (np.empty(len(track)) for _ in range(3))
    for one in walk:
        number = one.number
        closed_us = memory["block_us"][:number].copy()
        closing, weight = close_blocks(memory, one, of_slow)
        fold_steps(memory, number, closing, weight)
        fast, slow, distance = memory["fast"][:number], memory["slow"][:number], memory["distance"][:number]
        blocks, count = memory["blocks"][:number], memory["number"][:number]
        total, first = memory["sum"][:number], memory["first"][:number]
        has = closing & (count > 0)
        mean = first + total / np.maximum(count, 1)
        even = 1.0 / (blocks + 1.0)
        begun = blocks > 0
        gradual = np.maximum(of_slow.of(closed_us, one.block_us, count), even)
        np.copyto(slow, np.where(begun, slow + gradual * (mean - slow), mean), where=has)
        quick = np.maximum(of_fast.of(closed_us, one.block_us, count), even)
        np.copyto(fast, np.where(begun, fast + quick * (mean - fast), mean), where=has)
        apart = fast - slow
        scale = memory["scale"][:number]
        np.copyto(scale, distance, where=has)  # remembered: further readings of the open block may come in another call
        sd = SD_OF_MEAN * np.fmax(scale, memory["step"][:number])
        drifting = np.abs(apart) > condition.sensitivity * sd
        # At first both means are the same: at a limit of 0 their distance would never be learned.
        clipped = np.fmin(np.abs(apart), np.where(distance > 0, CLIP * SD_OF_MEAN * distance, np.inf))
        portion = np.maximum(of_scale.of(closed_us, one.block_us, count), even) * np.where(drifting, _SLOWER, 1.0)
        usual = np.where(np.isnan(distance), np.abs(apart), distance + portion * (clipped - distance))
        np.copyto(distance, usual, where=has & begun)
        np.copyto(blocks, np.minimum(blocks + 1, _MOST_BLOCKS), where=has)
        for column in (total, count):
            np.copyto(column, 0, where=closing)
        np.copyto(first, track.value[one.rows[one.begins]], where=count == 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            rated = one_sided(apart / np.where(sd > 0, sd, np.nan), condition.direction)
        expected[one.rows], spread[one.rows], score[one.rows] = slow[one.series], sd[one.series], rated[one.series]
        young = track.time_us[one.rows] - memory["begun_us"][one.series] < condition.learn_us
        score[one.rows[young]] = np.nan
        add_steps(memory, one, size)
        off = track.value[one.rows] - memory["first"][one.series]
        add_in_order(memory["sum"], one.series, off, single=one.single)
        add_in_order(memory["number"], one.series, 1, single=one.single)
    changed = put(columns, walk.slots, memory)
    keep_last(track, changed)
    return Scores(track, score, expected, spread, changed)
