"""Notice that a rules file, or a file that belongs to it, has changed."""

from collections.abc import Sequence
from typing import NamedTuple

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import named_files, parse_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelves import load_shelves, shelves_path
from telemetry.rules.side_files import read_named
from telemetry.storage.files import StorageError, stamp


class FollowedRules(NamedTuple):
    """A rules file that may change while a job runs.

    Attributes:
        path: on any Beam filesystem.
        metrics: those that the job decodes.
        every_us: time between two looks at it, microseconds.
    """

    path: str
    metrics: tuple[str, ...]
    every_us: int


def load_live_rules(path: str, metrics: Sequence[str]) -> RuleSet:
    """Return the rules of a file for a job that decodes some metrics, with what is shelved beside it.

    Raises:
        RuleError: if a file cannot be used, or a rule looks at another metric.
    """
    rules = parse_rules(read_named(path), path).with_shelves(load_shelves(path))
    rules.check_metrics(metrics)
    return rules


class RulesFollower:
    """A rules file on any Beam filesystem, the files that it names and that of its shelves.

    A change counts when two looks have found the same: an editor may write a file in several parts.

    Args:
        path: of the rules file.
        metrics: those that the job decodes.
        rules: the rules that are in force.

    Attributes:
        latest: the rules as they were read last; None before the second look.
    """

    def __init__(self, path: str, metrics: Sequence[str], rules: RuleSet) -> None:
        """Follow the file from now on; a change since `rules` were read counts."""
        self._path = path
        self._metrics = tuple(metrics)
        self.latest: RuleSet | None = None
        self._version = rules.version
        self._files = [path, shelves_path(path)]
        self._judged: tuple[str, ...] | None = None  # stamps of the files when they were read
        self._seen: tuple[str, ...] | None = None  # at the look before
        self._problem = ""

    def look(self) -> RuleSet | None:
        """Return the rules if they have changed, else None.

        Raises:
            RuleError: if they have, and cannot be used; once for each problem.
        """
        try:
            stamps = tuple(map(stamp, self._files))
            before, self._seen = self._seen, stamps
            if stamps == self._judged or stamps != before:
                return None
            self._files = [self._path, shelves_path(self._path), *named_files(read_named(self._path), self._path)]
            rules = load_live_rules(self._path, self._metrics)
        except StorageError as error:
            self._refuse(RuleError(error.problem))
            return None
        except RuleError as error:
            self._judged = self._seen
            self._refuse(error)
            return None
        # Files that the rules have begun to name were not looked at before: they are judged by the next two looks.
        self._judged = stamps
        self._problem = ""
        self.latest = rules
        if rules.version == self._version:
            return None
        self._version = rules.version
        return rules

    def _refuse(self, error: RuleError) -> None:
        if str(error) != self._problem:
            self._problem = str(error)
            raise error
