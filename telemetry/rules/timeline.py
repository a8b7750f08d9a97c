"""Say which rules are in force at which event time."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.rules.rule_set import RuleSet

ALWAYS_US: Final = int(np.iinfo(np.int64).min)
"""Event time at which the first rules of a timeline come into force: that of every reading is later."""


@dataclass(frozen=True, slots=True)
class RulesChange:
    """Rules that come into force.

    Attributes:
        since_us: event time from which on they judge, microseconds UTC; `ALWAYS_US` from the beginning.
        rules: the rules.
        sequence: number of the change within its job, from 1; of two at the same time the later one counts.
    """

    since_us: int
    rules: RuleSet
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class RulesTimeline:
    """Rules that follow one another.

    Attributes:
        changes: at least one, by time and sequence; each is in force until the next one is.
    """

    changes: tuple[RulesChange, ...]

    @classmethod
    def always(cls, rules: RuleSet) -> "RulesTimeline":
        """Return a timeline of rules that never change."""
        return cls((RulesChange(ALWAYS_US, rules),))

    def at(self, time_us: int) -> RuleSet:
        """Return the rules that judge an event time, without devices for which they are shelved then."""
        return self.changes[self._index(time_us)].rules.in_force(time_us)

    def next_us(self, time_us: int) -> int | None:
        """Return the next event time after one at which other rules come into force, or a shelf ends; None if none."""
        index = self._index(time_us)
        ends = [shelf.until_us for shelf in self.changes[index].rules.shelves if shelf.until_us > time_us]
        if index + 1 < len(self.changes):
            ends.append(self.changes[index + 1].since_us)
        return min(ends, default=None)

    @property
    def overall(self) -> RuleSet:
        """Every rule that is in force at any time, as it is last, under the last version."""
        rules = {rule.id: rule for change in self.changes for rule in change.rules.rules}
        last = self.changes[-1].rules
        return RuleSet(tuple(rules.values()), last.incidents, last.roster, version=last.version)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a rule of any time looks at, once each."""
        return tuple(dict.fromkeys(metric for change in self.changes for metric in change.rules.metrics))

    def with_change(self, change: RulesChange) -> "RulesTimeline":
        """Return the timeline with a further change; one that it holds already makes no difference."""
        if change in self.changes:
            return self
        return timeline_of((*self.changes, change))

    def since(self, time_us: int) -> "RulesTimeline":
        """Return the timeline without the changes that others have replaced at a time."""
        return RulesTimeline(self.changes[self._index(time_us) :])

    def _index(self, time_us: int) -> int:
        return max(bisect_right([change.since_us for change in self.changes], time_us) - 1, 0)


def timeline_of(changes: Iterable[RulesChange]) -> RulesTimeline:
    """Return the timeline of at least one change, in any order."""
    return RulesTimeline(tuple(sorted(changes, key=lambda one: (one.since_us, one.sequence))))
