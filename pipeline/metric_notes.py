"""Say which metrics no reading of a finished run carries, and which rules cannot fire for that."""

from collections.abc import Iterator, Sequence

from pipeline.config import JobConfig
from pipeline.summary import JobSummary
from telemetry.feed.files.likely_columns import similar_column
from telemetry.rules.parse import load_rules
from transforms import counters


def absent_metrics(config: JobConfig, summary: JobSummary) -> list[str]:
    """Return the metrics of a job of which no reading has a value."""
    values = summary.by_kind(counters.VALUES_READ)
    return [metric for metric in config.metrics if not values.get(metric)]


def notes_on_metrics(config: JobConfig, summary: JobSummary) -> list[str]:
    """Return a line on metrics that no reading carries, and one on default rules that are not in force for that.

    A line is a warning if somebody named one of the metrics, a rule looks at one, or a field that was ignored has a
    similar name; a job without flags decodes the default metrics, and few devices have all of them.
    """
    if not summary.by_kind(counters.VALUES_READ):  # nothing was decoded, or the runner does not tell
        return []
    notes = []
    absent = absent_metrics(config, summary)
    if absent:
        causes = [*_idle_rules(config, absent), *_similar_fields(summary, absent)]
        warns = causes or config.flags.get("metrics") or config.feed.metrics
        text = "; ".join([f"no reading carries {_joined(absent)}", *causes])
        notes.append(f"warning: {text}" if warns else text)
    notes += [f"warning: {text}" for text in _rules_left_out(config)]
    return notes


def _idle_rules(config: JobConfig, absent: Sequence[str]) -> Iterator[str]:
    """Yield a clause on the rules that look at metrics which are absent."""
    rules = [rule.id for rule in config.rules.rules if not set(rule.metrics).isdisjoint(absent)]
    if rules:
        yield f"{'rules' if len(rules) > 1 else 'rule'} {_joined(rules)} cannot fire"


def _similar_fields(summary: JobSummary, absent: Sequence[str]) -> Iterator[str]:
    """Yield a clause on fields that were ignored and may be what was meant."""
    ignored = list(summary.commonest(counters.FIELDS_IGNORED))
    similar = [(field, metric) for metric in absent for field in _similar(metric, ignored)]
    if similar:
        pairs = _joined([f"{field} (for {metric})" for field, metric in similar])
        yield f"ignored fields of similar names: {pairs}; use --metrics or --feed"


def _similar(metric: str, fields: Sequence[str]) -> tuple[str, ...]:
    """Return the field that resembles the name of a metric, or begins with it or its beginning; () if none does."""
    found = similar_column(metric, fields)
    if found:
        return found
    small = metric.lower()
    begins = [name for name in fields if name.lower().startswith(small) or small.startswith(name.lower())]
    return tuple([name for name in begins if min(len(name), len(small)) > 2][:1])


def _rules_left_out(config: JobConfig) -> Iterator[str]:
    """Yield a sentence on default rules that look at metrics which were not found in the input."""
    rules = [] if config.flags.get("rules") else load_rules(None).rules
    for rule in rules:
        absent = [metric for metric in rule.metrics if metric not in config.metrics]
        if absent:
            yield f"the default rule {rule.id} is not in force, because the input has no {_joined(absent)}"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
