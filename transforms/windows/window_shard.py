"""Advance the windows of one key: transitions on its state, without a runner.

A key holds the windows of a shard of devices that start in the same hour bucket. Hour buckets share a fixed pool of
keys (`transforms.shuffle.key_pool`), so a key holds several of them where the lateness is long or the stream has a long
backlog. Timers that are due may be fired in any order: the closing of an hour bucket before the end of a window in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from transforms.windows.aggregate_records import PaneTiming
from transforms.windows.aggregate_table import AggregateTable, merge_tables
from transforms.windows.late import MissedValues, reject_late
from transforms.windows.pane_state import PaneState
from transforms.windows.partial_aggregate import PartialAggregate
from transforms.windows.table_bytes import decode_table, encode_table
from transforms.windows.window_spec import WindowSpec

MAX_TABLES: Final = 16
"""Number of tables of a key that are kept side by side; one more, and they are merged."""


class TableBag(Protocol):
    """A bag of encoded tables: state of a key to which one is added without reading the others."""

    def read(self) -> Iterable[bytes]:
        """Return all tables, in any order."""

    def add(self, value: bytes) -> None:
        """Add a table."""

    def clear(self) -> None:
        """Remove all tables."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A window with all its readings so far.

    Attributes:
        timing: why it is reported.
        index: number of the pane in its window, from 0.
        table: the groups of the window.
    """

    timing: PaneTiming
    index: int
    table: AggregateTable


@dataclass(slots=True)
class Arrived:
    """Results of the arrival of a partial aggregate.

    Attributes:
        panes: late panes, to be emitted at once.
        dead_letters: record batch of rows that miss a window; None if there are none.
        missed: values of closed windows; None if there are none.
        rows_in_time: number of the possibly late rows that are in all of their windows.
        lateness_us: for each window that is late, how far the watermark is past its end, microseconds.
        end_timers: event times at which `end` is due, by start of the window, microseconds UTC.
        close_timers: event times at which `close` is due, by start of the hour bucket, microseconds UTC.
        needs_early_timer: whether `early` must be called after the spec's `early_us`.
    """

    panes: list[Pane] = field(default_factory=list)
    dead_letters: pa.RecordBatch | None = None
    missed: MissedValues | None = None
    rows_in_time: int = 0
    lateness_us: list[int] = field(default_factory=list)
    end_timers: dict[int, int] = field(default_factory=dict)
    close_timers: dict[int, int] = field(default_factory=dict)
    needs_early_timer: bool = False


@dataclass(frozen=True, slots=True)
class WindowShard:
    """State of one key and its transitions. Each changes `pane_state` and `tables`.

    A window is reported when the watermark passes its end, before that if new readings arrived when an early firing is
    due, and after it with each arrival. A pane repeats all of its window so far.

    Where the source does not tell its watermark (Dataflow), a key knows the latest end among its own windows: a
    reading may then still be accepted shortly after the lateness is over, but never be refused before.

    Attributes:
        spec: windows, lateness and firings.
        hour_bucket_us: length of an hour bucket, microseconds.
        pane_state: panes and watermark.
        tables: the readings of all windows.
    """

    spec: WindowSpec
    hour_bucket_us: int
    pane_state: PaneState
    tables: TableBag

    def arrive(self, partial: PartialAggregate) -> Arrived:
        """Store a partial aggregate of one hour bucket; reject what is too late, and report windows that are late."""
        self.pane_state.advance(partial.watermark_us)
        arrived = Arrived()
        self._reject(partial, arrived)
        table = partial.table
        closed = self.spec.is_closed(table.window_us, self.pane_state.watermark_us)
        if closed.any():
            arrived.missed = MissedValues(table.select(closed), partial.message_ids())
            table = table.select(~closed)
        if len(table):
            self._admit(table, arrived)
        return arrived

    def end(self, window_us: int) -> list[Pane]:
        """Return the pane of a window whose end the watermark has passed; none if its hour bucket was closed before."""
        self.pane_state.advance(self.spec.end(window_us))
        if window_us not in self.pane_state.awaiting_end:
            return []
        self.pane_state.awaiting_end.discard(window_us)
        return self._report([window_us], "on_time")

    def early(self) -> list[Pane]:
        """Return a pane of each window that has new readings before its end."""
        self.pane_state.early_is_set = False
        return self._report(sorted(self.pane_state.unreported), "early")

    def report_all(self) -> list[Pane]:
        """Return a pane of each window whose end was not reported, as if the watermark had passed all of them.

        The watermark stays: a window that takes readings afterwards is reported again at its end.
        """
        starts = sorted(self.pane_state.awaiting_end)
        self.pane_state.awaiting_end.clear()
        return self._report(starts, "on_time")

    def close(self, bucket_us: int) -> list[Pane]:
        """Forget an hour bucket, none of whose windows takes readings any more.

        Returns:
            Panes of the windows in it whose end was not reported before.
        """
        self.pane_state.advance(self._close_us(bucket_us))
        inside = range(bucket_us, bucket_us + self.hour_bucket_us)
        panes = self._report([start for start in sorted(self.pane_state.awaiting_end) if start in inside], "on_time")
        self.pane_state.close(inside.start, inside.stop)
        kept = list(self._outside(bucket_us)) if self.pane_state.hour_buckets else []
        self.tables.clear()
        for table in kept:
            self.tables.add(encode_table(table))
        self.pane_state.table_count = len(kept)
        return panes

    def _reject(self, partial: PartialAggregate, arrived: Arrived) -> None:
        rows = partial.possibly_late
        if rows is None:
            return
        arrived.dead_letters = reject_late(rows, self.spec, self.pane_state.watermark_us)
        arrived.rows_in_time = len(rows) - (0 if arrived.dead_letters is None else len(arrived.dead_letters))

    def _admit(self, table: AggregateTable, arrived: Arrived) -> None:
        """Store a table whose windows are not closed, report those that are late and ask for timers."""
        spec, state = self.spec, self.pane_state
        self._store(table)
        starts = np.unique(table.window_us)
        ends = dict(zip(starts.tolist(), spec.ends(starts).tolist(), strict=True))
        opened, late = state.admit(ends)
        arrived.end_timers = {start: ends[start] for start in opened}
        arrived.lateness_us = [state.watermark_us - ends[start] for start in late]
        arrived.panes = self._report(late, "late")
        bucket_us = int(table.window_us[0] - table.window_us[0] % self.hour_bucket_us)
        if bucket_us not in state.hour_buckets:
            state.hour_buckets.add(bucket_us)
            arrived.close_timers[bucket_us] = self._close_us(bucket_us)
        if spec.early_us is not None and state.unreported and not state.early_is_set:
            arrived.needs_early_timer = state.early_is_set = True

    def _close_us(self, bucket_us: int) -> int:
        """Return the event time after which the last window of an hour bucket takes no readings."""
        return self.spec.end(bucket_us + self.hour_bucket_us) + self.spec.allowed_lateness_us

    def _store(self, table: AggregateTable) -> None:
        """Add a table to those of the key; merge them when there are too many."""
        if self.pane_state.table_count >= MAX_TABLES:
            table = merge_tables([*map(decode_table, self.tables.read()), table])
            self.tables.clear()
            self.pane_state.table_count = 0
        self.tables.add(encode_table(table))
        self.pane_state.table_count += 1

    def _report(self, windows_us: Sequence[int], timing: PaneTiming) -> list[Pane]:
        if not windows_us:
            return []
        tables = [decode_table(content) for content in self.tables.read()]
        return [
            Pane(timing, self.pane_state.report(window_us), merge_tables(list(_of_window(tables, window_us))))
            for window_us in windows_us
        ]

    def _outside(self, bucket_us: int) -> Iterator[AggregateTable]:
        """Yield the tables without the groups of an hour bucket."""
        for table in map(decode_table, self.tables.read()):
            outside = table.window_us - table.window_us % self.hour_bucket_us != bucket_us
            if outside.any():
                yield table.select(outside)


def _of_window(tables: Iterable[AggregateTable], window_us: int) -> Iterator[AggregateTable]:
    """Yield the groups of a window in each table that has some; tables are sorted by window."""
    for table in tables:
        first, end = np.searchsorted(table.window_us, [window_us, window_us + 1])
        if end > first:
            yield table.select(slice(first, end))
