"""Watch the devices of one shard: keep what rules remember of them, and judge readings as the watermark passes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from telemetry.rules.rule_set import RuleSet
from transforms.incidents.advance import advance
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState, version_of
from transforms.incidents.rows_bytes import ShardRows, join_rows, start_of
from transforms.incidents.track import NONE_US
from transforms.incidents.watched_rows import WatchedRows
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
    """Rules, and the devices of one shard.

    Attributes:
        rules: the rules in force.
        shard: number of the shard.
        shards: how many there are.
    """

    rules: RuleSet
    shard: int
    shards: int

    def begin(self, state: IncidentState | None) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state with which the rules in force go on, and the transitions of incidents that they close.

        Args:
            state: of these rules or of others; None at the beginning.
        """
        if state is not None and {name: one.version for name, one in state.rules.items()} == {
            rule.id: version_of(rule) for rule in self.rules.rules
        }:
            return state, None
        roster = self.rules.roster.devices if self.rules.roster is not None else ()
        return with_rules(self.rules, state, [name for name in roster if shard_of(name, self.shards) == self.shard])

    def judge(self, state: IncidentState, parts: Sequence[ShardRows], watermark_us: int) -> ShardStep:
        """Judge everything before a watermark.

        Args:
            state: of the rules in force.
            parts: all rows that wait, and new ones.
            watermark_us: microseconds UTC.
        """
        start_us = start_of(parts)
        if start_us != NONE_US and (state.start_us == NONE_US or start_us < state.start_us):
            state = replace(state, start_us=start_us)
        rows = join_rows([part.rows for part in parts], self.rules.metrics)
        before = rows.event_us < watermark_us
        late = int((rows.event_us < state.watermark_us).sum())
        state, transitions = advance(self.rules, state, rows.select(before), watermark_us)
        return ShardStep(state, rows.select(~before), transitions, late)
