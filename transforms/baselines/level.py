"""Score how far each reading is from the usual value of its series, in usual deviations.

    score = abs(value - mean - hour) / max(sd, sd of changes / sqrt(2)),  sd = sqrt(pi / 2) · mean absolute distance

The offset of the hour of the day (UTC) is learned with a season only. The floor keeps the last digit of a quantised
sensor from being an event. A series that never changed has no score.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.rules.conditions import HOUR_US
from telemetry.rules.unusual import Unusual
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks
from transforms.baselines.scores import SD_OF_MEAN, SQRT_2, Scores, one_sided
from transforms.baselines.steps import STEP_FIELDS, add_steps, changes_of, fold_steps, keep_last
from transforms.baselines.usual_value import VALUE_FIELDS, add_values, fold_values, note_peaks
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import BlockRound, blocks_of
from transforms.series.memory import SeriesColumns, put, take
from transforms.series.track import Track

LEVEL_FIELDS: Final[Mapping[str, Any]] = {**LEARNING_FIELDS, **STEP_FIELDS, **VALUE_FIELDS}
SEASON_FIELDS: Final[Mapping[str, Any]] = {"hours": np.full(24, np.nan, np.float32)}
"""Offset of each hour of the day (UTC) to the usual value; NaN for an hour that was never seen."""
_DAYS: Final = 3
"""The offset of an hour is learned with a half-life of this many days."""

_PARTS: Final = 48
"""The half-life has at least this many blocks."""


def score_levels(track: Track, condition: Unusual, columns: SeriesColumns, gap_us: IntArray | None) -> Scores:
    """Return the scores of a track's readings."""
    block_us = block_length_us(condition.half_life_us, _PARTS)
    weights = Weights(condition.half_life_us, block_us)
    seasonal = _Season(condition.season is not None, block_us)
    walk = blocks_of(track, block_us)
    changes = changes_of(track, columns, gap_us)
    size = np.abs(changes.change)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    expected, spread, score = (np.empty(len(track)) for _ in range(3))
    for one in walk:
        number = one.number
        closed_us = memory["block_us"][:number].copy()
        closing, weight = close_blocks(memory, one, weights)
        fold_steps(memory, number, closing, weight)
        has, off, portion = fold_values(memory, number, closing, weight, condition.sensitivity, condition.clear)
        seasonal.fold(memory, closed_us, np.flatnonzero(has), off, portion)
        mean = memory["mean"][:number]
        np.copyto(mean, track.value[one.rows[one.begins]], where=np.isnan(mean))  # the very first block
        usual = (mean + seasonal.offset(memory, one))[one.series]
        usual_sd = SD_OF_MEAN * np.fmax(memory["deviation"][:number], memory["step"][:number] / SQRT_2)
        sd = np.where((usual_sd > 0) & ~np.isnan(memory["step"][:number]), usual_sd, np.nan)[one.series]
        distance = track.value[one.rows] - usual
        rated = one_sided(distance / sd, condition.direction)
        young = track.time_us[one.rows] - memory["begun_us"][one.series] < condition.learn_us
        rated[young] = np.nan
        expected[one.rows], spread[one.rows], score[one.rows] = usual, sd, rated
        add_steps(memory, one, size)
        add_values(memory, one.series, distance, usual_sd[one.series], single=one.single)
        note_peaks(memory, one.series, rated)
    changed = put(columns, walk.slots, memory)
    keep_last(track, changed)
    return Scores(track, score, expected, spread, changed)


class _Season:
    """The offsets of hours, if there is a season."""

    def __init__(self, given: bool, block_us: int) -> None:
        self._given = given
        # An hour comes once a day: its own time passes a 24th as fast.
        self._weight = 1.0 - 0.5 ** (block_us / (_DAYS * HOUR_US))

    def offset(self, memory: SeriesColumns, one: BlockRound) -> FloatArray:
        """Return the offset of the open block's hour, (n,)."""
        if not self._given:
            return np.zeros(one.number)
        offset = memory["hours"][np.arange(one.number), _hour(one.block_us)].astype(np.float64)
        return np.where(np.isnan(offset), 0.0, offset)

    def fold(
        self, memory: SeriesColumns, closed_us: IntArray, series: IntArray, off: FloatArray, portion: FloatArray
    ) -> None:
        """Take the mean distances `off` of closed blocks into the offsets of their hours, in place."""
        if not self._given or not len(series):
            return
        hour = _hour(closed_us[series])
        before = memory["hours"][series, hour].astype(np.float64)
        left = off[series] * (1.0 - portion[series])  # what the usual value did not take
        memory["hours"][series, hour] = np.where(np.isnan(before), left, before + self._weight * left)


def _hour(time_us: IntArray) -> IntArray:
    hour: IntArray = time_us // HOUR_US % 24
    return hour
