"""Try candidates on the readings, and make those less sensitive that would open too much."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.backtest.past_incidents import PastIncident
from pipeline.backtest.run_backtest import run_backtest
from pipeline.backtest.time_order import TimeOrder
from pipeline.suggest.candidate import RuleCandidate
from pipeline.suggest.round_numbers import DAY_US
from telemetry.rules.parse import parse_rules
from telemetry.rules.timeline import RulesTimeline

MOST_OPEN: Final = 0.1
"""A rule that is open for more of the time tells nothing, unless it is about what lasts."""
_CLEAR: Final = 0.5
_PLAIN: Final = 0.8
_CLEAR_FORMS: Final = 4
_CLEAR_INCIDENTS: Final = 5


@dataclass(frozen=True, slots=True)
class TriedForm:
    """A form of a rule that was tried, and how much it opened.

    Attributes:
        number: of the form.
        incidents: how many.
        per_day: incidents for each day and device; infinite if there was no time.
        open_share: share of the time of all devices in which an incident was open.
    """

    number: int
    incidents: int
    per_day: float
    open_share: float

    def fits(self, per_day: float, lasts: bool = False) -> bool:
        """Return whether it opens no more than the budget, and is not open for too long if its incidents must not last.

        One incident in the whole recording is never too many: a single fault in a short recording says nothing about
        how often there is one.
        """
        return (self.per_day <= per_day or self.incidents == 1) and (lasts or self.open_share <= MOST_OPEN)


@dataclass(frozen=True, slots=True)
class FittedRule:
    """A candidate, and what its forms opened.

    Attributes:
        candidate: the candidate.
        tried: its forms up to the one that fits, or all of them.
        fits: whether the last one that was tried fits the budget.
    """

    candidate: RuleCandidate
    tried: tuple[TriedForm, ...]
    fits: bool

    @property
    def is_kept(self) -> bool:
        """Whether the rule is in the file: it fits, or finds what no less sensitive form of it would miss."""
        return self.fits or self.is_plain

    @property
    def chosen(self) -> TriedForm:
        """The form that is in the file, or for a rule that is not, the last one."""
        return self.tried[0] if self.is_plain else self.tried[-1]

    @property
    def is_plain(self) -> bool:
        """Whether the least sensitive form opens nearly as many incidents as the first one: faults, not noise."""
        return self.is_clear and self.tried[-1].incidents >= _PLAIN * self.tried[0].incidents

    @property
    def is_clear(self) -> bool:
        """Whether less sensitive forms opened about as many incidents, which were too many, but short: no noise."""
        refused = self.tried[: len(self.tried) - self.fits]
        if len(refused) < _CLEAR_FORMS or any(
            one.open_share > MOST_OPEN and not self.candidate.lasts for one in refused
        ):
            return False
        return refused[-1].incidents >= max(_CLEAR * refused[0].incidents, _CLEAR_INCIDENTS)

    def lines(self) -> Iterator[str]:
        """Yield the lines of YAML of the form that is chosen."""
        return self.candidate.lines(self.chosen.number)


def fit_rules(
    order: TimeOrder, candidates: Sequence[RuleCandidate], per_day: float, beside: Sequence[str] = ()
) -> list[FittedRule]:
    """Return the candidates in their order, each in its most sensitive form that fits the budget.

    Each pass judges all readings, by the rules that are not settled yet.

    Args:
        order: all readings.
        candidates: with different ids.
        per_day: the most incidents for each day and device.
        beside: lines of rules that are in the file as well; the limit of a silence is the longest gap of others.
    """
    tried: dict[str, list[TriedForm]] = {one.id: [] for one in candidates}
    waiting = list(candidates)
    while waiting:
        lines = [line for one in waiting for line in one.lines(len(tried[one.id]))]
        found = _incidents(order, [*beside, *lines])
        for one in waiting:
            tried[one.id].append(_tried(len(tried[one.id]), found[one.id], one.device_days, order.last_us))
        waiting = [
            one
            for one in waiting
            if not tried[one.id][-1].fits(per_day, one.lasts) and len(tried[one.id]) < len(one.forms)
        ]
    return [FittedRule(one, tuple(tried[one.id]), tried[one.id][-1].fits(per_day, one.lasts)) for one in candidates]


def _tried(number: int, incidents: Sequence[PastIncident], device_days: float, last_us: int) -> TriedForm:
    if not incidents:
        return TriedForm(number, 0, 0.0, 0.0)
    if not device_days:
        return TriedForm(number, len(incidents), float("inf"), 1.0)
    open_days = sum(one.end_us(last_us) - one.opened_us for one in incidents) / DAY_US
    return TriedForm(number, len(incidents), len(incidents) / device_days, open_days / device_days)


def _incidents(order: TimeOrder, lines: Sequence[str]) -> dict[str, list[PastIncident]]:
    rules = parse_rules("\n".join(["version: 2", "rules:", *lines, ""]))
    report = run_backtest(order, [("", RulesTimeline.always(rules))], sources=(), rejected={})
    found: dict[str, list[PastIncident]] = defaultdict(list)
    for one in report.judged.incidents:
        found[one.rule_id].append(one)
    return found
