"""Keep what rules remember of each series, as arrays, and their incidents in tables beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.rules.conditions import Combination, Condition, Rate, Silence, WindowStatistic
from telemetry.rules.rule import Rule
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.unusual import LearnedStuck, Unusual
from telemetry.rules.version import rule_version
from transforms.baselines.fields import learned_fields
from transforms.incidents.source_silence import SourceState
from transforms.series.memory import SeriesColumns, fresh
from transforms.series.track import NONE_US, RowArray

StateColumns = SeriesColumns
IDLE, BREACHING, CLEAR = range(3)
"""Phases of a series: the run that its last reading is in. `CLEAR` is kept only while it matters, for `keep`."""
LATCH: Final[Mapping[str, Any]] = {
    "since_us": np.int64(NONE_US),
    "breached_us": np.int64(NONE_US),
    "worst": np.float64("nan"),
    "readings": np.int32(0),
    "phase": np.uint8(IDLE),
    "open": np.bool_(False),
}
"""SeriesColumns by which runs are followed, with their values before the first reading."""
_SUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "mean": ("total",),
    "min": ("low",),
    "max": ("high",),
    "range": ("low", "high"),
    "first": ("first",),
    "last": ("last",),
    "stddev": ("first", "off", "off_squared"),
    "count": (),
    "quantile": (),
}


def columns_of(condition: Condition) -> dict[str, Any]:
    """Return the columns of a condition's series, with the value that each has before the first reading.

    Times are microseconds UTC, `NONE_US` for none. All conditions but silence have the start of the present run of
    breaching or clear readings, the time of the latest breaching reading, the worst value (for `Stuck` the first value
    of the run, for `Combination` none), the number of breaching readings, the phase, and whether the condition holds.

    ===================  =====================================================================  =======
    condition            besides                                                                bytes
    ===================  =====================================================================  =======
    ``Threshold``                                                                               30
    ``Stuck``                                                                                   30
    ``Silence``          time of the latest reading; for a number of intervals their mean and   9 or 18
                         how many there were, up to 10; nothing of the above but the last
    ``Rate``             of consecutive readings: time and value of the reading before          46
    ``Combination``      time and truth (1 breaches, -1 is clear, 0 is between) of each part    22 + 9
    ``WindowStatistic``  start and number of readings of the present window, up to three sums   42 - 66
    ``Unusual``          score of the worst value; what is usual, see `transforms.baselines`    90 - 430
    ``LearnedStuck``     likewise                                                               98
    ===================  =====================================================================  =======

    Encoded, a series that neither breaches nor is open takes less: all but the last column are empty then.
    """
    own: dict[str, Any] = {}
    if isinstance(condition, Silence):
        counted = {"interval_us": np.float64("nan"), "intervals": np.uint8(0)}
        own = {"open": LATCH["open"], "seen_us": np.int64(NONE_US)}
        return own if condition.intervals is None else own | counted
    if isinstance(condition, Rate) and condition.over_us is None:
        own = {"previous_us": np.int64(NONE_US), "previous": np.float64("nan")}
    elif isinstance(condition, WindowStatistic):
        sums = {name: np.float64("nan") for name in _SUMS[condition.statistic]}
        own = {"window_us": np.int64(NONE_US), "count": np.int32(0), **sums}
    elif isinstance(condition, Unusual | LearnedStuck):
        own = {"worst_score": np.float64("nan"), **learned_fields(condition)}
        if isinstance(condition, Unusual) and condition.window_us:
            own |= {"window_us": np.int64(NONE_US), "count": np.int32(0), "total": np.float64("nan")}
    elif isinstance(condition, Combination):
        for number in range(len(condition.parts)):
            own |= {f"part{number}_us": np.int64(NONE_US), f"part{number}": np.int8(0)}
        return {name: value for name, value in LATCH.items() if name != "worst"} | own
    return {**LATCH, **own}


def fresh_columns(condition: Condition, series: int) -> StateColumns:
    """Return the columns of a condition for some series without a reading."""
    return fresh(columns_of(condition), series)


@lru_cache(maxsize=1024)
def version_of(rule: Rule) -> str:
    """Return the hash of a rule, which is computed once: a rule may have bounds of very many devices."""
    return rule_version(rule)


class Episode(msgspec.Struct, array_like=True):
    """The incident of one rule and series, open or closed a short while ago. Times are microseconds UTC.

    Attributes:
        opened_us: time of the first breaching reading; part of the incident's id.
        sequence: number of its transitions so far.
        told_us: time of the last transition.
        closed_us: when it closed; None while it is open.
        first: whether it was the first of its device to open within a minute.
        flapping: whether it stays open until the series is calm.
        readings: breaching readings before the present opening of the series.
        worst: worst value before the present opening; None if there is none.
        breached_us: time of the latest breaching reading before the present opening.
        candidate_us: time of the latest reading at which a flapping series would have opened.
        openings_us: times at which the series opened, as far as they count for flapping.
        worst_score: score of `worst`, of a condition that learns; None if there is none.
    """

    opened_us: int
    sequence: int = 0
    told_us: int = NONE_US
    closed_us: int | None = None
    first: bool = False
    flapping: bool = False
    readings: int = 0
    worst: float | None = None
    breached_us: int = NONE_US
    candidate_us: int = NONE_US
    openings_us: tuple[int, ...] = ()
    worst_score: float | None = None


@dataclass(frozen=True, slots=True)
class KeptValues:
    """K readings that a rule keeps as they are, sorted by slot and time.

    Attributes:
        slot: (K,) index of the series into the columns of the rule's state.
        time_us: (K,) event time, microseconds UTC.
        value: (K,) value.
    """

    slot: RowArray = field(default_factory=lambda: np.empty(0, np.intp))
    time_us: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    value: FloatArray = field(default_factory=lambda: np.empty(0))

    def select(self, rows: BoolArray | RowArray) -> "KeptValues":
        """Return some of the readings."""
        return KeptValues(self.slot[rows], self.time_us[rows], self.value[rows])


@dataclass(frozen=True, slots=True)
class RuleState:
    """Memory of one rule about the A series that it applies to.

    Attributes:
        version: hash of the rule.
        metric: the metric that it judges; part of its incidents' ids.
        severity: how much it matters, for incidents that end with it.
        condition: name of its condition, likewise.
        since_us: the watermark when the rule came into force, microseconds UTC; `NONE_US` from the beginning.
        members: (A,) index of each series' device into the devices of the state, ascending.
        columns: arrays (A,), see `columns_of`.
        kept: readings that are kept as they are: by `Rate` those of the last `over`, by a quantile those of the window.
        sketches: encoded sketch of the earlier readings of a window with very many, by slot.
        episodes: incidents by slot: the open ones, and closed ones that can open again or count for flapping.
        shelved: globs of the devices that are no members because the rule is shelved for them.
    lesson: equal for rules that learn the same, see `lesson_of`; "" for a rule that does not learn.
    """

    version: str
    metric: str
    severity: str
    condition: str
    since_us: int
    members: CodeArray
    columns: StateColumns
    kept: KeptValues = field(default_factory=KeptValues)
    sketches: dict[int, bytes] = field(default_factory=dict)
    episodes: dict[int, Episode] = field(default_factory=dict)
    shelved: tuple[str, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, slots=True)
class IncidentState:
    """Memory of the rules of a set about D devices.

    A state is a value: `advance` returns another one.

    Attributes:
        watermark_us: everything before it is judged, microseconds UTC.
        start_us: earliest event time of any reading, microseconds UTC; `NONE_US` before the first reading.
        devices: names, in the order of their first reading; those of a roster come first.
        expected: (D,) whether the device is on the roster.
        seen_us: (D,) time of the device's latest reading, microseconds UTC.
        first_us: (D,) time of the latest opening that was the first of the device within a minute, microseconds UTC.
        rules: state of each rule, by its id.
        sources: what is held back of the devices of a roster that are silent, by the id of the rule.
        codes: index of each device.
    """

    watermark_us: int = NONE_US
    start_us: int = NONE_US
    devices: tuple[str, ...] = ()
    expected: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))
    seen_us: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    first_us: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    rules: dict[str, RuleState] = field(default_factory=dict)
    sources: dict[str, SourceState] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict, repr=False, compare=False)


def is_of(state: IncidentState, rules: RuleSet) -> bool:
    """Return whether a state is what these rules remember, for the devices that they are not shelved for."""
    if len(state.rules) != len(rules.rules):
        return False
    found = (state.rules.get(rule.id) for rule in rules.rules)
    return all(
        remembered is not None and remembered.version == version_of(rule) and remembered.shelved == rule.shelved
        for rule, remembered in zip(rules.rules, found, strict=True)
    )
