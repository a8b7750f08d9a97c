"""Summarize the job's counters for people and machines."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from transforms import counters

_SHOWN_IF_ANY: Final = (
    ("rows fitted to their header", counters.ROWS_FITTED),
    ("readings of clocks that are ahead", counters.CLOCK_AHEAD),
    ("readings too late for incidents", counters.LATE_FOR_RULES),
    ("changed rules that were refused", counters.RULES_REFUSED),
    ("duplicate messages removed", counters.DUPLICATES),
    ("rows removed as duplicates", counters.ROWS_DUPLICATE),
    ("readings archived", counters.ROWS_ARCHIVED),
    ("rows inserted", counters.ROWS_INSERTED),
    ("rows refused, kept elsewhere", counters.ROWS_REFUSED),
    ("alerts published", counters.ALERTS_PUBLISHED),
    ("alerts sent", counters.ALERTS_SENT),
    ("requests to webhooks that failed", counters.WEBHOOK_FAILURES),
    ("dead letters published", counters.LETTERS_PUBLISHED),
)
"""Labels of the counters that are shown only if they are not zero."""
_MOST_SHOWN: Final = 20  # names of fields, and kinds of values


@dataclass(frozen=True, slots=True)
class Distribution:
    """Count, sum, smallest and largest of many values."""

    count: int
    sum: int
    min: int
    max: int

    def merge(self, other: "Distribution") -> "Distribution":
        """Return the distribution of the values of both."""
        count, total = self.count + other.count, self.sum + other.sum
        return Distribution(count, total, min(self.min, other.min), max(self.max, other.max))


@dataclass(frozen=True, slots=True)
class JobSummary:
    """Counters of a finished job.

    Attributes:
        counts: counters by name; see `transforms.counters`.
        seconds: its duration.
        distributions: by name; see `transforms.counters`.
        texts: sets of texts by name; see `transforms.counters`.
        notes: sentences about the run, for a person.
    """

    counts: Mapping[str, int]
    seconds: float
    distributions: Mapping[str, Distribution] = field(default_factory=dict)
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Iterable[str]) -> "JobSummary":
        """Return the same summary with sentences about the run."""
        return replace(self, notes=(*self.notes, *notes))

    def by_kind(self, name: str) -> dict[str, int]:
        """Return the counters ``name/kind`` by kind, sorted."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): n for key, n in sorted(self.counts.items()) if key.startswith(prefix)}

    def commonest(self, name: str) -> dict[str, int]:
        """Return the highest of the counters ``name/kind`` by kind, the highest first."""
        kinds = self.by_kind(name)
        return dict(sorted(kinds.items(), key=lambda item: -item[1])[:_MOST_SHOWN])

    def example(self, kind: str) -> str:
        """Return a value that could not be read, by its metric and the reason as in `VALUES_UNREAD`; "" for none."""
        found = (text.partition("\t") for text in sorted(self.texts.get(counters.UNREAD_EXAMPLES, ())))
        return next((text for known, _, text in found if known == kind), "")

    def to_json(self) -> str:
        """Return the summary as one JSON object."""
        names = (
            counters.MESSAGES,
            counters.PAYLOAD_BYTES,
            counters.ROWS_DECODED,
            counters.ROWS_FITTED,
            counters.CLOCK_AHEAD,
            counters.FIELDS_IGNORED,
            counters.ROWS_AGGREGATED,
            counters.PANES,
            counters.AGGREGATES,
            counters.INCIDENTS_CLOSED,
            counters.LATE_FOR_RULES,
            counters.RULES_REFUSED,
            counters.ROWS_ARCHIVED,
            counters.FILES_WRITTEN,
            counters.ROWS_WRITTEN,
            counters.ROWS_INSERTED,
            counters.ROWS_REFUSED,
            counters.ALERTS_PUBLISHED,
            counters.ALERTS_SENT,
            counters.WEBHOOK_FAILURES,
            counters.LETTERS_PUBLISHED,
            counters.DUPLICATES,
            counters.ROWS_DUPLICATE,
        )
        content: dict[str, Any] = {name: self.counts.get(name, 0) for name in names}
        content[counters.DEAD_LETTERS] = self.by_kind(counters.DEAD_LETTERS)
        content[counters.ANOMALIES] = self.by_kind(counters.ANOMALIES)
        content[counters.INCIDENTS] = self.by_kind(counters.INCIDENTS)
        content["ignored_fields"] = self.commonest(counters.FIELDS_IGNORED)
        content[counters.VALUES_READ] = self.by_kind(counters.VALUES_READ)
        unread = self.by_kind(counters.VALUES_UNREAD)
        content[counters.VALUES_UNREAD] = {
            kind: {"count": number, "example": self.example(kind)} for kind, number in unread.items()
        }
        content["distributions"] = {name: asdict(found) for name, found in sorted(self.distributions.items())}
        content["seconds"] = round(self.seconds, 3)
        content["notes"] = list(self.notes)
        return json.dumps(content, indent=2)

    def to_text(self) -> str:
        """Return the summary as aligned lines."""
        lines = [("rows decoded", self.counts.get(counters.ROWS_DECODED, 0))]
        dead = self.by_kind(counters.DEAD_LETTERS)
        lines.append(("dead letters", sum(dead.values())))
        lines.extend((f"  {reason}", number) for reason, number in dead.items())
        anomalies = self.by_kind(counters.ANOMALIES)
        lines.append(("anomalies", sum(anomalies.values())))
        lines.extend((f"  {rule}", number) for rule, number in anomalies.items())
        incidents = self.by_kind(counters.INCIDENTS)
        lines.append(("incidents", sum(incidents.values())))
        lines.extend((f"  {rule}", number) for rule, number in incidents.items())
        lines.append(("panes of windows", self.counts.get(counters.PANES, 0)))
        lines.append(("aggregates", self.counts.get(counters.AGGREGATES, 0)))
        lines.append(("unknown fields ignored", self.counts.get(counters.FIELDS_IGNORED, 0)))
        unread = sum(self.by_kind(counters.VALUES_UNREAD).values())
        if unread:
            lines.append(("values that could not be read", unread))
        lines.extend((name, self.counts[counter]) for name, counter in _SHOWN_IF_ANY if self.counts.get(counter))
        lines.append(("files written", self.counts.get(counters.FILES_WRITTEN, 0)))
        width = max(len(name) for name, _ in lines)
        text = [f"{name:<{width}}  {number:>12,}" for name, number in lines]
        text.append(f"{'seconds':<{width}}  {self.seconds:>12,.1f}")
        return "\n".join([*text, *self._named(), *self.notes])

    def _named(self) -> Iterator[str]:
        """Yield lines that name the fields that were ignored and the values that could not be read."""
        ignored = self.commonest(counters.FIELDS_IGNORED)
        if ignored:
            yield f"ignored fields: {', '.join(f'{name} ({number:,})' for name, number in ignored.items())}"
        unread = self.commonest(counters.VALUES_UNREAD)
        if unread:
            told = [f"{_spoken(kind)} ({number:,}{self._such_as(kind)})" for kind, number in unread.items()]
            yield f"unread values: {', '.join(told)}"

    def _such_as(self, kind: str) -> str:
        example = self.example(kind)
        return f", such as {example!r}" if example else ""


def _spoken(kind: str) -> str:
    metric, _, reason = kind.rpartition("/")
    return f"{metric} {reason}"


def counts_of(result: Any) -> dict[str, int]:
    """Return the counters of a pipeline's result: those of this job, summed over steps."""
    counts: dict[str, int] = {}
    for metric in _own(result, "counters"):
        name = metric.key.metric.name
        counts[name] = counts.get(name, 0) + int(_latest(metric) or 0)
    return counts


def distributions_of(result: Any) -> dict[str, Distribution]:
    """Return the distributions of a pipeline's result: those of this job, merged over steps."""
    found: dict[str, Distribution] = {}
    for metric in _own(result, "distributions"):
        value = _latest(metric)
        if value is not None and value.count:
            one = Distribution(value.count, value.sum, value.min, value.max)
            before = found.get(metric.key.metric.name)
            found[metric.key.metric.name] = one if before is None else before.merge(one)
    return found


def texts_of(result: Any) -> dict[str, frozenset[str]]:
    """Return the sets of texts of a pipeline's result: those of this job, joined over steps."""
    found: dict[str, frozenset[str]] = {}
    for metric in _own(result, "string_sets"):
        name = metric.key.metric.name
        found[name] = found.get(name, frozenset()) | frozenset(_latest(metric) or ())
    return found


def _own(result: Any, kind: str) -> list[Any]:
    found = result.metrics().query().get(kind, ())
    return [metric for metric in found if metric.key.metric.namespace == counters.NAMESPACE]


def _latest(metric: Any) -> Any:
    return metric.attempted if metric.committed is None else metric.committed
