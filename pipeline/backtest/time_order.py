"""Put readings into event-time order, in bounded memory.

Readings are collected in runs. A run is sorted by time; all but the last one wait on the disk in blocks.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from typing import Any, Final

from transforms.incidents.rows_bytes import ShardRows, decode_shard_rows, encode_shard_rows, join_rows
from transforms.incidents.time_slices import BLOCK_ROWS, SLICE_ROWS, TimeBlock, TimeSlice, cut_run, merge_runs
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US
from transforms.shuffle.spill import Spill, Spilled

RUN_ROWS: Final = 2_000_000


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
        self._runs: list[list[TimeBlock[WatchedRows | Spilled]]] = []
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
        yield from merge_runs(self._runs, self._load, self._metrics, self.last_us + 1, slice_rows)

    def _load(self, rows: WatchedRows | Spilled) -> WatchedRows:
        if isinstance(rows, WatchedRows):
            return rows
        assert self._spill is not None, "a block on the disk was written there"
        return decode_shard_rows(self._spill.get(rows)).rows

    def _end_run(self, *, on_disk: bool) -> None:
        """Sort the readings that are held, and keep them as a run."""
        if not self._parts:
            return
        rows = join_rows(self._parts, self._metrics)
        self._parts, self._held = [], 0
        blocks = cut_run(rows, self._block_rows)
        self._runs.append([TimeBlock(block.first_us, self._kept(block.rows, on_disk=on_disk)) for block in blocks])

    def _kept(self, rows: WatchedRows, *, on_disk: bool) -> WatchedRows | Spilled:
        """Return rows, or where they are on the disk."""
        if not on_disk:
            return rows
        if self._spill is None:
            folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-backtest-"))
            self._spill = Spill(folder)
            self._resources.callback(self._spill.close)
        return self._spill.put(encode_shard_rows(ShardRows(rows, NONE_US)))
