"""Define what may become a rule: several forms of it, the most sensitive first, and the evidence for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from telemetry.text.yaml_texts import quoted

_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_LETTERS: Final = 80


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One form of a rule.

    Attributes:
        name: what it has that others have not, for a comment.
        fields: lines of YAML beside the id and the metric.
    """

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleCandidate:
    """A rule that may fit.

    Attributes:
        id: of the rule.
        metric: of the rule; "" for none.
        evidence: sentences about why it has the numbers that it has.
        forms: the most sensitive one first.
        device_days: time in which it could have told something, days.
        lasts: whether an incident may last for long: a device or a sensor that is dead stays so.
    """

    id: str
    metric: str
    evidence: tuple[str, ...]
    forms: tuple[RuleForm, ...]
    device_days: float
    lasts: bool = False

    def lines(self, number: int) -> Iterator[str]:
        """Yield the lines of YAML of one of the forms."""
        yield f"  - id: {quoted(self.id)}"
        if self.metric:
            yield f"    metric: {quoted(self.metric)}"
        yield from (f"    {line}" for line in self.forms[number].fields)


@dataclass(frozen=True, slots=True)
class CandidateGroup:
    """The candidates about one metric, or about devices.

    Attributes:
        title: names the metric.
        about: sentences about it.
        candidates: in the order of the file.
        unfit: sentences about rules that do not fit it.
    """

    title: str
    about: tuple[str, ...]
    candidates: tuple[RuleCandidate, ...] = ()
    unfit: tuple[str, ...] = ()


def rule_id(metric: str, suffix: str) -> str:
    """Return an id for a rule of a metric, of the letters that an id may have."""
    letters = _OTHER.sub("-", metric).strip("-._")[:_MOST_LETTERS]
    return f"{letters}-{suffix}" if letters else suffix
