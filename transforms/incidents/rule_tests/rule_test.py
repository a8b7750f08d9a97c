"""Define a test of rules: readings, and the incidents that are expected of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from telemetry.rules.rule_set import RuleSet
from transforms.incidents.watched_rows import WatchedRows

Stated: TypeAlias = str | int | float | bool | None
TIMES: Final = ("opened", "closed", "noticed")
"""Fields of an incident that are times, microseconds UTC."""


@dataclass(frozen=True, slots=True)
class ExpectedIncident:
    """An incident as a test expects it.

    Attributes:
        stated: value of each field that must be equal, see `ExpectedFields`; times in microseconds UTC.
        dated: whether times are written as times, and not as offsets from the start.
    """

    stated: Mapping[str, Stated]
    dated: bool = False


@dataclass(frozen=True, slots=True)
class FoundIncident:
    """An incident as the rules have opened it, by its latest transition.

    Attributes:
        values: value of each field, see `ExpectedFields`; times in microseconds UTC.
    """

    values: Mapping[str, Stated]


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test.

    Attributes:
        name: its purpose.
        line: where it begins in its file, from 1.
        start_us: time of the first readings, microseconds UTC.
        until_us: the last time that is judged, microseconds UTC.
        rows: the readings of all devices.
        only: ids of the rules whose incidents are compared; () for all.
        expected: all incidents that are expected of them.
    """

    name: str
    line: int
    start_us: int
    until_us: int
    rows: WatchedRows
    only: tuple[str, ...]
    expected: tuple[ExpectedIncident, ...]


@dataclass(frozen=True, slots=True)
class RuleTestFile:
    """The tests of a file.

    Attributes:
        path: of the file.
        rules: the rules that it tests.
        tests: at least one.
    """

    path: str
    rules: RuleSet
    tests: tuple[RuleTest, ...]
