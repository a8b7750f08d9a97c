"""Watch the silence of the devices of a roster together, wherever their other rules are judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.model.record_batches import from_records, to_records
from telemetry.model.records import Incident
from telemetry.rules.conditions import Silence
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesChange, RulesTimeline
from transforms.incidents.device_shard import DeviceShard, ShardStep, join_transitions
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.rows_bytes import ShardRows, join_rows, with_own_devices
from transforms.incidents.source_silence import advance_source, next_release_us
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US


def needs_roster_shard(rules: RuleSet) -> bool:
    """Return whether rules look at the silence of expected devices."""
    return rules.roster is not None and any(isinstance(rule.condition, Silence) for rule in rules.rules)


def roster_rows(rows: WatchedRows, rules: RuleSet) -> WatchedRows:
    """Return the rows of expected devices, with what rules on silence look at; NaN for a metric that they lack."""
    assert rules.roster is not None, "the caller has looked"
    wanted = np.array([name in rules.roster for name in rows.devices], np.bool_)
    return with_own_devices(join_rows([rows.select(wanted[rows.device])], _of_silence(rules).metrics))


@dataclass(frozen=True, slots=True)
class RosterShard:
    """All devices of a roster, and the rules on their silence.

    Attributes:
        timeline: which rules are in force when.
    """

    timeline: RulesTimeline

    def begin(self, state: IncidentState | None) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state with which the rules in force go on; see `DeviceShard.begin`."""
        begun, closed = self._devices().begin(state)
        if closed is None:
            return begun, None
        return self._tell(begun, closed, begun.watermark_us)

    def judge(self, state: IncidentState, parts: Sequence[ShardRows], watermark_us: int) -> ShardStep:
        """Judge everything before a watermark; see `DeviceShard.judge`. The shard of a device counts late readings.

        Args:
            state: of the rules in force.
            parts: all rows that wait, and new ones.
            watermark_us: microseconds UTC.
        """
        devices = self._devices()
        told: list[pa.RecordBatch | None] = []
        while True:
            change_us = self.timeline.next_us(state.watermark_us)
            until_us = watermark_us if change_us is None else min(change_us, watermark_us)
            step = devices.judge(state, parts, until_us)
            last = until_us == watermark_us
            state, batch = self._tell(step.state, step.transitions, until_us)
            told.append(batch)
            if last:
                return ShardStep(state, step.waiting, join_transitions(told), 0)
            parts = [ShardRows(step.waiting, NONE_US)]

    def finish(self, state: IncidentState) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state at the end of all readings, and the devices that were held back until then."""
        return self._tell(state, None, -NONE_US)

    def next_due_us(self, state: IncidentState) -> int | None:
        """Return the next event time at which there is something to judge though no reading comes; None for none."""
        due_us = (self._devices().next_due_us(state), next_release_us(state.sources))
        return min((time_us for time_us in due_us if time_us is not None), default=None)

    def _devices(self) -> DeviceShard:
        changes = (RulesChange(one.since_us, _of_silence(one.rules), one.sequence) for one in self.timeline.changes)
        return DeviceShard(RulesTimeline(tuple(changes)), 0, 1)

    def _tell(
        self, state: IncidentState, found: pa.RecordBatch | None, until_us: int
    ) -> tuple[IncidentState, pa.RecordBatch | None]:
        """Return the state and the transitions to tell, given those that the devices have made."""
        if found is None and not state.sources:
            return state, None
        rules = self.timeline.at(state.watermark_us)
        members = {rule.id: _members(rule, rules.roster) for rule in rules.rules if rules.roster is not None}
        transitions = [] if found is None else to_records(Incident, found)
        sources, told = advance_source(state.sources, transitions, members, until_us)
        return replace(state, sources=sources), from_records(Incident, told) if told else None


@lru_cache(maxsize=256)
def _members(rule: Rule, roster: Roster) -> int:
    """Return the number of expected devices that a rule applies to."""
    return len(roster.devices) if rule.matches_all else sum(map(rule.matches, roster.devices))


def _of_silence(rules: RuleSet) -> RuleSet:
    """Return the rules on the silence of a roster, under the version of all of them; none without a roster."""
    kept = [rule for rule in rules.rules if isinstance(rule.condition, Silence)] if rules.roster is not None else []
    return RuleSet(kept, rules.incidents, rules.roster, rules.shelves, rules.version)


def shard_of_key(
    timeline: RulesTimeline, key: int, shards: int, catalog: MetricCatalog = NOT_DESCRIBED
) -> DeviceShard | RosterShard:
    """Return what a key stands for: one of the shards of all devices, or behind them the roster, which needs no units.

    Args:
        timeline: which rules are in force when.
        key: number of the shard, from 0.
        shards: of all devices.
        catalog: units of the metrics, for sentences.
    """
    if key == shards:
        return RosterShard(timeline)
    return DeviceShard(timeline, key, shards, roster_apart=True, catalog=catalog)
