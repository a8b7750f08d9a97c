"""Judge readings in event-time order by the job's own evaluation."""

import pyarrow as pa

from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.device_shard import join_transitions
from transforms.incidents.roster_shard import needs_roster_shard, roster_rows, shard_of_key
from transforms.incidents.rows_bytes import ShardRows
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watched_rows import WatchedRows, no_rows

_DEVICES, _ROSTER = 0, 1


class SliceJudge:
    """Rules that follow one another, and what they remember of the slices that they have judged.

    A job on files judges all readings at once, up to the last one. Slices of any size give the same transitions.
    """

    def __init__(self, rules: RulesTimeline, first_us: int) -> None:
        """Begin at the first reading, microseconds UTC."""
        self._rules = rules
        self._shards = [shard_of_key(rules, key, _ROSTER) for key in (_DEVICES, _ROSTER)]
        self._start = ShardRows(no_rows(()), first_us)
        self._states = [shard.begin(None)[0] for shard in self._shards]

    def judge(self, part: TimeSlice) -> pa.RecordBatch | None:
        """Return the transitions of the next slice as Incident records without a job; None if there are none."""
        told = []
        for key, rows in enumerate((part.rows, self._roster_rows(part.rows))):
            parts = [self._start, ShardRows(rows, self._start.start_us)]
            judged = self._shards[key].judge(self._states[key], parts, part.watermark_us)
            self._states[key] = judged.state
            told.append(judged.transitions)
        return join_transitions(told)

    def finish(self) -> pa.RecordBatch | None:
        """Return what is told when no slice is left; None for nothing."""
        ends = zip(self._shards, self._states, strict=True)
        return join_transitions([shard.finish(state)[1] for shard, state in ends])

    def _roster_rows(self, rows: WatchedRows) -> WatchedRows:
        rosters = [change.rules for change in self._rules.changes if needs_roster_shard(change.rules)]
        return roster_rows(rows, rosters[-1]) if rosters else no_rows(())
