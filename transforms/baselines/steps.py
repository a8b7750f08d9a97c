"""Learn the usual change of a series between one reading and the next.

The usual change is the mean of the changes that are not zero. A quantised sensor repeats its value most of the time;
with the zeros its usual change would be next to nothing, and each step of its last digit an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from transforms.baselines.scores import CLIP, SD_OF_MEAN
from transforms.series.block_walk import BlockRound
from transforms.series.memory import SeriesColumns, add_in_order
from transforms.series.track import NONE_US, Track, before

STEP_FIELDS: Final[Mapping[str, Any]] = {
    "previous": np.float64("nan"),
    "previous_us": np.int64(NONE_US),
    "step": np.float64("nan"),
    "changes": np.int32(0),
    "step_sum": np.float64(0.0),
    "step_number": np.int32(0),
}
"""Value and time of the reading before; mean change of closed blocks and how many; sum and number of the open one's."""
_MOST_CHANGES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes between consecutive readings.

    Attributes:
        previous: (N,) value of the reading before; NaN for the first one, or after a gap.
        change: (N,) difference to it; NaN where there is none.
    """

    previous: FloatArray
    change: FloatArray


def changes_of(track: Track, columns: SeriesColumns, gap_us: IntArray | None) -> Changes:
    """Return the changes of a track's readings.

    Args:
        track: readings of S series.
        columns: what is remembered of all series.
        gap_us: (A,) longest time between two readings that are compared; None without a limit.
    """
    slots = track.slots
    previous = before(track.value, track, columns["previous"][slots])
    if gap_us is not None:
        elapsed = track.time_us - before(track.time_us, track, columns["previous_us"][slots])
        previous = np.where(elapsed <= gap_us[track.slot], previous, np.nan)
    return Changes(previous, track.value - previous)


def keep_last(track: Track, changed: SeriesColumns) -> None:
    """Keep the last reading of each series in columns that are changed in place."""
    slots, last = track.slots, track.ends - 1
    changed["previous"][slots], changed["previous_us"][slots] = track.value[last], track.time_us[last]


def fold_steps(memory: SeriesColumns, number: int, closing: BoolArray, weight: FloatArray) -> None:
    """Take the changes of blocks that close into the usual change of the first `number` series, in place.

    Args:
        memory: of the series of a walk.
        number: how many series a round is about.
        closing: (number,) whether the open block closes.
        weight: (number,) of that block. Before that many changes are known, all of them weigh the same.
    """
    step, changes = memory["step"][:number], memory["changes"][:number]
    total, count = memory["step_sum"][:number], memory["step_number"][:number]
    has = closing & (count > 0)
    if has.any():
        mean = total / np.maximum(count, 1)
        known = changes > 0
        portion = np.maximum(weight, count / np.maximum(changes + count, 1))
        np.copyto(step, np.where(known, step + portion * (mean - step), mean), where=has)
        np.copyto(changes, np.minimum(changes + count, _MOST_CHANGES), where=has)
        total[has], count[has] = 0.0, 0


def add_steps(memory: SeriesColumns, one: BlockRound, size: FloatArray) -> None:
    """Add the changes of a round's rows to their open blocks, in place; `size` (N,) is that of each row."""
    mine = size[one.rows]
    moved = mine > 0
    if moved.any():
        series, mine = one.series[moved], mine[moved]
        limit = CLIP * SD_OF_MEAN * memory["step"][series]
        add_in_order(memory["step_sum"], series, np.fmin(mine, limit), single=one.single)
        add_in_order(memory["step_number"], series, 1, single=one.single)
