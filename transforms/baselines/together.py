"""Score how far several metrics of a device are from their usual values at the same time.

    score = q / usual q,  q = sqrt(mean over metrics of z²)

z is the distance of a block's mean to the usual value, in usual deviations of its metric, smoothed over blocks with a
half-life of 3; the usual q is an exponential mean like that of the usual value. A metric that is missing counts
nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import FloatArray
from telemetry.rules.unusual import Unusual
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks
from transforms.baselines.scores import CLIP, SD_OF_MEAN, Scores
from transforms.baselines.usual_value import VALUE_FIELDS, add_values, fold_values
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import blocks_of
from transforms.series.memory import SeriesColumns, put, take
from transforms.series.track import Track

_SMOOTH_BLOCKS: Final = 3
_LEAST_BLOCKS: Final = 10
"""Fewest blocks of a metric from which its usual value is known."""


def together_fields(metrics: int) -> Mapping[str, Any]:
    """Return the fields of a number of metrics: those of `VALUE_FIELDS` and the smoothed z of each, and the usual q."""
    values = {name: np.full(metrics, value, value.dtype) for name, value in VALUE_FIELDS.items()}
    own = {"z": np.zeros(metrics), "usual": np.float64("nan"), "score": np.float64("nan")}
    return {**LEARNING_FIELDS, **values, **own}


_PARTS: Final = 144
"""The half-life has at least this many blocks."""


def score_together(track: Track, values: FloatArray, condition: Unusual, columns: SeriesColumns) -> Scores:
    """Return the scores of moments of devices: each has that of the last closed block.

    Args:
        track: the moments; their own values mean nothing.
        values: (M, N) value of each metric; NaN where missing.
        condition: of the rule.
        columns: what is remembered of all devices.
    """
    block_us = block_length_us(condition.half_life_us, _PARTS)
    weights = Weights(condition.half_life_us, block_us)
    smooth = Weights(_SMOOTH_BLOCKS * block_us, block_us)
    walk = blocks_of(track, block_us)
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    by_metric = [{name: memory[name][:, number] for name in VALUE_FIELDS} for number in range(len(values))]
    score = np.empty(len(track))
    for one in walk:
        number = one.number
        closed_us = memory["block_us"][:number].copy()
        closing, weight = close_blocks(memory, one, weights)
        smoothing = smooth.since(closed_us, one.block_us)
        squares, known = np.zeros(number), np.zeros(number)
        for metric, mine in enumerate(by_metric):
            sd = SD_OF_MEAN * mine["deviation"][:number]
            has, off, _ = fold_values(mine, number, closing, weight, np.inf, np.inf)
            rated = has & (sd > 0) & (mine["blocks"][:number] >= _LEAST_BLOCKS)
            z = memory["z"][:number, metric]
            np.copyto(z, z + smoothing * (off / np.where(rated, sd, 1.0) - z), where=rated)
            squares += np.where(rated, z * z, 0.0)
            known += rated
        q = np.sqrt(squares / np.maximum(known, 1))
        usual, told = memory["usual"][:number], memory["score"][:number]
        judged = closing & (known > 0)
        np.copyto(told, np.where(judged & (usual > 0), q / np.where(usual > 0, usual, 1.0), np.nan), where=closing)
        clipped = np.fmin(q, CLIP * usual)
        np.copyto(usual, np.where(np.isnan(usual), q, usual + weight * (clipped - usual)), where=judged)
        score[one.rows] = told[one.series]
        score[one.rows[track.time_us[one.rows] - memory["begun_us"][one.series] < condition.learn_us]] = np.nan
        for metric, mine in enumerate(by_metric):
            found = values[metric, one.rows]
            here = np.flatnonzero(~np.isnan(found))
            series, mean = one.series[here], mine["mean"]
            fresh = np.isnan(mean[series])
            # The first value of a metric: the earliest one is written last.
            mean[series[fresh][::-1]] = found[here][fresh][::-1]
            sd = SD_OF_MEAN * mine["deviation"][series]
            add_values(mine, series, found[here] - mean[series], sd, single=one.single)
    nothing = np.full(len(track), np.nan)
    return Scores(track, score, nothing, nothing, put(columns, walk.slots, memory))
