"""Say which rules are in force now.

A local stream says it itself, between two pulls, so that a pull that is read again from the journal is judged by the
same rules. The workers of a remote runner look at the rules file, each for itself.
"""

import logging
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Final

from telemetry.process_value import ProcessValue
from telemetry.rules.errors import RuleError
from telemetry.rules.follower import FollowedRules, RulesFollower
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.watch import RulesWatch

_LOG: Final = logging.getLogger(__name__)
_TOLD: Final[ProcessValue[Callable[[], RuleSet] | None]] = ProcessValue(None)
telling_rules = _TOLD.replaced
"""Say for the time of a block which rules are in force: with a function that returns them."""


class WatchedRules:
    """Rules of a file that a thread of this process looks at."""

    def __init__(self, followed: FollowedRules, rules: RuleSet) -> None:
        """Begin to look; see `RulesFollower` and `RulesWatch`."""
        self._rules = rules
        self._lock = Lock()
        self._watch = RulesWatch(RulesFollower(followed.path, followed.metrics, rules), followed.every_us)
        self._watch.start()

    def __call__(self) -> RuleSet:
        """Return the rules that were valid last."""
        with self._lock:
            while (found := self._watch.take()) is not None:
                if isinstance(found, RuleError):
                    _LOG.debug("the rules stay as they are: %s", found)  # the step that follows the file warns
                else:
                    self._rules = found
            return self._rules


_watched = lru_cache(maxsize=4)(WatchedRules)  # one thread for all steps of this process


def rules_in_force(rules: RuleSet, followed: FollowedRules | None) -> RuleSet:
    """Return the rules that are in force.

    Args:
        rules: those of the start.
        followed: the rules file, for the worker of a remote runner; None if the rules never change, or are told.
    """
    told = _TOLD.get()
    if told is not None:
        return told()
    return rules if followed is None else _watched(followed, rules)()
