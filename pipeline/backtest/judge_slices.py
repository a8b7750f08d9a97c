"""Judge readings in event-time order by the job's own evaluation."""

import pyarrow as pa

from telemetry.rules.timeline import RulesTimeline
from transforms.incidents.device_shard import DeviceShard
from transforms.incidents.rows_bytes import ShardRows
from transforms.incidents.time_slices import TimeSlice
from transforms.incidents.watched_rows import no_rows


class SliceJudge:
    """Rules that follow one another, and what they remember of the slices that they have judged.

    A job on files judges all readings at once, up to the last one. Slices of any size give the same transitions.
    """

    def __init__(self, rules: RulesTimeline, first_us: int) -> None:
        """Begin at the first reading, microseconds UTC."""
        self._shard = DeviceShard(rules, 0, 1)
        self._start = ShardRows(no_rows(()), first_us)
        self._state, _ = self._shard.begin(None)

    def judge(self, part: TimeSlice) -> pa.RecordBatch | None:
        """Return the transitions of the next slice as Incident records without a job; None if there are none."""
        judged = self._shard.judge(self._state, [self._start, ShardRows(part.rows, self._start.start_us)],
                                   part.watermark_us)  # fmt: skip
        self._state = judged.state
        return judged.transitions
