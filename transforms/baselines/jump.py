"""Score how far each reading is from the one before it, in usual changes of its series.

    score = abs(value - previous) / sd,  sd = sqrt(pi / 2) · mean of the changes that are not zero

The mean is exponential in time, each change clipped at 4 sd, as of the last closed block. sqrt(pi / 2) turns a mean
absolute deviation into a standard deviation for normal changes.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import IntArray
from telemetry.rules.unusual import Unusual
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks, learned_rows
from transforms.baselines.scores import SD_OF_MEAN, Scores, one_sided
from transforms.baselines.steps import STEP_FIELDS, add_steps, changes_of, fold_steps, keep_last
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import blocks_of
from transforms.series.memory import SeriesColumns, put, take
from transforms.series.track import Track

JUMP_FIELDS: Final[Mapping[str, Any]] = {**LEARNING_FIELDS, **STEP_FIELDS}
MIN_CHANGES: Final = 50
"""Fewest changes from which the usual change is known."""

_PARTS: Final = 24
"""The half-life has at least this many blocks."""


def score_jumps(track: Track, condition: Unusual, columns: SeriesColumns, gap_us: IntArray | None) -> Scores:
    """Return the scores of a track's readings; the first reading of a series, or after a gap, has none."""
    block_us = block_length_us(condition.half_life_us, _PARTS)
    weights = Weights(condition.half_life_us, block_us)
    walk = blocks_of(track, block_us)
    changes = changes_of(track, columns, gap_us)
    size = np.abs(changes.change)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    step = np.empty(len(track))
    for one in walk:
        closing, weight = close_blocks(memory, one, weights)
        fold_steps(memory, one.number, closing, weight)
        known = memory["changes"][: one.number] >= MIN_CHANGES
        step[one.rows] = np.where(known, memory["step"][: one.number], np.nan)[one.series]
        add_steps(memory, one, size)
    changed = put(columns, walk.slots, memory)
    keep_last(track, changed)
    spread = SD_OF_MEAN * step
    score = one_sided(changes.change / spread, condition.direction)
    score[~learned_rows(track, changed, condition.learn_us)] = np.nan
    return Scores(track, score, changes.previous, spread, changed)
