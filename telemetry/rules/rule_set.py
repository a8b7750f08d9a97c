"""Define the rules that are in force together."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from telemetry.rules.conditions import Threshold
from telemetry.rules.errors import RuleError
from telemetry.rules.incident_policy import IncidentPolicy
from telemetry.rules.roster import Roster
from telemetry.rules.rule import Rule
from telemetry.rules.shelf import Shelf
from telemetry.rules.version import rules_version


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are in force together.

    Attributes:
        rules: in the order of the file.
        incidents: how their incidents behave.
        roster: the expected devices; None if the file names none.
        thresholds: the rules that flag single readings, at once and without memory; in the order of the file.
        shelves: which rules open no incident for which devices, and until when.
        version: hash of all of it; equal for files that differ in layout only.
    """

    rules: tuple[Rule, ...]
    incidents: IncidentPolicy
    roster: Roster | None
    shelves: tuple[Shelf, ...]
    thresholds: tuple[Rule, ...] = field(compare=False, repr=False)
    version: str

    def __init__(
        self,
        rules: Sequence[Rule],
        incidents: IncidentPolicy | None = None,
        roster: Roster | None = None,
        shelves: Sequence[Shelf] = (),
        version: str = "",
    ) -> None:
        """Keep the rules and derive what follows from them; `version` is that of the set that they are taken from."""
        kept, policy = tuple(rules), incidents or IncidentPolicy()
        object.__setattr__(self, "rules", kept)
        object.__setattr__(self, "incidents", policy)
        object.__setattr__(self, "roster", roster)
        object.__setattr__(self, "shelves", tuple(shelves))
        object.__setattr__(self, "thresholds", tuple(rule for rule in kept if isinstance(rule.condition, Threshold)))
        object.__setattr__(self, "version", version or rules_version(kept, policy, roster, self.shelves))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that a rule looks at, once each, in the order of the file."""
        return tuple(dict.fromkeys(metric for rule in self.rules for metric in rule.metrics))

    def with_shelves(self, shelves: Sequence[Shelf]) -> "RuleSet":
        """Return the same rules with these shelves and no others."""
        return RuleSet(self.rules, self.incidents, self.roster, shelves)

    def in_force(self, time_us: int) -> "RuleSet":
        """Return the rules as they judge an event time: each says itself for which devices it is shelved then."""
        if not self.shelves:
            return self
        now = [shelf for shelf in self.shelves if shelf.until_us > time_us]
        rules = [
            replace(rule, shelved=tuple(shelf.device for shelf in now if shelf.rule in ("", rule.id)))
            for rule in self.rules
        ]
        return RuleSet(rules, self.incidents, self.roster, version=self.version)

    def about(self, metrics: Sequence[str]) -> "RuleSet":
        """Return the rules all of whose metrics are among some; perhaps none."""
        kept = [rule for rule in self.rules if set(rule.metrics) <= set(metrics)]
        return self if len(kept) == len(self.rules) else RuleSet(kept, self.incidents, self.roster, self.shelves)

    def check_metrics(self, metrics: Sequence[str]) -> None:
        """Raise a RuleError for the first rule with a metric that is not decoded."""
        for rule in self.rules:
            for metric in rule.metrics:
                if metric not in metrics:
                    problem = f"rule {rule.id!r}: metric {metric!r} is not one of {', '.join(metrics)}"
                    raise RuleError(problem, rule.line)
