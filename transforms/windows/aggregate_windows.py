"""Aggregate readings of each device and metric over windows of event time.

The values stay columnar through the shuffle: a key is a shard of devices and an hour bucket, and holds the *table* of
all its devices, windows and metrics. Bounded input merges the tables of each key once; unbounded input keeps them in
state until their windows end (`transforms.windows.stateful_windows`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.reading_batch import ReadingBatch
from transforms import counters
from transforms.shuffle.key_pool import pooled_key
from transforms.step import Step
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import aggregate_batch, spread_windows
from transforms.windows.late import MissedValues
from transforms.windows.partial_aggregate import ShardKey, encode_partial, partial_aggregates
from transforms.windows.portion_aggregate import PortionAggregator, decode_portion, encode_portion, merge_portions
from transforms.windows.stateful_windows import DEAD_LETTERS, MISSED, StatefulWindows
from transforms.windows.window_spec import WindowSpec

_AGGREGATES: Final = "aggregates"
_HOUR_US: Final = 3_600_000_000


class AggregateOutputs(NamedTuple):
    """Outputs of `AggregateWindows`.

    Attributes:
        aggregates: PCollection of RecordBatch of WindowAggregate.
        dead_letters: PCollection of RecordBatch of DeadLetter: readings too late for one of their windows;
            None for bounded input, where no reading is late.
        missed: PCollection of MissedValues: those of their values that are in no window; None for bounded input.
    """

    aggregates: beam.PCollection
    dead_letters: beam.PCollection | None
    missed: beam.PCollection | None


@dataclass
class AggregateWindows(Step):
    """Aggregate readings per device, metric and window.

    Input in the global window, bounded or unbounded. Unbounded: a window is held until the watermark
    passes its end, reported early and late as the spec says, and forgotten after the allowed lateness;
    panes accumulate. A reading that arrives after that is a dead letter. Output in the global window. At
    least once: a retried bundle gives the same panes.

    Args:
        windows: windows, lateness and firings.
        shards: number of shards that the devices of a window are divided into.
        job_id: the job, for its records.
    """

    windows: WindowSpec
    shards: int = 1
    job_id: str = ""

    @no_annotations
    def expand(self, readings: beam.PCollection) -> AggregateOutputs:
        """Return aggregates and dead letters of a PCollection of ReadingBatch."""
        hour_bucket_us = max(_HOUR_US, self.windows.slide_us)
        keyed_bytes = tuple[ShardKey, bytes]
        if readings.is_bounded:
            aggregate = beam.ParDo(_AggregatePortions(self.windows, self.shards, hour_bucket_us))
            merge = beam.ParDo(_MergePortions(self.windows, self.job_id)).with_output_types(pa.RecordBatch)
            portions = readings | "Aggregate portions" >> aggregate.with_output_types(keyed_bytes)
            merged = portions | "Gather portions" >> beam.GroupByKey() | "Merge portions" >> merge
            return AggregateOutputs(merged, None, None)
        aggregate = beam.ParDo(_AggregateBatches(self.windows, self.shards, hour_bucket_us))
        hold = beam.ParDo(StatefulWindows(self.windows, hour_bucket_us, self.job_id)).with_output_types(pa.RecordBatch)
        partials = readings | "Aggregate batches" >> aggregate.with_output_types(keyed_bytes)
        outputs = partials | "Hold windows" >> hold.with_outputs(DEAD_LETTERS, MISSED, main=_AGGREGATES)
        outputs[DEAD_LETTERS].element_type = pa.RecordBatch
        outputs[MISSED].element_type = MissedValues
        return AggregateOutputs(outputs[_AGGREGATES], outputs[DEAD_LETTERS], outputs[MISSED])


@dataclass
class _AggregatePortions(beam.DoFn):
    """Aggregate the portions of a bundle of bounded input; rows are counted when the bundle is finished."""

    windows: WindowSpec
    shards: int
    hour_bucket_us: int
    rows: int = 0
    aggregator: PortionAggregator = field(init=False)

    def start_bundle(self) -> None:
        self.aggregator = PortionAggregator(self.shards, self.hour_bucket_us)
        self.rows = 0

    def process(self, batch: ReadingBatch) -> Iterator[tuple[ShardKey, bytes]]:
        table = spread_windows(aggregate_batch(batch, self.windows), self.windows)
        for shard, bucket, partial in self.aggregator.add(batch.messages.portion, table):
            yield (shard, bucket), encode_portion(partial)
        self.rows += len(batch)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for shard, bucket, partial in self.aggregator.flush():
            yield WindowedValue(((shard, bucket), encode_portion(partial)), MIN_TIMESTAMP, (GlobalWindow(),))
        if self.rows:
            counters.count(counters.ROWS_AGGREGATED, self.rows)


@dataclass
class _MergePortions(beam.DoFn):
    """Merge the partial aggregates of all portions into the aggregates of a shard and hour bucket."""

    windows: WindowSpec
    job_id: str

    def process(self, keyed: tuple[ShardKey, Iterable[bytes]]) -> Iterator[pa.RecordBatch]:
        table = merge_portions(map(decode_portion, keyed[1]))
        batch = aggregates(table, self.windows, "on_time", 0, self.job_id)
        if len(batch):
            yield batch
            counters.count(counters.AGGREGATES, len(batch))
        counters.count(counters.PANES, len(np.unique(table.window_us)))


@dataclass
class _AggregateBatches(beam.DoFn):
    """Aggregate each batch of a stream; rows that are surely in time are counted when the bundle is finished."""

    windows: WindowSpec
    shards: int
    hour_bucket_us: int
    rows: int = 0

    def start_bundle(self) -> None:
        self.rows = 0

    def process(self, batch: ReadingBatch) -> Iterator[tuple[ShardKey, bytes]]:
        in_time = len(batch)
        for shard, bucket, partial in partial_aggregates(batch, self.windows, self.shards, self.hour_bucket_us):
            yield (shard, pooled_key(bucket)), encode_partial(partial)
            in_time -= 0 if partial.possibly_late is None else len(partial.possibly_late)
        self.rows += in_time

    def finish_bundle(self) -> None:
        if self.rows:
            counters.count(counters.ROWS_AGGREGATED, self.rows)
