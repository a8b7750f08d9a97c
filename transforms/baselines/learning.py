"""Know when a series begins, which block of it is open, and when enough of it was learned."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from transforms.baselines.weights import Weights
from transforms.series.block_walk import BlockRound, BlockWalk
from transforms.series.memory import SeriesColumns
from transforms.series.track import NONE_US, Track

LEARNING_FIELDS: Final[Mapping[str, Any]] = {"begun_us": np.int64(NONE_US), "block_us": np.int64(NONE_US)}
"""Time of the first reading, and start of the open block; microseconds UTC."""


def begin(memory: SeriesColumns, walk: BlockWalk, track: Track) -> None:
    """Note the first reading of series that had none, in place."""
    number = len(walk.slots)
    first_us = track.time_us[walk.first[:number]]
    np.copyto(memory["begun_us"], first_us, where=memory["begun_us"] == NONE_US)


def close_blocks(memory: SeriesColumns, one: BlockRound, weights: Weights) -> tuple[BoolArray, FloatArray]:
    """Return whether the open block of each series of a round closes, and with which weight; the next one is open then.

    It closes when a reading of another block comes.
    """
    open_us = memory["block_us"][: one.number]
    closing = (open_us != NONE_US) & (open_us != one.block_us)
    weight = weights.since(open_us, one.block_us)
    open_us[:] = one.block_us
    return closing, weight


def learned_rows(track: Track, columns: SeriesColumns, learn_us: int) -> BoolArray:
    """Return whether each row comes at least `learn_us` after the first reading of its series."""
    learned: BoolArray = track.time_us - columns["begun_us"][track.slot] >= learn_us
    return learned
