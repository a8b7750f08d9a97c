"""Windows of an unbounded stream, kept as columnar tables in keyed state and reported by timers.

Beam's own windowing would hold one trigger per key and window, drop what is too late without a word, and
(on the local runner) never forget. Here one key holds the windows of a shard that start in the same
stretch of time; the watermark reaches it as event-time timers. Stretches take a fixed number of keys in turn
(`transforms.shuffle.key_pool`), so a key may hold several of them, in a stream of long lateness or with a long backlog.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.coders import BytesCoder, PickleCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.dead_letters import Reason
from telemetry.model.reading_batch import ReadingBatch
from transforms import counters
from transforms.windows.aggregate_records import PaneTiming, aggregates
from transforms.windows.aggregate_table import AggregateTable, merge_tables
from transforms.windows.late import MissedValues, reject_late
from transforms.windows.pane_state import PaneState, decode_pane_state, encode_pane_state
from transforms.windows.window_spec import WindowSpec

DEAD_LETTERS: Final = "dead_letters"
MISSED: Final = "missed"
_COMPACT_AT: Final = 16

ShardKey = tuple[int, int]
"""(shard, number of the stretch of time; in a stream its slot)."""


@dataclass(frozen=True, slots=True)
class PartialAggregate:
    """Readings on their way to their windows.

    Attributes:
        table: what the readings amount to, by device and window.
        watermark_us: the watermark they met, where the source tells it.
        suspects: those of the readings that may be too late, with the lines they came from.
    """

    table: AggregateTable
    watermark_us: int | None = None
    suspects: ReadingBatch | None = None


@dataclass
class StatefulWindows(beam.DoFn):
    """Keep tables until their windows end, report panes, and turn what comes too late into dead letters.

    A pane repeats all of its window so far. It is reported when the watermark passes the window's end,
    before that every `early_us` if new readings came, and after it with each arrival.

    Where the source does not tell its watermark (Dataflow), a key knows it by the latest window of its own
    that has ended: a reading may then still be taken a little after the lateness is over, never refused before.

    Args:
        windows: windows, lateness and firings.
        stretch_us: length of a stretch of time.
    """

    windows: WindowSpec
    stretch_us: int
    panes: dict[tuple[PaneTiming, int], list[AggregateTable]] = field(default_factory=lambda: defaultdict(list))
    moment: Timestamp = MIN_TIMESTAMP

    TABLES = BagStateSpec("tables", PickleCoder())
    PANE_LOG = ReadModifyWriteStateSpec("pane_log", BytesCoder())
    END = TimerSpec("end", TimeDomain.WATERMARK)
    CLOSE = TimerSpec("close", TimeDomain.WATERMARK)
    EARLY = TimerSpec("early", TimeDomain.REAL_TIME)

    def start_bundle(self) -> None:
        """Begin with no panes to report."""
        self.panes.clear()
        self.moment = MIN_TIMESTAMP

    def process(
        self,
        element: tuple[ShardKey, PartialAggregate],
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        log_state: Any = beam.DoFn.StateParam(PANE_LOG),
        end: Any = beam.DoFn.TimerParam(END),
        close: Any = beam.DoFn.TimerParam(CLOSE),
        early: Any = beam.DoFn.TimerParam(EARLY),
    ) -> Iterator[Any]:
        """Store an arrival; yield dead letters for what is too late, and report windows that ended before."""
        spec = self.windows
        arrival = element[1]
        log = decode_pane_state(log_state.read())
        log.advance(arrival.watermark_us)
        if arrival.suspects is not None:
            dead = reject_late(arrival.suspects, spec, log.watermark_us)
            missed = 0 if dead is None else len(dead)
            counters.count(counters.ROWS_AGGREGATED, len(arrival.suspects) - missed)
            if dead is not None:
                counters.count(counters.DEAD_LETTERS, missed, Reason.TOO_LATE.value)
                yield beam.pvalue.TaggedOutput(DEAD_LETTERS, dead)
        table = arrival.table
        closed = spec.is_closed(table.window_us, log.watermark_us)
        if closed.any():  # its readings are among the dead letters
            yield beam.pvalue.TaggedOutput(MISSED, MissedValues(table.select(closed), tuple(_senders(arrival))))
            table = table.select(~closed)
        if len(table):
            _store(table, tables, log)
            opened, late = log.admit(np.unique(table.window_us).tolist(), spec)
            for window_us in opened:
                end.set(Timestamp(micros=window_us + spec.size_us), dynamic_timer_tag=str(window_us))
            for window_us in late:
                counters.observe(counters.WINDOW_LATENESS_MS, (log.watermark_us - window_us - spec.size_us) // 1_000)
            self._report(late, "late", tables, log, timestamp)
            start_us = int(table.window_us[0] - table.window_us[0] % self.stretch_us)
            if start_us not in log.stretches:
                log.stretches.add(start_us)
                closing = Timestamp(micros=start_us + self.stretch_us + spec.size_us + spec.allowed_lateness_us)
                close.set(closing, dynamic_timer_tag=str(start_us))
            if spec.early_us is not None and log.unreported and not log.early_is_set:
                early.set(Timestamp.of(time.time() + spec.early_us / 1e6))
                log.early_is_set = True
        log_state.write(encode_pane_state(log))

    @on_timer(END)
    def on_end(
        self,
        tag: str = beam.DoFn.DynamicTimerTagParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        log_state: Any = beam.DoFn.StateParam(PANE_LOG),
    ) -> None:
        """Report a window that the watermark has passed."""
        log = decode_pane_state(log_state.read())
        log.advance(int(tag) + self.windows.size_us)
        self._report([int(tag)], "on_time", tables, log, timestamp)
        log_state.write(encode_pane_state(log))

    @on_timer(EARLY)
    def on_early(
        self,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        log_state: Any = beam.DoFn.StateParam(PANE_LOG),
    ) -> None:
        """Report the open windows that have new readings."""
        log = decode_pane_state(log_state.read())
        log.early_is_set = False
        self._report(sorted(log.unreported), "early", tables, log, timestamp)
        log_state.write(encode_pane_state(log))

    @on_timer(CLOSE)
    def on_close(
        self,
        tag: str = beam.DoFn.DynamicTimerTagParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        log_state: Any = beam.DoFn.StateParam(PANE_LOG),
    ) -> None:
        """Forget the tables of a stretch: no window of it takes readings any more."""
        log = decode_pane_state(log_state.read())
        start_us = int(tag)
        log.close(start_us, start_us + self.stretch_us, timestamp.micros)
        kept = []
        for part in tables.read() if log.stretches else ():  # another stretch of the slot is still open
            of_others = part.window_us - part.window_us % self.stretch_us != start_us
            if of_others.any():
                kept.append(part.select(of_others))
        tables.clear()
        for part in kept:
            tables.add(part)
        log.parts = len(kept)
        log_state.write(encode_pane_state(log))

    def finish_bundle(self) -> Iterator[Any]:
        """Yield the panes of the bundle, those of the same timing and index as one record batch."""
        for (timing, index), tables in self.panes.items():
            table = merge_tables(tables)
            batch = aggregates(table, self.windows.size_us, timing, index)
            counters.count(counters.PANES, len(np.unique(table.window_us)))
            if len(batch):
                counters.count(counters.AGGREGATES, len(batch))
                yield WindowedValue(batch, self.moment, (GlobalWindow(),))

    def _report(
        self, windows_us: Sequence[int], timing: PaneTiming, tables: Any, log: PaneState, timestamp: Timestamp
    ) -> None:
        if not windows_us:
            return
        parts: list[AggregateTable] = list(tables.read())
        for window_us in windows_us:
            pane = merge_tables(list(_of_window(parts, window_us)))
            self.panes[timing, log.report(window_us)].append(pane)
        self.moment = max(self.moment, timestamp)


def _senders(arrival: PartialAggregate) -> list[str]:
    """Return the ids of the messages that an arrival came from, as far as they matter: to tell it from others."""
    return [] if arrival.suspects is None else [message.message_id for message in arrival.suspects.messages]


def _of_window(parts: Iterable[AggregateTable], window_us: int) -> Iterator[AggregateTable]:
    for part in parts:  # tables are sorted by window
        first, end = np.searchsorted(part.window_us, [window_us, window_us + 1])
        if end > first:
            yield part.select(slice(first, end))


def _store(table: AggregateTable, tables: Any, log: PaneState) -> None:
    """Add a table to those of the key, and merge them when they have become many."""
    if log.parts >= _COMPACT_AT:
        table = merge_tables([*tables.read(), table])
        tables.clear()
        log.parts = 0
    tables.add(table)
    log.parts += 1
