"""AggregateWindows: statistics of each device and metric over windows of event time.

The values stay columnar through the shuffle: a key holds the *table* of all its devices and metrics.

Unbounded input is windowed by Beam; the window's start is part of the key, because the local runner's
trigger driver scans every window that a key ever had. Bounded input needs no triggers: the key is a
shard and a long stretch of time, and the windows are inside the table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.coders.coders import IntervalWindowCoder
from apache_beam.transforms import trigger, window
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Duration, Timestamp
from apache_beam.utils.windowed_value import PaneInfoTiming

from transforms import counters
from transforms.batch import ReadingBatch
from transforms.deadletters import Reason
from transforms.moments import AggregateTable, aggregate_batch, merge_tables, split_table, spread_windows
from transforms.results import Timing, aggregates, too_late
from transforms.windows import WindowSpec

_DEAD: Final = "dead_letters"
_TABLES: Final = "tables"
_BUCKET_US: Final = 3_600_000_000
_COMPACT_AT: Final = 16
_TIMINGS: Final[dict[int, Timing]] = {
    PaneInfoTiming.EARLY: "early",
    PaneInfoTiming.ON_TIME: "on_time",
    PaneInfoTiming.LATE: "late",
}
Key = tuple[int, int]
"""(shard, start of the window or of the stretch of time in microseconds)."""


class Aggregated(NamedTuple):
    """Outputs of `AggregateWindows`.

    Attributes:
        aggregates: PCollection of RecordBatch of WindowAggregate, one element a key and pane.
        dead_letters: PCollection of RecordBatch of DeadLetter: readings too late for their window.
    """

    aggregates: beam.PCollection
    dead_letters: beam.PCollection


@dataclass
class AggregateWindows(beam.PTransform):
    """Aggregate readings per device, metric and window.

    Input in the global window, bounded or unbounded. Unbounded: a window is held until the watermark
    passes its end, reported early and late as the spec says, and dropped after the allowed lateness;
    panes accumulate. A reading that arrives after that is a dead letter where the source tells its
    watermark with the message. At least once: a retried bundle gives the same panes.

    Args:
        windows: windows, lateness and firings.
        shards: into how many keys the devices of a window are divided.
    """

    windows: WindowSpec
    shards: int = 1

    def __post_init__(self) -> None:
        """Let Beam set its own fields up."""
        super().__init__()

    @no_annotations
    def expand(self, readings: beam.PCollection) -> Aggregated:
        """Return aggregates and dead letters of a PCollection of ReadingBatch."""
        bounded = readings.is_bounded
        bucket_us = max(_BUCKET_US, self.windows.slide_us) if bounded else self.windows.slide_us
        outputs = readings | "Partial" >> beam.ParDo(_Partial(self.windows, self.shards, bucket_us)).with_outputs(
            _DEAD, main=_TABLES
        ).with_output_types(tuple[Key, AggregateTable])
        outputs[_DEAD].element_type = pa.RecordBatch
        tables = outputs[_TABLES]
        if not bounded:
            tables = tables | "Window" >> _window_into(self.windows)
        merged = tables | "Merge" >> beam.CombinePerKey(_MergeTables()).with_output_types(tuple[Key, AggregateTable])
        finished = merged | "Finish" >> beam.ParDo(_Finish(self.windows, bounded)).with_output_types(pa.RecordBatch)
        return Aggregated(finished, outputs[_DEAD])


def _window_into(spec: WindowSpec) -> beam.PTransform:
    early = None if spec.early_us is None else trigger.AfterProcessingTime(spec.early_us / 1e6)
    size, fixed = spec.size_us / 1e6, spec.slide_us == spec.size_us
    return beam.WindowInto(
        window.FixedWindows(Duration(micros=spec.size_us)) if fixed else _KeyedWindows(size),
        trigger=trigger.AfterWatermark(early=early, late=trigger.AfterCount(1)),
        accumulation_mode=trigger.AccumulationMode.ACCUMULATING,
        allowed_lateness=Duration(micros=spec.allowed_lateness_us),
    )


@dataclass
class _KeyedWindows(window.NonMergingWindowFn):
    """Puts a table into the one sliding window that its key names: tables are spread over windows before."""

    size: float

    def assign(self, context: window.WindowFn.AssignContext) -> Iterable[window.IntervalWindow]:
        (_, start_us), _ = context.element
        start = Timestamp(micros=start_us)
        return [window.IntervalWindow(start, start + self.size)]

    def get_window_coder(self) -> IntervalWindowCoder:
        return IntervalWindowCoder()


@dataclass
class _Partial(beam.DoFn):
    windows: WindowSpec
    shards: int
    bucket_us: int

    def process(self, batch: ReadingBatch, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[Any]:
        spec = self.windows
        watermark_us = max((m.watermark_us for m in batch.messages if m.watermark_us is not None), default=None)
        missed = 0
        if watermark_us is not None:
            late = spec.too_late(batch.event_us, watermark_us)
            missed = int(np.count_nonzero(late))
            if missed:
                counters.count(counters.DEAD_LETTERS, missed, Reason.TOO_LATE.value)
                closed = [spec.missed(event_us, watermark_us) for event_us in batch.event_us[late].tolist()]
                yield beam.pvalue.TaggedOutput(_DEAD, too_late(batch, late, closed, watermark_us))
        counters.count(counters.ROWS_AGGREGATED, len(batch) - missed)
        table = spread_windows(aggregate_batch(batch, spec.slide_us), spec.size_us, spec.slide_us)
        for shard, start_us, part in split_table(table, self.shards, self.bucket_us):
            if missed and watermark_us is not None and spec.is_closed(start_us, watermark_us):
                continue  # its readings are among the dead letters
            moment = max(Timestamp(micros=start_us), timestamp)
            yield window.TimestampedValue(((shard, start_us), part), moment)


class _MergeTables(beam.CombineFn):
    """Merges tables; an accumulator is a short list of tables, merged when it grows."""

    def create_accumulator(self) -> list[AggregateTable]:
        return []

    def add_input(self, accumulator: list[AggregateTable], element: AggregateTable) -> list[AggregateTable]:
        accumulator.append(element)
        return self.compact(accumulator) if len(accumulator) >= _COMPACT_AT else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[AggregateTable]]) -> list[AggregateTable]:
        return [table for accumulator in accumulators for table in accumulator]

    def compact(self, accumulator: list[AggregateTable]) -> list[AggregateTable]:
        return [merge_tables(accumulator)] if len(accumulator) > 1 else accumulator

    def extract_output(self, accumulator: list[AggregateTable]) -> AggregateTable:
        return merge_tables(accumulator)


@dataclass
class _Finish(beam.DoFn):
    windows: WindowSpec
    bounded: bool

    def process(self, keyed: tuple[Key, AggregateTable], pane: Any = beam.DoFn.PaneInfoParam) -> Iterator[Any]:
        timing: Timing = "on_time" if self.bounded else _TIMINGS[cast(int, pane.timing)]
        index = 0 if self.bounded else pane.index
        batch = aggregates(keyed[1], self.windows.size_us, timing, index)
        counters.count(counters.PANES, len(np.unique(keyed[1].window_us)))
        if len(batch):
            counters.count(counters.AGGREGATES, len(batch))
            yield batch
