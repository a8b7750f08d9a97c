"""AggregateWindows: statistics of each device and metric over windows of event time.

The values stay columnar through the shuffle: a key is a shard of devices and a stretch of time, and
holds the *table* of all its devices, windows and metrics. Bounded input merges the tables of a key and is
done; unbounded input keeps them in state until their windows end (`transforms.windows.stateful_windows`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

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
from transforms.shuffle.pickling import Packed
from transforms.step import Step
from transforms.windows.aggregate_records import aggregates
from transforms.windows.aggregate_table import (
    AggregateTable,
    aggregate_batch,
    merge_tables,
    pack_table,
    shard_of,
    split_table,
    spread_windows,
    unpack_table,
)
from transforms.windows.late import MissedValues, possibly_late_rows
from transforms.windows.stateful_windows import DEAD_LETTERS, MISSED, PartialAggregate, ShardKey, StatefulWindows
from transforms.windows.window_spec import WindowSpec

_AGGREGATES: Final = "aggregates"
_STRETCH_US: Final = 3_600_000_000
_COMPACT_AT: Final = 16
_MOST_GROUPS: Final = 100_000  # held of a portion; some 40 MB for five metrics


class AggregateOutputs(NamedTuple):
    """Outputs of `AggregateWindows`.

    Attributes:
        aggregates: PCollection of RecordBatch of WindowAggregate.
        dead_letters: PCollection of RecordBatch of DeadLetter: readings too late for a window of theirs;
            None for bounded input, where nothing is.
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
        shards: into how many keys the devices of a window are divided.
    """

    windows: WindowSpec
    shards: int = 1

    @no_annotations
    def expand(self, readings: beam.PCollection) -> AggregateOutputs:
        """Return aggregates and dead letters of a PCollection of ReadingBatch."""
        stretch_us = max(_STRETCH_US, self.windows.slide_us)
        if readings.is_bounded:
            partial = _Partial(self.windows, self.shards, stretch_us)
            parts = readings | "Partial" >> beam.ParDo(partial).with_output_types(tuple[ShardKey, PortionAggregate])
            gathered = parts | "Gather" >> beam.GroupByKey()
            finished = gathered | "Finish" >> beam.ParDo(_Finish(self.windows)).with_output_types(pa.RecordBatch)
            return AggregateOutputs(finished, None, None)
        arrive = _Arrive(self.windows, self.shards, stretch_us)
        arrivals = readings | "Partial" >> beam.ParDo(arrive).with_output_types(tuple[ShardKey, PartialAggregate])
        keep = beam.ParDo(StatefulWindows(self.windows, stretch_us)).with_output_types(pa.RecordBatch)
        outputs = arrivals | "Keep" >> keep.with_outputs(DEAD_LETTERS, MISSED, main=_AGGREGATES)
        outputs[DEAD_LETTERS].element_type = pa.RecordBatch
        outputs[MISSED].element_type = MissedValues
        return AggregateOutputs(outputs[_AGGREGATES], outputs[DEAD_LETTERS], outputs[MISSED])


@dataclass(frozen=True, slots=True)
class PortionAggregate:
    """What a piece of bounded input amounts to, and where it was, by which parts are put in order again.

    Attributes:
        portion: number of the portion of the input.
        place: number of the piece within the portion.
        packed: the table of its readings, which need not be in memory before it is merged.
    """

    portion: int
    place: int
    packed: Packed

    @property
    def table(self) -> AggregateTable:
        """The table, unpacked anew each time."""
        return unpack_table(self.packed)


@dataclass
class _Partial(beam.DoFn):
    """Sums a portion of the input up, in large pieces: what is shuffled is small and does not depend on bundles."""

    windows: WindowSpec
    shards: int
    stretch_us: int
    portion: int = 0
    place: int = 0
    held: list[AggregateTable] = field(default_factory=list)

    def start_bundle(self) -> None:
        self.held, self.place = [], 0

    def process(self, batch: ReadingBatch) -> Iterator[tuple[ShardKey, PortionAggregate]]:
        portion = batch.messages[0].portion
        if portion != self.portion:
            yield from self._pass_on()
            self.portion, self.place = portion, 0
        counters.count(counters.ROWS_AGGREGATED, len(batch))
        spec = self.windows
        self.held.append(spread_windows(aggregate_batch(batch, spec.slide_us), spec.size_us, spec.slide_us))
        if len(self.held) >= _COMPACT_AT:
            self.held = [merge_tables(self.held)]
            if len(self.held[0]) >= _MOST_GROUPS:
                yield from self._pass_on()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for keyed in self._pass_on():
            yield WindowedValue(keyed, MIN_TIMESTAMP, (GlobalWindow(),))

    def _pass_on(self) -> Iterator[tuple[ShardKey, PortionAggregate]]:
        if not self.held:
            return
        for shard, start_us, table in split_table(merge_tables(self.held), self.shards, self.stretch_us):
            yield (shard, start_us // self.stretch_us), PortionAggregate(self.portion, self.place, pack_table(table))
        self.held, self.place = [], self.place + 1


@dataclass
class _Arrive(beam.DoFn):
    windows: WindowSpec
    shards: int
    stretch_us: int

    def process(self, batch: ReadingBatch) -> Iterator[tuple[ShardKey, PartialAggregate]]:
        spec = self.windows
        watermark_us = max((m.watermark_us for m in batch.messages if m.watermark_us is not None), default=None)
        suspect = possibly_late_rows(batch, spec, watermark_us)
        counters.count(counters.ROWS_AGGREGATED, len(batch) - int(np.count_nonzero(suspect)))
        suspects = self._by_stretch(batch, np.flatnonzero(suspect)) if suspect.any() else {}
        table = spread_windows(aggregate_batch(batch, spec.slide_us), spec.size_us, spec.slide_us)
        for shard, start_us, part in split_table(table, self.shards, self.stretch_us):
            key = (shard, pooled_key(start_us // self.stretch_us))
            yield key, PartialAggregate(part, watermark_us, suspects.get((shard, start_us)))

    def _by_stretch(
        self, batch: ReadingBatch, rows: np.ndarray[Any, np.dtype[np.intp]]
    ) -> dict[tuple[int, int], ReadingBatch]:
        """Give each reading to the shard and the stretch of its earliest window: the first it can miss."""
        spec = self.windows
        event_us = batch.event_us[rows]
        first_us = event_us - event_us % spec.slide_us - spec.size_us + spec.slide_us
        stretch = first_us - first_us % self.stretch_us
        shard = np.array([shard_of(name, self.shards) for name in batch.devices], np.int64)[batch.device[rows]]
        keys, inverse = np.unique(np.stack([shard, stretch]), axis=1, return_inverse=True)
        return {
            (int(keys[0, n]), int(keys[1, n])): batch.select(rows[inverse == n]).trimmed() for n in range(keys.shape[1])
        }


@dataclass
class _Finish(beam.DoFn):
    windows: WindowSpec

    def process(self, keyed: tuple[ShardKey, Iterable[PortionAggregate]]) -> Iterator[pa.RecordBatch]:
        # in the order of the input, on which the last digit of a sum depends
        parts = sorted(keyed[1], key=lambda part: (part.portion, part.place))
        table = merge_tables([part.table for part in parts])
        batch = aggregates(table, self.windows.size_us, "on_time", 0)
        counters.count(counters.PANES, len(np.unique(table.window_us)))
        if len(batch):
            counters.count(counters.AGGREGATES, len(batch))
            yield batch
