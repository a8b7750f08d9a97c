"""Watch the devices of one shard: keep what rules remember of them, and judge readings as the watermark passes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import concat_record_batches
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState, is_of
from transforms.incidents.next_due import next_due_us
from transforms.incidents.rows_bytes import ShardRows, join_rows, start_of
from transforms.incidents.transitions import SILENCE
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US
from transforms.shuffle.shards import shard_of


@dataclass(frozen=True, slots=True)
class ShardStep:
    """Result of moving a shard's watermark.

    Attributes:
        state: what the rules remember now.
        waiting: rows that are not before the watermark.
        transitions: record batch of Incident without a job; None if there are none.
        late: number of rows that came when the watermark had passed them, and were left out.
    """

    state: IncidentState
    waiting: WatchedRows
    transitions: pa.RecordBatch | None
    late: int


@dataclass(frozen=True, slots=True)
class DeviceShard:
    """Rules that follow one another, and the devices of one shard.

    Attributes:
        timeline: which rules are in force when.
        shard: number of the shard.
        shards: how many there are.
        roster_apart: whether the silence of devices of the roster is told elsewhere; see `RosterShard`.
        catalog: units of the metrics, for sentences.
    """

    timeline: RulesTimeline
    shard: int
    shards: int
    roster_apart: bool = False
    catalog: MetricCatalog = NOT_DESCRIBED

    def begin(self, state: IncidentState | None) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state with which the rules in force go on, and the transitions of incidents that they close.

        Args:
            state: of these rules or of others; None at the beginning.
        """
        rules = self.timeline.at(NONE_US if state is None else state.watermark_us)
        if state is not None and is_of(state, rules):
            return state, None
        roster = rules.roster.devices if rules.roster is not None else ()
        expected = [name for name in roster if shard_of(name, self.shards) == self.shard]
        begun, closed = with_rules(rules, state, expected)
        return begun, closed if state is None else self._told_here(closed, state)

    def judge(self, state: IncidentState, parts: Sequence[ShardRows], watermark_us: int) -> ShardStep:
        """Judge everything before a watermark, each time with the rules that are in force then.

        Args:
            state: of the rules in force.
            parts: all rows that wait, and new ones.
            watermark_us: microseconds UTC.
        """
        start_us = start_of(parts)
        if start_us != NONE_US and (state.start_us == NONE_US or start_us < state.start_us):
            state = replace(state, start_us=start_us)
        given = [part.rows for part in parts]
        rows = join_rows(given, tuple(dict.fromkeys(name for one in given for name in one.metrics)))
        late = rows.event_us < state.watermark_us
        if late.any():
            rows = rows.select(~late)  # else they would wait, and be counted again, until the watermark moves
        told: list[pa.RecordBatch | None] = []
        while state.watermark_us < watermark_us:
            change_us = self.timeline.next_us(state.watermark_us)
            until_us = watermark_us if change_us is None else min(change_us, watermark_us)
            before = rows.event_us < until_us
            rules = self.timeline.at(state.watermark_us)
            given_now = _narrowed(rows.select(before), rules)
            state, transitions = advance(rules, state, given_now, until_us, self.catalog)
            told.append(self._told_here(transitions, state))
            rows = rows.select(~before)
            if until_us == change_us:
                state, closed = self.begin(state)
                told.append(closed)
        return ShardStep(state, rows, join_transitions(told), int(late.sum()))

    def finish(self, state: IncidentState) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state at the end of all readings, and what was not told before: nothing."""
        return state, None

    def next_due_us(self, state: IncidentState) -> int | None:
        """Return the next event time at which there is something to judge though no reading comes; None for none."""
        now_us = state.watermark_us
        due_us = (next_due_us(self.timeline.at(now_us), state), self.timeline.next_us(now_us))
        return min((time_us for time_us in due_us if time_us is not None), default=None)

    def _told_here(self, batch: pa.RecordBatch | None, state: IncidentState) -> pa.RecordBatch | None:
        """Return transitions without those of silent devices of the roster, if these are told elsewhere."""
        if batch is None or not self.roster_apart or not state.expected.any():
            return batch
        expected = pa.array([name for name, flag in zip(state.devices, state.expected, strict=True) if flag])
        apart = pc.and_(pc.equal(batch.column("condition"), SILENCE), pc.is_in(batch.column("device"), expected))
        here = batch.filter(pc.invert(apart))
        return here if len(here) else None


def _narrowed(rows: WatchedRows, rules: RuleSet) -> WatchedRows:
    """Return rows with the metrics of some rules only."""
    return rows if rows.metrics == rules.metrics else join_rows([rows], rules.metrics)


def join_transitions(batches: Sequence[pa.RecordBatch | None]) -> pa.RecordBatch | None:
    """Return batches of transitions as one; None if there are none."""
    found = [batch for batch in batches if batch is not None]
    return concat_record_batches(found) if found else None
