"""Merge rows that lie in blocks into slices of event time, in bounded memory.

Rows are sorted by time in runs, and runs are cut into blocks. Only the blocks are loaded whose times overlap with those
of the next slice: at most one more of each run.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from transforms.incidents.rows_bytes import join_rows, with_own_devices
from transforms.incidents.watched_rows import WatchedRows

BLOCK_ROWS: Final = 32_768
SLICE_ROWS: Final = 250_000
_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True)
class TimeSlice:
    """Readings between two watermarks.

    Attributes:
        rows: all readings before the watermark that no earlier slice holds; those of equal times are in the order of
            their runs, and in a run in the order in which they were given.
        watermark_us: no later slice holds a reading before it, microseconds UTC.
    """

    rows: WatchedRows
    watermark_us: int


@dataclass(frozen=True, slots=True)
class TimeBlock(Generic[_Content]):
    """A part of a run: the earliest event time in it, microseconds UTC, and its rows or where they are."""

    first_us: int
    rows: _Content


def cut_run(rows: WatchedRows, block_rows: int = BLOCK_ROWS) -> Iterator[TimeBlock[WatchedRows]]:
    """Yield rows, which are given in any order, as the blocks of a run."""
    if (rows.event_us[1:] < rows.event_us[:-1]).any():
        rows = rows.select(np.argsort(rows.event_us, kind="stable"))
    for start in range(0, len(rows), block_rows):
        block = with_own_devices(rows.part(start, start + block_rows))
        yield TimeBlock(int(block.event_us[0]), block)


def merge_runs(
    runs: Sequence[Sequence[TimeBlock[_Content]]],
    load: Callable[[_Content], WatchedRows],
    metrics: tuple[str, ...],
    end_us: int,
    slice_rows: int = SLICE_ROWS,
) -> Iterator[TimeSlice]:
    """Yield the rows of all runs by event time.

    Args:
        runs: each of at least one block, in the order in which rows of equal times count.
        load: returns the rows of a block.
        metrics: of the slices.
        end_us: watermark of the last slice, microseconds UTC, behind all rows.
        slice_rows: about how many rows a slice holds.
    """
    queue = [(run[0].first_us, number, 0) for number, run in enumerate(runs)]
    heapq.heapify(queue)
    waiting: dict[int, list[WatchedRows]] = {}
    held, enough = 0, slice_rows
    while queue:
        _, number, index = heapq.heappop(queue)
        run = runs[number]
        waiting.setdefault(number, []).append(load(run[index].rows))
        held += len(waiting[number][-1])
        if index + 1 < len(run):
            heapq.heappush(queue, (run[index + 1].first_us, number, index + 1))
        if queue and held < enough:
            continue
        watermark_us = queue[0][0] if queue else end_us
        ready, waiting = _divide(waiting, watermark_us, metrics)
        held -= len(ready)
        enough = held + slice_rows
        if len(ready):
            yield TimeSlice(ready, watermark_us)


def _divide(
    waiting: dict[int, list[WatchedRows]], watermark_us: int, metrics: tuple[str, ...]
) -> tuple[WatchedRows, dict[int, list[WatchedRows]]]:
    """Return the rows before a watermark, and the others by run."""
    ready: list[WatchedRows] = []
    rest: dict[int, list[WatchedRows]] = {}
    for number, parts in sorted(waiting.items()):
        for part in parts:
            place = int(np.searchsorted(part.event_us, watermark_us))  # a run is sorted
            if place:
                ready.append(part.part(0, place))
            if place < len(part):
                rest.setdefault(number, []).append(part.part(place, len(part)))
    return join_rows(ready, metrics), rest
