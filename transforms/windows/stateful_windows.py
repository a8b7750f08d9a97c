"""Hold the windows of an unbounded stream as columnar tables in keyed state, and report them by timers.

Beam's own windowing would hold one trigger per key and window, drop what is too late without a trace, and (on the local
runner) never forget a window. Here the logic is a `WindowShard`; the watermark reaches it as event-time timers.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.dead_letters import Reason
from transforms import counters
from transforms.shuffle.processing_time import now_s
from transforms.windows.aggregate_records import PaneTiming, aggregates
from transforms.windows.aggregate_table import AggregateTable, merge_tables
from transforms.windows.pane_state import decode_pane_state, encode_pane_state
from transforms.windows.partial_aggregate import ShardKey, decode_partial
from transforms.windows.window_shard import Arrived, Pane, WindowShard
from transforms.windows.window_spec import WindowSpec

DEAD_LETTERS: Final = "dead_letters"
MISSED: Final = "missed"
REPORT_TIMER: Final = "report"


@dataclass
class StatefulWindows(beam.DoFn):
    """Hold partial aggregates until their windows end, report panes, and turn what is too late into dead letters.

    Input in the global window. The panes of a bundle are emitted at its end. At least once: a retried bundle gives the
    same panes.

    Args:
        windows: windows, lateness and firings.
        hour_bucket_us: length of an hour bucket, microseconds.
        job_id: the job, for its records.
    """

    windows: WindowSpec
    hour_bucket_us: int
    job_id: str = ""
    panes: dict[tuple[PaneTiming, int], list[AggregateTable]] = field(default_factory=lambda: defaultdict(list))
    panes_timestamp: Timestamp = MIN_TIMESTAMP
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    lateness_us: list[int] = field(default_factory=list)

    TABLES = BagStateSpec("tables", BytesCoder())
    PANE_STATE = ReadModifyWriteStateSpec("pane_state", BytesCoder())
    END = TimerSpec("end", TimeDomain.WATERMARK)
    CLOSE = TimerSpec("close", TimeDomain.WATERMARK)
    EARLY = TimerSpec("early", TimeDomain.REAL_TIME)
    REPORT = TimerSpec(REPORT_TIMER, TimeDomain.REAL_TIME)  # set by a local stream that ends and may go on later

    def start_bundle(self) -> None:
        """Begin without panes and counts."""
        self.panes.clear()
        self.counts.clear()
        self.lateness_us.clear()
        self.panes_timestamp = MIN_TIMESTAMP

    def process(
        self,
        element: tuple[ShardKey, bytes],
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        pane_state: Any = beam.DoFn.StateParam(PANE_STATE),
        end: Any = beam.DoFn.TimerParam(END),
        close: Any = beam.DoFn.TimerParam(CLOSE),
        early: Any = beam.DoFn.TimerParam(EARLY),
        _report: Any = beam.DoFn.TimerParam(REPORT),  # a runner knows only the timers that this method takes
    ) -> Iterator[Any]:
        """Store a partial aggregate; yield dead letters and values that missed their windows."""
        shard = self._shard(pane_state, tables)
        arrived = shard.arrive(decode_partial(element[1]))
        pane_state.write(encode_pane_state(shard.pane_state))
        for window_us, end_us in arrived.end_timers.items():
            end.set(Timestamp(micros=end_us), dynamic_timer_tag=str(window_us))
        for bucket_us, close_us in arrived.close_timers.items():
            close.set(Timestamp(micros=close_us), dynamic_timer_tag=str(bucket_us))
        if arrived.needs_early_timer and self.windows.early_us is not None:
            early.set(Timestamp.of(now_s() + self.windows.early_us / 1e6))
        self._gather(arrived.panes, timestamp)
        if arrived.dead_letters is not None:
            yield beam.pvalue.TaggedOutput(DEAD_LETTERS, arrived.dead_letters)
        if arrived.missed is not None:
            yield beam.pvalue.TaggedOutput(MISSED, arrived.missed)
        self._count(arrived)

    @on_timer(END)
    def on_end(
        self,
        tag: str = beam.DoFn.DynamicTimerTagParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        pane_state: Any = beam.DoFn.StateParam(PANE_STATE),
    ) -> None:
        """Report a window whose end the watermark has passed."""
        self._fire(lambda shard: shard.end(int(tag)), timestamp, tables, pane_state)

    @on_timer(EARLY)
    def on_early(
        self,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        pane_state: Any = beam.DoFn.StateParam(PANE_STATE),
    ) -> None:
        """Report the open windows that have new readings."""
        self._fire(WindowShard.early, timestamp, tables, pane_state)

    @on_timer(REPORT)
    def on_report(
        self,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        pane_state: Any = beam.DoFn.StateParam(PANE_STATE),
    ) -> None:
        """Report all windows whose end the watermark has not passed."""
        self._fire(WindowShard.report_all, timestamp, tables, pane_state)

    @on_timer(CLOSE)
    def on_close(
        self,
        tag: str = beam.DoFn.DynamicTimerTagParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        tables: Any = beam.DoFn.StateParam(TABLES),
        pane_state: Any = beam.DoFn.StateParam(PANE_STATE),
    ) -> None:
        """Forget an hour bucket; report its windows whose end timer was not fired before."""
        self._fire(lambda shard: shard.close(int(tag)), timestamp, tables, pane_state)

    def finish_bundle(self) -> Iterator[Any]:
        """Yield the panes of the bundle, those of the same timing and index as one record batch."""
        for (timing, index), tables in self.panes.items():
            table = merge_tables(tables)
            batch = aggregates(table, self.windows, timing, index, self.job_id)
            if len(batch):
                yield WindowedValue(batch, self.panes_timestamp, (GlobalWindow(),))
            self.counts[counters.PANES, ""] += len(np.unique(table.window_us))
            self.counts[counters.AGGREGATES, ""] += len(batch)
        for (name, kind), number in self.counts.items():
            if number:
                counters.count(name, number, kind)
        for lateness_us in self.lateness_us:
            counters.observe(counters.WINDOW_LATENESS_MS, lateness_us // 1_000)

    def _fire(
        self, panes_of: Callable[[WindowShard], Iterable[Pane]], timestamp: Timestamp, tables: Any, pane_state: Any
    ) -> None:
        """Gather the panes that a timer asks a shard for, and store what the shard remembers of them."""
        shard = self._shard(pane_state, tables)
        self._gather(panes_of(shard), timestamp)
        pane_state.write(encode_pane_state(shard.pane_state))

    def _shard(self, pane_state: Any, tables: Any) -> WindowShard:
        return WindowShard(self.windows, self.hour_bucket_us, decode_pane_state(pane_state.read()), tables)

    def _gather(self, panes: Iterable[Pane], timestamp: Timestamp) -> None:
        """Keep panes until the bundle is finished."""
        for pane in panes:
            self.panes[pane.timing, pane.index].append(pane.table)
            self.panes_timestamp = max(self.panes_timestamp, timestamp)

    def _count(self, arrived: Arrived) -> None:
        """Note counts, which are counted when the bundle is finished."""
        self.counts[counters.ROWS_AGGREGATED, ""] += arrived.rows_in_time
        if arrived.dead_letters is not None:
            self.counts[counters.DEAD_LETTERS, Reason.TOO_LATE.value] += len(arrived.dead_letters)
        self.lateness_us += arrived.lateness_us
