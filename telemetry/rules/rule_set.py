"""Define the rules that are in force together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from telemetry.rules.conditions import Threshold
from telemetry.rules.errors import RuleError
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.version import rules_version


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are in force together.

    Attributes:
        rules: in the order of the file.
        incidents: how their incidents behave.
        roster: the expected devices; None if the file names none.
        thresholds: the rules that flag single readings, at once and without memory; in the order of the file.
        version: hash of all of it; equal for files that differ in layout only.
    """

    rules: tuple[Rule, ...]
    incidents: IncidentPolicy
    roster: Roster | None
    thresholds: tuple[Rule, ...] = field(compare=False, repr=False)
    version: str

    def __init__(
        self, rules: Sequence[Rule], incidents: IncidentPolicy | None = None, roster: Roster | None = None
    ) -> None:
        """Keep the rules and derive their version."""
        kept, policy = tuple(rules), incidents or IncidentPolicy()
        object.__setattr__(self, "rules", kept)
        object.__setattr__(self, "incidents", policy)
        object.__setattr__(self, "roster", roster)
        object.__setattr__(self, "thresholds", tuple(rule for rule in kept if isinstance(rule.condition, Threshold)))
        object.__setattr__(self, "version", rules_version(kept, policy, roster))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a rule looks at, once each, in the order of the file."""
        return tuple(dict.fromkeys(metric for rule in self.rules for metric in rule.metrics))

    def check_metrics(self, metrics: Sequence[str]) -> None:
        """Raise a RuleError for the first rule with a metric that is not decoded."""
        for rule in self.rules:
            for metric in rule.metrics:
                if metric not in metrics:
                    problem = f"rule {rule.id!r}: metric {metric!r} is not one of {', '.join(metrics)}"
                    raise RuleError(problem, rule.line)
