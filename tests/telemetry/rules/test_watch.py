"""A thread that looks at a rules file."""

import queue
import threading
from collections.abc import Iterator
from typing import cast

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.follower import RulesFollower
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.watch import RulesWatch

Look = RuleSet | Exception | None


class Follower:
    """Finds what was prepared, and then says that all of it was looked at."""

    def __init__(self, *found: Look) -> None:
        self.left: queue.SimpleQueue[Look] = queue.SimpleQueue()
        for one in found:
            self.left.put(one)
        self.done = threading.Event()

    def look(self) -> RuleSet | None:
        if self.left.empty():
            self.done.set()
            return None
        found = self.left.get()
        if isinstance(found, Exception):
            raise found
        return found


def seen(*found: Look) -> list[RuleSet | str]:
    follower = Follower(*found)
    watch = RulesWatch(cast(RulesFollower, follower), 1)
    assert watch.take() is None
    watch.start()
    assert follower.done.wait(60)
    watch.stop()

    def taken() -> Iterator[RuleSet | str]:
        while (one := watch.take()) is not None:
            yield str(one) if isinstance(one, RuleError) else one

    return list(taken())


def test_changes_and_problems_come_in_their_order() -> None:
    rules = RuleSet([])
    assert seen(None, rules, RuleError("line 3: no"), None, rules) == [rules, "line 3: no", rules]


@pytest.mark.parametrize("error", [ValueError("the\nservice"), KeyError("k")])
def test_an_unexpected_error_is_told_once_and_ends_nothing(error: Exception) -> None:
    rules = RuleSet([])
    problem, last = seen(error, error, rules)
    assert (problem, last) == (" ".join(f"{type(error).__name__}: {error}".split()), rules)
