"""Hold the devices of an unbounded stream in keyed state, and judge them as the watermark moves.

Where the source tells its watermark (the local stream), rows are judged as it arrives with later ones. A timer judges
the rest: rows that nothing follows, the deadlines of silent devices and the ends of windows. Rules that change come to
every key, which remembers them until the watermark has passed the time at which they come into force.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import BytesCoder, VarIntCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import concat_record_batches, with_job
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms import counters
from transforms.incidents.change_bytes import decode_change, decode_timeline, encode_timeline
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.roster_shard import shard_of_key
from transforms.incidents.rows_bytes import ShardRows, decode_shard_rows, encode_shard_rows
from transforms.incidents.state_bytes import decode_incident_state, encode_incident_state
from transforms.incidents.warm_states import read_warm_state
from transforms.series.track import NONE_US
from transforms.shuffle.deadlines import deadline_limit_us

_HOP_US: Final = 5_000_000
"""Shortest event time between two looks at waiting rows, where the source does not tell its watermark."""
_SHARE: Final = 4  # of the time that rows wait for, in a hop
_TICK_US: Final = 1_000_000
"""Deadlines are judged at whole seconds, so that those of many devices are judged together."""
_RUNNER_US: Final = 1_000  # to which some runners cut the time of a timer


class _Held(NamedTuple):
    """State and timers of a key, as Beam hands them to a call."""

    rows: Any
    state: Any
    until: Any
    rules: Any
    rows_due: Any
    deadline: Any


@dataclass
class StatefulIncidents(beam.DoFn):
    """Judge the devices of a key; see `shard_of_key`.

    Args:
        rules: the rules in force before the first change.
        shards: number of shards.
        job_id: the job, for its records.
        follows: whether keys are told of changes. Else `rules` are in force, whatever a key has been told in the past.
        warm: folder of the states with which keys begin, see `transforms.incidents.warm_states`; "" for none.
        catalog: units of the metrics, for sentences.
    """

    rules: RuleSet
    shards: int
    job_id: str = ""
    follows: bool = False
    warm: str = ""
    catalog: MetricCatalog = NOT_DESCRIBED
    cache: dict[int, tuple[bytes, IncidentState]] = field(default_factory=dict)

    ROWS = BagStateSpec("rows", BytesCoder())
    STATE = ReadModifyWriteStateSpec("state", BytesCoder())
    UNTIL = ReadModifyWriteStateSpec("until", VarIntCoder())  # microseconds of event time at which `ROWS_DUE` looks
    RULES = ReadModifyWriteStateSpec("rules", BytesCoder())
    ROWS_DUE = TimerSpec("rows_due", TimeDomain.WATERMARK)
    DEADLINE = TimerSpec("deadline", TimeDomain.WATERMARK)

    def process(
        self,
        element: tuple[int, bytes],
        rows: Any = beam.DoFn.StateParam(ROWS),
        state: Any = beam.DoFn.StateParam(STATE),
        until: Any = beam.DoFn.StateParam(UNTIL),
        rules: Any = beam.DoFn.StateParam(RULES),
        rows_due: Any = beam.DoFn.TimerParam(ROWS_DUE),
        deadline: Any = beam.DoFn.TimerParam(DEADLINE),
    ) -> Iterator[pa.RecordBatch]:
        """Take rows, or a change of the rules, in; yield the transitions of what the watermark has passed."""
        shard, content = element
        arrived = decode_shard_rows(content)
        watermark_us = arrived.watermark_us
        held = _Held(rows, state, until, rules, rows_due, deadline)
        if arrived.change:
            timeline = self._timeline(rules.read()).with_change(decode_change(arrived.change))
            rules.write(encode_timeline(timeline))
            yield from self._judge(shard, [], NONE_US if watermark_us is None else watermark_us, held)
            return
        if watermark_us is not None:
            yield from self._judge(shard, [arrived], watermark_us, held)
            return
        rows.add(content)
        if until.read() is None:
            first_us = int(arrived.rows.event_us.min()) if len(arrived.rows) else arrived.start_us
            until.write(first_us + _HOP_US)
            rows_due.set(_at(first_us + _HOP_US + 1, _RUNNER_US))

    @on_timer(ROWS_DUE)
    def on_rows_due(
        self,
        shard: int = beam.DoFn.KeyParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        rows: Any = beam.DoFn.StateParam(ROWS),
        state: Any = beam.DoFn.StateParam(STATE),
        until: Any = beam.DoFn.StateParam(UNTIL),
        rules: Any = beam.DoFn.StateParam(RULES),
        rows_due: Any = beam.DoFn.TimerParam(ROWS_DUE),
        deadline: Any = beam.DoFn.TimerParam(DEADLINE),
    ) -> Iterator[pa.RecordBatch]:
        """Judge rows that the watermark has passed."""
        last_us = until.read()
        if last_us is not None:  # a deadline that was due before it may have put off the time that it was set for
            until_us = min(timestamp.micros, last_us + 1)
            yield from self._judge(shard, [], until_us, _Held(rows, state, until, rules, rows_due, deadline))

    @on_timer(DEADLINE)
    def on_deadline(
        self,
        shard: int = beam.DoFn.KeyParam,
        timestamp: Any = beam.DoFn.TimestampParam,
        rows: Any = beam.DoFn.StateParam(ROWS),
        state: Any = beam.DoFn.StateParam(STATE),
        until: Any = beam.DoFn.StateParam(UNTIL),
        rules: Any = beam.DoFn.StateParam(RULES),
        rows_due: Any = beam.DoFn.TimerParam(ROWS_DUE),
        deadline: Any = beam.DoFn.TimerParam(DEADLINE),
    ) -> Iterator[pa.RecordBatch]:
        """Judge what did not come, unless the stream has only ended."""
        limit_us = deadline_limit_us()
        until_us = timestamp.micros if limit_us is None else min(timestamp.micros, limit_us + 1)
        goes_on = until_us == timestamp.micros
        yield from self._judge(
            shard, [], until_us, _Held(rows, state, until, rules, rows_due, deadline), goes_on=goes_on
        )

    def _judge(
        self,
        key: int,
        arrived: Sequence[ShardRows],
        watermark_us: int,
        held: _Held,
        *,
        goes_on: bool = True,
    ) -> Iterator[pa.RecordBatch]:
        """Judge everything before a watermark, keep the rest, and set the timers, unless the stream has ended."""
        known = held.rules.read() if self.follows else None
        timeline = self._timeline(known)
        shard = shard_of_key(timeline, key, self.shards, self.catalog)
        remembered, changed = shard.begin(self._read(key, held.state))
        parts = [*map(decode_shard_rows, held.rows.read()), *arrived]
        judged = shard.judge(remembered, parts, watermark_us)
        state, last = (judged.state, None) if goes_on else shard.finish(judged.state)
        held.rows.clear()
        held.until.clear()
        waiting = judged.waiting
        if len(waiting):
            held.rows.add(encode_shard_rows(ShardRows(waiting, NONE_US)))
            first_us, last_us = int(waiting.event_us.min()), int(waiting.event_us.max())
            if not arrived:  # the watermark may be far ahead: a backlog of days is passed in some dozen hops
                last_us = min(last_us, first_us + max(_HOP_US, (last_us - first_us) // _SHARE))
            held.until.write(last_us)
            held.rows_due.set(_at(last_us + 1, _RUNNER_US))
        content = encode_incident_state(state)
        held.state.write(content)
        self.cache[key] = content, state
        now_us = state.watermark_us
        if known is not None and (kept := timeline.since(now_us)) != timeline:
            held.rules.write(encode_timeline(kept))
        due_us = shard.next_due_us(state)
        if due_us is None or not goes_on:
            held.deadline.clear()
        else:
            held.deadline.set(_at(due_us + 1, _TICK_US))
        if judged.late:
            counters.count(counters.LATE_FOR_RULES, judged.late)
        yield from tell([changed, judged.transitions, last], self.job_id)

    def _timeline(self, content: bytes | None) -> RulesTimeline:
        """Return the rules of a key, given what it has been told of them."""
        return RulesTimeline.always(self.rules) if content is None else decode_timeline(content)

    def _read(self, key: int, state: Any) -> IncidentState | None:
        """Return the state of a key; a large one is not decoded again while this process is the one that wrote it."""
        content: bytes | None = state.read()
        if content is None:
            return read_warm_state(self.warm, key) if self.warm else None
        cached = self.cache.get(key)
        return cached[1] if cached is not None and cached[0] == content else decode_incident_state(content)


def _at(time_us: int, step_us: int) -> Timestamp:
    """Return the first multiple of a step that is not before a time."""
    return Timestamp(micros=-(-time_us // step_us) * step_us)


def tell(batches: list[pa.RecordBatch | None], job_id: str) -> Iterator[pa.RecordBatch]:
    """Yield transitions as one batch of Incident with the id of the job, if there are any; count them."""
    found = [batch for batch in batches if batch is not None]
    if not found:
        return
    told = concat_record_batches(found)
    states, rules, sequences = (told.column(name).to_pylist() for name in ("state", "rule_id", "sequence"))
    opened = Counter(rule for rule, sequence in zip(rules, sequences, strict=True) if sequence == 1)
    for rule, number in opened.items():
        counters.count(counters.INCIDENTS, number, rule)
    closed = states.count("closed")
    if closed:
        counters.count(counters.INCIDENTS_CLOSED, closed)
    yield with_job(told, job_id)
