"""Choose the rules that may fit a recording, metric by metric."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.suggest.candidate import CandidateGroup, RuleCandidate
from pipeline.suggest.choose_bounds import choose_bounds
from pipeline.suggest.choose_counter import choose_counter
from pipeline.suggest.choose_learned import choose_learned
from pipeline.suggest.choose_silence import choose_silence
from pipeline.suggest.counter_rates import CounterRates
from pipeline.suggest.measure_metric import FEWEST_READINGS
from pipeline.suggest.profile import MeasuredRecording, MetricKind, MetricProfile
from pipeline.suggest.related_metrics import choose_together, leaders_of
from pipeline.suggest.round_numbers import shown, shown_share
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.text.durations import spoken_duration
from telemetry.text.yaml_texts import counted

_NO_RULES: Final[Mapping[MetricKind, str]] = {
    "missing": "No rules: it is missing in every reading.",
    "few": f"No rules: it has fewer than {FEWEST_READINGS} values.",
    "boolean": "No rules: every value is 0 or 1. Write one if a state must not last, with `above: 0.5` and `for`.",
    "constant": "No rules: no device ever changed it.",
    "resting": "No rules: nearly all values are the same, so that each other one would be unusual.",
}


def choose_groups(
    recording: MeasuredRecording, rates: Mapping[str, Sequence[CounterRates]], catalog: MetricCatalog = NOT_DESCRIBED
) -> list[CandidateGroup]:
    """Return all candidates in the order of the file.

    Args:
        recording: what it is like.
        rates: of each counter.
        catalog: units of the metrics.
    """
    leaders = leaders_of(recording)
    groups = [choose_silence(recording)]
    for metric in recording.metrics:
        about = _about(metric)
        if metric.kind in _NO_RULES:
            groups.append(CandidateGroup(metric.name, (*about, _NO_RULES[metric.kind])))
        elif metric.name in leaders:
            leader, alike = leaders[metric.name]
            follows = f"No rules of its own: it follows {leader} (correlation {alike:.2f}), whose rules watch it, too."
            groups.append(CandidateGroup(metric.name, (*about, follows)))
        elif metric.kind == "counter":
            about = (*about, f"A counter: it only grows, but for {shown_share(metric.resets)} of its changes.")
            groups.append(_group(metric.name, about, choose_counter(metric, rates[metric.name])))
        else:
            bounds = choose_bounds(metric, catalog.unit(metric.name))
            groups.append(_group(metric.name, about, (bounds, *choose_learned(metric))))
    together = _group("several metrics", (), choose_together(recording))
    return [*groups, together] if together.candidates or together.unfit else groups


def _about(metric: MetricProfile) -> tuple[str, ...]:
    if metric.kind == "missing":
        return ()
    values = f"{counted(metric.readings, 'value')} of {counted(len(metric.spans_us), 'device')}"
    reach = f", {shown(metric.low)} to {shown(metric.high)}"
    every = f", one every {spoken_duration(metric.interval_us)}" if metric.interval_us > 0 else ""
    missing = f"; {shown_share(metric.missing)} of the readings have none" if metric.missing > 0 else ""
    return (f"{values}{reach}{every}{missing}.",)


def _group(title: str, about: tuple[str, ...], chosen: Iterable[RuleCandidate | str]) -> CandidateGroup:
    kept = tuple(chosen)
    candidates = tuple(one for one in kept if isinstance(one, RuleCandidate))
    return CandidateGroup(title, about, candidates, tuple(one for one in kept if isinstance(one, str)))
