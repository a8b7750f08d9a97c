"""Put readings into event-time order, in bounded memory.

Readings are collected in runs. A run is sorted by time; all but the last one wait on the disk in blocks. The runs are
merged block by block.
"""

import contextlib
import heapq
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from transforms.incidents.rows_bytes import ShardRows, decode_shard_rows, encode_shard_rows, join_rows, with_own_devices
from transforms.incidents.track import NONE_US
from transforms.incidents.watched_rows import WatchedRows
from transforms.shuffle.spill import Spill, Spilled

RUN_ROWS: Final = 2_000_000
BLOCK_ROWS: Final = 32_768
SLICE_ROWS: Final = 250_000


@dataclass(frozen=True, slots=True)
class TimeSlice:
    """Readings between two watermarks.

    Attributes:
        rows: all readings before the watermark that no earlier slice holds; those of equal times are in the order in
            which they were added.
        watermark_us: no later slice holds a reading before it, microseconds UTC.
    """

    rows: WatchedRows
    watermark_us: int


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows of a sorted run, in memory or on the disk, and the earliest event time of them."""

    first_us: int
    rows: WatchedRows | Spilled


class TimeOrder:
    """Readings that are added in any order and given back in slices of event time. Use it in a ``with`` statement.

    Attributes:
        readings: how many were added.
        devices: names of their devices.
        first_us: earliest event time, microseconds UTC; `NONE_US` without a reading.
        last_us: latest event time, microseconds UTC; `NONE_US` without a reading.
    """

    def __init__(self, metrics: tuple[str, ...], *, run_rows: int = RUN_ROWS, block_rows: int = BLOCK_ROWS) -> None:
        """Take the metrics of all readings, and how many readings are sorted in memory and loaded at a time."""
        self.readings = 0
        self.devices: set[str] = set()
        self.first_us = self.last_us = NONE_US
        self._metrics, self._run_rows, self._block_rows = metrics, run_rows, block_rows
        self._parts: list[WatchedRows] = []
        self._held = 0
        self._runs: list[list[_Block]] = []
        self._spill: Spill | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> "TimeOrder":
        return self

    def __exit__(self, *_: Any) -> None:
        """Remove what waits on the disk."""
        self._resources.close()

    def add(self, rows: WatchedRows) -> None:
        """Add readings.

        Raises:
            OutputError: if they do not fit on the disk.
        """
        if not len(rows):
            return
        first_us, last_us = int(rows.event_us.min()), int(rows.event_us.max())
        self.first_us = first_us if self.first_us == NONE_US else min(self.first_us, first_us)
        self.last_us = max(self.last_us, last_us)
        self.readings += len(rows)
        self.devices.update(rows.devices)
        self._parts.append(rows)
        self._held += len(rows)
        if self._held >= self._run_rows:
            self._end_run(on_disk=True)

    def slices(self, slice_rows: int = SLICE_ROWS) -> Iterator[TimeSlice]:
        """Yield all readings by event time; the last watermark is one microsecond after the last reading.

        Args:
            slice_rows: about how many readings a slice holds.
        """
        self._end_run(on_disk=False)
        queue = [(run[0].first_us, number, 0) for number, run in enumerate(self._runs)]
        heapq.heapify(queue)
        waiting: dict[int, list[WatchedRows]] = {}
        held, enough = 0, slice_rows
        while queue:
            _, number, index = heapq.heappop(queue)
            run = self._runs[number]
            waiting.setdefault(number, []).append(self._load(run[index]))
            held += len(waiting[number][-1])
            if index + 1 < len(run):
                heapq.heappush(queue, (run[index + 1].first_us, number, index + 1))
            if queue and held < enough:
                continue
            watermark_us = queue[0][0] if queue else self.last_us + 1
            ready = join_rows(
                [part.select(part.event_us < watermark_us) for _, parts in sorted(waiting.items()) for part in parts],
                self._metrics,
            )
            rest = {key: [part.select(part.event_us >= watermark_us) for part in waiting[key]] for key in waiting}
            waiting = {key: kept for key, parts in rest.items() if (kept := [part for part in parts if len(part)])}
            held -= len(ready)
            enough = held + slice_rows
            if len(ready):
                yield TimeSlice(ready, watermark_us)

    def _load(self, block: _Block) -> WatchedRows:
        if isinstance(block.rows, WatchedRows):
            return block.rows
        assert self._spill is not None, "a block on the disk was written there"
        return decode_shard_rows(self._spill.get(block.rows)).rows

    def _end_run(self, *, on_disk: bool) -> None:
        """Sort the readings that are held, and keep them as a run."""
        if not self._parts:
            return
        rows = join_rows(self._parts, self._metrics)
        self._parts, self._held = [], 0
        order = np.argsort(rows.event_us, kind="stable")
        cuts = range(0, len(order), self._block_rows)
        blocks = (with_own_devices(rows.select(order[start : start + self._block_rows])) for start in cuts)
        self._runs.append([self._block(block, on_disk=on_disk) for block in blocks])

    def _block(self, rows: WatchedRows, *, on_disk: bool) -> _Block:
        first_us = int(rows.event_us[0])
        if not on_disk:
            return _Block(first_us, rows)
        if self._spill is None:
            folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-backtest-"))
            self._spill = Spill(folder)
            self._resources.callback(self._spill.close)
        return _Block(first_us, self._spill.put(encode_shard_rows(ShardRows(rows, NONE_US))))
