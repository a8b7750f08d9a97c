"""Score how often the reading of a series repeats, by how often its readings ever did.

    score = readings in a row / max(10, 2 · longest run, ln(1e-6) / ln(p))

p is the share of readings that repeat the one before: a run so long has a chance of 1 in a million. The longest run
loses half of itself in the half-life. A run that was unusual teaches at most 1.25 times the longest one before, or the
second fault of a sensor would be usual.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from telemetry.rules.unusual import LearnedStuck
from transforms.baselines.learning import LEARNING_FIELDS, begin, close_blocks, learned_rows
from transforms.baselines.scores import Scores
from transforms.baselines.weights import Weights, block_length_us
from transforms.series.block_walk import blocks_of
from transforms.series.memory import SeriesColumns, add_in_order, put, take
from transforms.series.track import Track, before, latest

STUCK_FIELDS: Final[Mapping[str, Any]] = {
    **LEARNING_FIELDS,
    "previous": np.float64("nan"),
    "run": np.int32(0),
    "longest": np.float64(0.0),
    "repeats": np.float64(0.0),
    "blocks": np.int32(0),
    "open_longest": np.float64(0.0),
    "open_repeats": np.int32(0),
    "open_number": np.int32(0),
}
"""Last value and how often it came in a row; longest run, share of repetitions, and number of closed blocks; longest
run that ended in the open block, its repetitions, and its readings."""
FEWEST: Final = 10
_TIMES: Final = 2.0
_CHANCE: Final = float(np.log(1e-6))
_GROWTH: Final = 1.25
_MOST: Final = 1 << 30

_PARTS: Final = 24
"""The half-life has at least this many blocks."""


def score_repeats(track: Track, condition: LearnedStuck, columns: SeriesColumns) -> Scores:
    """Return the scores of a track's readings: 1 where a run is as long as runs can be."""
    block_us = block_length_us(condition.half_life_us, _PARTS)
    weights = Weights(condition.half_life_us, block_us)
    walk = blocks_of(track, block_us)
    slots, last = track.slots, track.ends - 1
    previous = before(track.value, track, columns["previous"][slots])
    repeats = track.value == previous
    began = latest(~repeats)
    row = np.arange(len(track))
    carried = columns["run"][slots][track.series] + (row - track.heads + 1)
    run = np.where(began >= track.heads, row - began + 1, carried)
    ended = np.where(repeats, 0, before(run, track, columns["run"][slots]))
    memory = take(columns, walk.slots)
    begin(memory, walk, track)
    score = np.empty(len(track))
    for one in walk:
        number = one.number
        closing, weight = close_blocks(memory, one, weights)
        _fold(memory, number, closing, weight)
        longest, share = memory["longest"][:number], memory["repeats"][:number]
        with np.errstate(divide="ignore"):
            rare = np.where(share < 1.0, _CHANCE / np.log(share), np.inf)
        limit = np.maximum(np.maximum(FEWEST, _TIMES * longest), rare)
        limit[memory["blocks"][:number] == 0] = np.nan
        here, series = one.rows, one.series
        score[here] = run[here] / limit[series]
        over = ended[here] > limit[series]
        taught = np.where(over, np.minimum(ended[here], _GROWTH * longest[series]), ended[here])
        np.maximum.at(memory["open_longest"], series, taught)
        add_in_order(memory["open_repeats"], series, repeats[here].astype(np.int32), single=one.single)
        add_in_order(memory["open_number"], series, 1, single=one.single)
    changed = put(columns, walk.slots, memory)
    changed["previous"][slots], changed["run"][slots] = track.value[last], np.minimum(run[last], _MOST)
    score[~learned_rows(track, changed, condition.learn_us)] = np.nan
    nothing = np.full(len(track), np.nan)
    return Scores(track, score, nothing, nothing, changed, moved=~repeats)


def _fold(memory: SeriesColumns, number: int, closing: BoolArray, weight: FloatArray) -> None:
    """Take the runs of blocks that close into what is known of the first series, in place."""
    longest, share, blocks = memory["longest"][:number], memory["repeats"][:number], memory["blocks"][:number]
    found, count = memory["open_longest"][:number], memory["open_number"][:number]
    repeated = memory["open_repeats"][:number]
    np.copyto(longest, np.maximum(longest * (1.0 - weight), found), where=closing)
    portion = np.maximum(weight, 1.0 / (blocks + 1.0))
    np.copyto(share, share + portion * (repeated / np.maximum(count, 1) - share), where=closing)
    np.copyto(blocks, np.minimum(blocks + 1, _MOST), where=closing)
    for column in (found, count, repeated):
        np.copyto(column, 0, where=closing)
