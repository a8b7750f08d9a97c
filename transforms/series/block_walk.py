"""Walk through the readings of many series in blocks of event time, one block of each series at a time.

A reading is judged by what closed blocks taught, and a block is closed when a reading of a later block comes. The
answer therefore does not depend on how readings are divided into calls, as long as what is kept of an open block is
added up reading by reading.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import IntArray
from transforms.series.track import RowArray, Track, flat_ranges, starts_of


@dataclass(frozen=True, slots=True)
class BlockRound:
    """One block of each of the first n series in the order of a `BlockWalk`.

    Attributes:
        number: how many series, n.
        block_us: (n,) start of the block, microseconds UTC.
        rows: (R,) rows of the track, block after block.
        series: (R,) series of each of these rows, 0 to n - 1 in the order of the walk.
        begins: (n,) where the rows of each block begin among `rows`.
    """

    number: int
    block_us: IntArray
    rows: RowArray
    series: RowArray
    begins: RowArray

    @property
    def single(self) -> bool:
        """Whether each series has one row."""
        return len(self.rows) == self.number


@dataclass(frozen=True, slots=True)
class BlockWalk:
    """The blocks of a track's readings.

    Attributes:
        slots: (S,) slot of each series, those with the most blocks first. A round is about the first ones.
        rounds: as many as the series with the most blocks has.
        first: (K,) first row of each block.
        end: (K,) row after the last one of each block.
        block_us: (K,) start of each block, microseconds UTC.
        ends: number of blocks up to the end of each round.
    """

    slots: RowArray
    first: RowArray
    end: RowArray
    block_us: IntArray
    ends: RowArray

    def __iter__(self) -> Iterator[BlockRound]:
        """Yield the blocks round by round: the first block of every series, then the second ones, and so on."""
        rows, begins = flat_ranges(self.first, self.end)
        row_ends = np.append(begins[1:], len(rows))
        start = 0
        for end in self.ends.tolist():
            number = end - start
            here = begins[start:end] - begins[start]
            last = int(row_ends[end - 1])
            lengths = row_ends[start:end] - begins[start:end]
            yield BlockRound(
                number,
                self.block_us[start:end],
                rows[begins[start] : last],
                np.repeat(np.arange(number), lengths),
                here,
            )
            start = end


def blocks_of(track: Track, block_us: int) -> BlockWalk:
    """Return the blocks of a track's readings, each `block_us` long and beginning at a multiple of it since 1970."""
    of_row = track.time_us // block_us
    first = starts_of(track.slot, of_row)
    end = np.append(first[1:], len(track)) if len(first) else first
    series = track.series[first]
    counts = np.bincount(series, minlength=len(track.starts))
    ranked = np.argsort(-counts, kind="stable")
    rank = np.empty(len(ranked), np.intp)
    rank[ranked] = np.arange(len(ranked))
    ordinal = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = np.cumsum(np.bincount(ordinal)) if len(first) else np.empty(0, np.intp)
    # A round has the series that still have a block, which rank first: each has its place, and nothing is to be sorted.
    order = np.empty(len(first), np.intp)
    order[np.append(0, ends[:-1])[ordinal] + rank[series]] = np.arange(len(first))
    return BlockWalk(track.slots[ranked], first[order], end[order], of_row[first[order]] * block_us, ends)
