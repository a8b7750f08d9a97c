"""Judge all readings of a source in event-time order, without a runner."""

import pyarrow as pa

from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.device_shard import join_transitions
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.roster_shard import needs_roster_shard, roster_rows, shard_of_key
from transforms.incidents.rows_bytes import ShardRows, split_rows
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watched_rows import WatchedRows, no_rows


class SliceJudge:
    """Rules that follow one another, and what they remember of the slices that they have judged.

    A job on files judges all readings at once, up to the last one. Slices of any size give the same transitions.

    Attributes:
        states: what the rules remember, by key: of each shard of devices, and behind them of the roster.
    """

    def __init__(
        self, rules: RulesTimeline, first_us: int, shards: int = 1, catalog: MetricCatalog = NOT_DESCRIBED
    ) -> None:
        """Begin at the first reading, microseconds UTC; `catalog` has the units for sentences."""
        self._rosters = [change.rules for change in rules.changes if needs_roster_shard(change.rules)]
        self._first_us = first_us
        self._shards = [shard_of_key(rules, key, shards, catalog) for key in range(shards + 1)]
        self.states: list[IncidentState] = [shard.begin(None)[0] for shard in self._shards]

    def judge(self, part: TimeSlice) -> pa.RecordBatch | None:
        """Return the transitions of the next slice as Incident records without a job; None if there are none."""
        roster = len(self._shards) - 1
        found: dict[int, WatchedRows] = dict(split_rows(part.rows, roster))
        if self._rosters:
            found[roster] = roster_rows(part.rows, self._rosters[-1])
        told = []
        for key, shard in enumerate(self._shards):
            rows = ShardRows(found.get(key, no_rows(())), self._first_us)
            judged = shard.judge(self.states[key], [rows], part.watermark_us)
            self.states[key] = judged.state
            told.append(judged.transitions)
        return join_transitions(told)

    def finish(self) -> pa.RecordBatch | None:
        """Return what is told when no slice is left; None for nothing."""
        ends = zip(self._shards, self.states, strict=True)
        return join_transitions([shard.finish(state)[1] for shard, state in ends])
