"""Score incidents against faults that are known.

An opening counts for a fault of its device from the start of the fault to `AFTER_US` after its end. An incident is
false if each of its openings has no fault of its device within `FALSE_AFTER_US` before it. Incidents between the two
are late: they count neither for nor against a rule. A benign event is alarmed if a false incident of its device opens
from its start to `AFTER_US` after its end.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from pipeline.backtest.labels import LabelledEpisode, Labels
from pipeline.backtest.past_incidents import PastIncident

AFTER_US: Final = 30_000_000
FALSE_AFTER_US: Final = 120_000_000


@dataclass(frozen=True, slots=True)
class KindScore:
    """Faults of one kind, and how many of them were found.

    Attributes:
        kind: the kind; "" for all.
        faults: how many there are.
        found: how many have an incident.
        median_us: median time from the start of a found fault to the first opening, microseconds; None for none.
    """

    kind: str
    faults: int
    found: int
    median_us: float | None

    @property
    def recall(self) -> float | None:
        """Share of the faults that were found, 0 to 1; None without a fault."""
        return self.found / self.faults if self.faults else None


@dataclass(frozen=True, slots=True)
class BenignScore:
    """Benign events of one kind, and how many of them were taken for a fault.

    Attributes:
        kind: the kind.
        events: how many there are.
        alarmed: how many have a false incident.
    """

    kind: str
    events: int
    alarmed: int


@dataclass(frozen=True, slots=True)
class RuleScore:
    """Incidents of one rule, the faults that it found, and the benign events that it took for faults.

    Attributes:
        rule_id: the rule; "" for all.
        incidents: how many there are.
        true: how many count for a fault.
        false: how many have no fault near.
        kinds: the faults of each kind, then of all kinds.
        benign: the benign events of each kind.
    """

    rule_id: str
    incidents: int
    true: int
    false: int
    kinds: tuple[KindScore, ...]
    benign: tuple[BenignScore, ...] = ()

    @property
    def late(self) -> int:
        """Incidents that count neither for nor against the rule: they opened too late for a fault that has ended."""
        return self.incidents - self.true - self.false

    @property
    def precision(self) -> float | None:
        """Share of the true incidents among those that are true or false, 0 to 1; None if there are none."""
        counted = self.true + self.false
        return self.true / counted if counted else None


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Scores of a set of rules.

    Attributes:
        rules: of each rule, in the order of the file.
        total: of all rules together.
    """

    rules: tuple[RuleScore, ...]
    total: RuleScore


def score_incidents(rule_ids: Sequence[str], incidents: Sequence[PastIncident], labels: Labels) -> LabelScore:
    """Return the scores of incidents.

    Args:
        rule_ids: of all rules, in the order of the file.
        incidents: of these rules.
        labels: of the time of the readings.
    """
    by_rule: dict[str, list[PastIncident]] = {name: [] for name in rule_ids}
    for one in incidents:
        by_rule[one.rule_id].append(one)
    scores = tuple(_score(name, mine, labels) for name, mine in by_rule.items())
    return LabelScore(scores, _score("", incidents, labels))


def _score(rule_id: str, incidents: Sequence[PastIncident], labels: Labels) -> RuleScore:
    openings: dict[str, list[int]] = defaultdict(list)
    for one in incidents:
        openings[one.device] += one.told_us
    for times in openings.values():
        times.sort()
    whole_source = openings.get("", [])
    delays: dict[str, list[int | None]] = defaultdict(list)
    for fault in labels.faults:
        first = [_first_within(times, fault) for times in (openings.get(fault.device, []), whole_source)]
        delays[fault.kind].append(min((time - fault.start_us for time in first if time is not None), default=None))
    kinds = [_kind_score(kind, delays[kind]) for kind in sorted(delays)]
    kinds.append(_kind_score("", [delay for some in delays.values() for delay in some]))
    near = _Faults(labels.faults)
    true = sum(any(near.within(one.device, time, AFTER_US) for time in one.told_us) for one in incidents)
    false = [one for one in incidents
             if not any(near.within(one.device, time, FALSE_AFTER_US) for time in one.told_us)]  # fmt: skip
    return RuleScore(rule_id, len(incidents), true, len(false), tuple(kinds), _benign_scores(false, labels.benign))


def _benign_scores(false: Sequence[PastIncident], benign: Sequence[LabelledEpisode]) -> tuple[BenignScore, ...]:
    times: dict[str, list[int]] = defaultdict(list)
    for one in false:
        times[one.device] += one.told_us
    for some in times.values():
        some.sort()
    alarmed: dict[str, list[bool]] = defaultdict(list)
    for event in benign:
        found = (_first_within(times.get(device, []), event) for device in (event.device, ""))
        alarmed[event.kind].append(any(time is not None for time in found))
    return tuple(BenignScore(kind, len(alarmed[kind]), sum(alarmed[kind])) for kind in sorted(alarmed))


def _first_within(times: Sequence[int], fault: LabelledEpisode) -> int | None:
    index = bisect_left(times, fault.start_us)
    return times[index] if index < len(times) and times[index] <= fault.end_us + AFTER_US else None


def _kind_score(kind: str, delays: Iterable[int | None]) -> KindScore:
    all_of = list(delays)
    found = [delay for delay in all_of if delay is not None]
    return KindScore(kind, len(all_of), len(found), median(found) if found else None)


class _Faults:
    """Faults by device."""

    def __init__(self, faults: Sequence[LabelledEpisode]) -> None:
        self._of: dict[str, list[LabelledEpisode]] = defaultdict(list)
        for fault in faults:
            self._of[fault.device].append(fault)
        self._all = faults

    def within(self, device: str, time_us: int, after_us: int) -> bool:
        """Return whether a time lies in a fault of a device, or at most some time after its end."""
        mine = self._of.get(device, []) if device else self._all
        return any(fault.start_us <= time_us <= fault.end_us + after_us for fault in mine)
