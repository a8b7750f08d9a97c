"""Turn readings into incidents: rules that look at a device over time, in event-time order behind the watermark."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.reading_batch import ReadingBatch
from telemetry.rules.conditions import Silence
from telemetry.rules.follower import FollowedRules
from telemetry.rules.in_force import rules_in_force
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.roster_shard import needs_roster_shard, roster_rows, shard_of_key
from transforms.incidents.rows_bytes import ShardRows, encode_shard_rows, join_rows, split_rows
from transforms.incidents.shard_blocks import HeldBlocks, encode_run
from transforms.incidents.stateful_incidents import StatefulIncidents, tell
from transforms.incidents.time_slices import TimeSlice, merge_runs
from transforms.incidents.watched_rows import WatchedRows, no_rows, watched_rows
from transforms.series.track import NONE_US
from transforms.step import Step

_GATHERED_ROWS: Final = 500_000
_NO_SPAN: Final = (-NONE_US, NONE_US)
EventSpan = tuple[int, int]
"""Earliest and latest event time, microseconds UTC."""


@dataclass
class WatchDevices(Step):
    """Judge rules over time.

    Bounded or unbounded input in the global window. Unbounded: readings wait until the watermark passes them; one that
    comes later is left out, and counted. Bounded: nothing is late, and no deadline beyond the last reading is judged.
    Output in the global window. At least once: the same readings give the same transitions, with the same ids and
    sequences, whatever their batches.

    Args:
        rules: the rules in force, or those before the first change.
        shards: number of shards that devices are divided into.
        job_id: the job, for its records.
        changes: PCollection of encoded `RulesChange`, unbounded, in the global window, for unbounded readings; see
            `transforms.incidents.change_bytes`. None if the rules never change.
        followed: the rules file that workers look at for themselves; None if the rules never change, or are told.
        warm: folder of what the rules remember before the first of unbounded readings, see
            `transforms.incidents.warm_states`; "" for nothing.
        catalog: units of the metrics, for the sentences of rules that learn.
    """

    rules: RuleSet
    shards: int = 1
    job_id: str = ""
    changes: beam.PCollection | None = None
    followed: FollowedRules | None = None
    warm: str = ""
    catalog: MetricCatalog = NOT_DESCRIBED

    @no_annotations
    def expand(self, readings: beam.PCollection) -> beam.PCollection:
        """Return a PCollection of RecordBatch of Incident for a PCollection of ReadingBatch."""
        keyed_bytes = tuple[int, bytes]
        if readings.is_bounded:
            spans = readings | "Spans" >> beam.Map(_span_of).with_output_types(EventSpan)
            gather = beam.ParDo(_GatherRows(self.rules, self.shards)).with_output_types(keyed_bytes)
            step = _JudgeShard(self.rules, self.shards, self.job_id, self.catalog)
            judge = beam.ParDo(step, beam.pvalue.AsIter(spans))
            shards = readings | "Gather rows" >> gather | "By shard" >> beam.GroupByKey()
            return shards | "Judge" >> judge.with_output_types(pa.RecordBatch)
        follows = self.changes is not None
        steps = _SplitRows(self.rules, self.shards, follows, self.followed, is_warm=bool(self.warm))
        split = beam.ParDo(steps).with_output_types(keyed_bytes)
        shards = readings | "Split" >> split
        if self.changes is not None:
            tell_all = beam.FlatMap(_tell_shards, self.shards).with_output_types(keyed_bytes)
            shards = (shards, self.changes | "Tell shards" >> tell_all) | "Rows and rules" >> beam.Flatten()
        stateful = StatefulIncidents(self.rules, self.shards, self.job_id, follows, self.warm, self.catalog)
        return shards | "Judge" >> beam.ParDo(stateful).with_output_types(pa.RecordBatch)


def _tell_shards(change: bytes, shards: int) -> Iterator[tuple[int, bytes]]:
    """Yield a change of the rules for every shard."""
    content = encode_shard_rows(ShardRows(no_rows(()), NONE_US, change=change))
    return ((shard, content) for shard in range(shards + 1))  # behind them the roster


def _span_of(batch: ReadingBatch) -> EventSpan:
    return int(batch.event_us.min()), int(batch.event_us.max())


def _whole_span(spans: Iterable[EventSpan]) -> EventSpan:
    first_us, last_us = _NO_SPAN
    for first, last in spans:
        first_us, last_us = min(first_us, first), max(last_us, last)
    return first_us, last_us


def _needed(batch: ReadingBatch, rules: RuleSet) -> WatchedRows:
    """Return what the rules need of a batch: without a rule on silent devices, rows without a value are of no use."""
    rows = watched_rows(batch, rules.metrics)
    if any(isinstance(rule.condition, Silence) and not rule.metric for rule in rules.rules):
        return rows
    present = np.flatnonzero(~np.isnan(rows.values).all(axis=0))
    return rows if len(present) == len(rows) else rows.select(present)


@dataclass
class _GatherRows(beam.DoFn):
    """Gather the rows of a bundle of bounded input by shard."""

    rules: RuleSet
    shards: int
    parts: list[WatchedRows] = field(default_factory=list)
    rows: int = 0
    order: tuple[int, int] = (0, 0)

    def start_bundle(self) -> None:
        self.parts, self.rows, self.order = [], 0, (-1, 0)

    def process(self, batch: ReadingBatch) -> Iterator[tuple[int, bytes]]:
        if batch.messages.portion != self.order[0] or self.rows >= _GATHERED_ROWS:
            yield from self._flush()
            same = batch.messages.portion == self.order[0]
            self.order = (batch.messages.portion, self.order[1] + 1 if same else 0)
        self.parts.append(_needed(batch, self.rules))
        self.rows += len(batch)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for keyed in self._flush():
            yield WindowedValue(keyed, MIN_TIMESTAMP, (GlobalWindow(),))

    def _flush(self) -> Iterator[tuple[int, bytes]]:
        """Yield what was gathered; every shard hears of it, as a device of its roster may never send."""
        if not self.parts:
            return
        rows = join_rows(self.parts, self.rules.metrics)
        found = dict(split_rows(rows, self.shards))
        silent = range(self.shards) if self.rules.roster is not None else ()
        for shard in sorted({*found, *silent}):
            for block in encode_run(found.get(shard, no_rows(self.rules.metrics)), self.order):
                yield shard, block
        if needs_roster_shard(self.rules):
            for block in encode_run(roster_rows(rows, self.rules), self.order):
                yield self.shards, block
        self.parts, self.rows = [], 0


@dataclass
class _JudgeShard(beam.DoFn):
    """Judge all rows of a shard of bounded input in slices of time, up to the last reading of any shard."""

    rules: RuleSet
    shards: int
    job_id: str
    catalog: MetricCatalog

    def process(self, keyed: tuple[int, Iterable[bytes]], spans: Iterable[EventSpan]) -> Iterator[pa.RecordBatch]:
        shard = shard_of_key(RulesTimeline.always(self.rules), keyed[0], self.shards, self.catalog)
        state, _ = shard.begin(None)
        first_us, last_us = _whole_span(spans)
        nothing = TimeSlice(no_rows(()), last_us + 1)  # a shard without a row has devices that it expects
        with HeldBlocks() as held:
            held.add(keyed[1])
            slices = merge_runs(held.runs(), held.load, self.rules.metrics, last_us + 1)
            for part in itertools.chain(slices, [nothing]):
                judged = shard.judge(state, [ShardRows(part.rows, first_us)], part.watermark_us)
                state = judged.state
                yield from tell([judged.transitions], self.job_id)
            yield from tell([shard.finish(state)[1]], self.job_id)


@dataclass
class _SplitRows(beam.DoFn):
    """Divide each batch of a stream among the shards.

    Args:
        rules: the rules in force before the first change.
        shards: number of shards.
        follows: whether other rules follow, which may look at any metric.
        followed: the rules file, for the worker of a remote runner.
        is_warm: whether devices are known before they send. Every shard then hears when the source began, as with a
            roster: of its devices none may send.
    """

    rules: RuleSet
    shards: int
    follows: bool = False
    followed: FollowedRules | None = None
    is_warm: bool = False
    started_us: int = -NONE_US

    def process(self, batch: ReadingBatch) -> Iterator[tuple[int, bytes]]:
        start_us = int(batch.event_us.min())
        rules = rules_in_force(self.rules, self.followed)
        rows = watched_rows(batch, batch.metrics) if self.follows else _needed(batch, rules)
        found = dict(split_rows(rows, self.shards))
        shards = set(found)
        if (self.is_warm or rules.roster is not None) and start_us < self.started_us:
            self.started_us = start_us
            shards = set(range(self.shards))
        for shard in sorted(shards):
            part = found.get(shard, no_rows(rows.metrics))
            yield shard, encode_shard_rows(ShardRows(part, start_us, batch.messages.watermark_us))
        if needs_roster_shard(rules):
            part = roster_rows(rows, rules)
            yield self.shards, encode_shard_rows(ShardRows(part, start_us, batch.messages.watermark_us))
