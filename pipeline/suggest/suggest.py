"""Suggest rules for readings: measure, choose, try, write."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.backtest.time_order import TimeOrder
from pipeline.suggest.candidate import CandidateGroup
from pipeline.suggest.choose import choose_groups
from pipeline.suggest.choose_counter import times_of_rates
from pipeline.suggest.counter_rates import measure_rates
from pipeline.suggest.fit import fit_rules
from pipeline.suggest.measure import measure_recording
from pipeline.suggest.write_yaml import SuggestionSource, rules_file
from telemetry.errors import NothingUsableError
from telemetry.model.metric_info import NOT_DESCRIBED, MetricCatalog
from telemetry.text.yaml_texts import counted


def suggest_rules(
    order: TimeOrder, metrics: Sequence[str], source: SuggestionSource, catalog: MetricCatalog = NOT_DESCRIBED
) -> str:
    """Return the text of a rules file that fits readings.

    Args:
        order: all readings, at least one.
        metrics: of the readings.
        source: where they came from.
        catalog: units of the metrics.

    Raises:
        NothingUsableError: if no reading has a value, or no rule fits.
    """
    recording = measure_recording(order, metrics)
    if all(metric.kind == "missing" for metric in recording.metrics):
        raise NothingUsableError(
            f"no reading has a value of {', '.join(metrics)}; --metrics names the metrics of your readings"
        )
    counters = {one.name: times_of_rates(one) for one in recording.metrics if one.kind == "counter"}
    groups = with_own_ids(choose_groups(recording, measure_rates(order, metrics, counters), catalog))
    silence = fit_rules(order, groups[0].candidates, source.per_day)
    beside = [line for one in silence if one.is_kept for line in one.lines()]
    others = [one for group in groups[1:] for one in group.candidates]
    fitted = {one.candidate.id: one for one in (*silence, *fit_rules(order, others, source.per_day, beside))}
    if not any(one.is_kept for one in fitted.values()):
        read = f"{counted(order.readings, 'reading')} of {counted(len(order.devices), 'device')}"
        raise NothingUsableError(f"no rule fits {read}: they are too few, or nothing in them can be judged")
    return rules_file(source, recording, groups, fitted)


def with_own_ids(groups: Sequence[CandidateGroup]) -> list[CandidateGroup]:
    """Return the groups with a number behind each id that an earlier candidate has."""
    seen: set[str] = set()
    renamed = []
    for group in groups:
        candidates = []
        for one in group.candidates:
            name, number = one.id, 1
            while name in seen:
                number += 1
                name = f"{one.id}-{number}"
            seen.add(name)
            candidates.append(replace(one, id=name))
        renamed.append(replace(group, candidates=tuple(candidates)))
    return renamed
