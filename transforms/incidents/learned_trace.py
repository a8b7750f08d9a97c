"""Trace what rules that learn make of each reading, for pictures: how unusual it is, and what was expected."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.incidents.advance import watches_of
from transforms.incidents.change_rules import with_rules
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.judge import judge
from transforms.incidents.judge_learned import learn
from transforms.incidents.time_slices import TimeSlice


@dataclass(frozen=True, slots=True)
class LearnedTrace:
    """N readings of a device, or means of readings, as a rule that learns judged them.

    Attributes:
        rule: the rule.
        device: its name.
        time_us: (N,) event time, microseconds UTC, ascending.
        value: (N,) what was judged; NaN for several metrics together.
        score: (N,) how unusual it is; NaN where nothing can be said.
        expected: (N,) the usual value, in the metric's unit; NaN where there is none.
        spread: (N,) the standard deviation of usual values, likewise.
    """

    rule: Rule
    device: str
    time_us: IntArray
    value: FloatArray
    score: FloatArray
    expected: FloatArray
    spread: FloatArray


def learns(rule: Rule) -> bool:
    """Return whether a rule learns from readings."""
    return isinstance(rule.condition, Unusual | LearnedStuck)


class LearnedTracer:
    """Rules that learn, and what they know after the slices so far.

    Judging is the job's own; only what it makes of each reading is kept here, which the job does not need.
    """

    def __init__(self, rules: RuleSet, wanted: Collection[tuple[str, str]] | None = None) -> None:
        """Begin without a reading.

        Args:
            rules: all of the file, as those on silence limit the gaps of others.
            wanted: rule and device of each series to trace; None for all.
        """
        self._rules, self._wanted = rules, wanted
        self._state: IncidentState = with_rules(rules)[0]

    def trace(self, part: TimeSlice) -> Iterator[LearnedTrace]:
        """Yield what the rules make of the readings of the next slice, one rule and device after the other."""
        rows = part.rows
        if self._wanted is not None:
            devices = {device for _, device in self._wanted}
            mine = np.array([name in devices for name in rows.devices], np.bool_)
            rows = rows.select(mine[rows.device])
        state, watches = watches_of(self._rules, self._state, rows, part.watermark_us)
        after = dict(state.rules)
        for name, learning in learn(watches).items():
            (watch,) = (one for one in watches if one.rule.id == name)
            _, after[name] = judge(watch, learning)
            scores = learning.scores
            track, score, expected, spread = scores.track, scores.score, scores.expected, scores.spread
            for slot, start, end in zip(track.slots.tolist(), track.starts.tolist(), track.ends.tolist(), strict=True):
                device = state.devices[int(watch.state.members[slot])]
                if self._wanted is None or (name, device) in self._wanted:
                    some = slice(start, end)
                    yield LearnedTrace(
                        watch.rule, device, track.time_us[some], track.value[some], score[some], expected[some],
                        spread[some],
                    )  # fmt: skip
        self._state = replace(state, rules=after, watermark_us=part.watermark_us)
