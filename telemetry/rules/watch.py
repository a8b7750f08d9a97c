"""Look at a rules file again and again while a local stream runs."""

import queue
import threading
from typing import Final

from telemetry.rules.errors import RuleError
from telemetry.rules.follower import RulesFollower
from telemetry.rules.rule_set import RuleSet

_MICROS: Final = 1_000_000


class RulesWatch:
    """A thread that looks at a rules file, which may lie in a bucket that answers slowly.

    Args:
        follower: of the file.
        every_us: time between two looks, microseconds.
    """

    def __init__(self, follower: RulesFollower, every_us: int) -> None:
        """Prepare the thread."""
        self._follower = follower
        self._every_s = every_us / _MICROS
        self._found: queue.SimpleQueue[RuleSet | RuleError] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rules-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def take(self) -> RuleSet | RuleError | None:
        """Return the next change that was found: rules, or why they cannot be used; None if there is none."""
        try:
            return self._found.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        unexpected = ""
        while not self._stop.wait(self._every_s):
            try:
                rules = self._follower.look()
            except RuleError as error:
                self._found.put(error)
                continue
            except Exception as error:  # noqa: BLE001 - a thread that ends would leave the rules as they are, unseen
                problem = " ".join(f"{type(error).__name__}: {error}".split())
                if problem != unexpected:
                    self._found.put(RuleError(problem))
                unexpected = problem
                continue
            if rules is not None:
                self._found.put(rules)
