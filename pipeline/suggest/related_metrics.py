"""Find metrics that go together."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.suggest.candidate import RuleCandidate, RuleForm
from pipeline.suggest.learning_time import learning_time
from pipeline.suggest.profile import MeasuredRecording, MetricProfile
from pipeline.suggest.round_numbers import DAY_US, longer_duration, shown
from telemetry.text.durations import format_duration
from telemetry.text.yaml_texts import printable, quoted

_SAME: Final = 0.98
_SAME_CHANGES: Final = 0.9
_RELATED: Final = 0.5
_SENSITIVITIES: Final = (4, 6, 8)


def leaders_of(recording: MeasuredRecording) -> dict[str, tuple[str, float]]:
    """Return for each metric that follows an earlier one which that is, and the correlation of both.

    Their changes must go together as well: two metrics that rise over a day are alike by chance.
    """
    found: dict[str, tuple[str, float]] = {}
    for number, metric in enumerate(recording.metrics):
        for earlier, leader in enumerate(recording.metrics[:number]):
            both = {metric.kind, leader.kind} == {"value"} and leader.name not in found
            alike = abs(recording.alike[number, earlier]), abs(recording.changes_alike[number, earlier])
            if both and alike[0] >= _SAME and alike[1] >= _SAME_CHANGES:
                found[metric.name] = leader.name, float(recording.alike[number, earlier])
                break
    return found


def choose_together(recording: MeasuredRecording) -> Iterator[RuleCandidate | str]:
    """Yield a rule for each group of metrics that are correlated within a device, or a sentence if it cannot learn."""
    for number, group in enumerate(_groups(recording), start=1):
        metrics = [recording.metrics[one] for one in group]
        name = "together" if number == 1 else f"together-{number}"
        widest = max(metrics, key=MetricProfile.device_days)
        learn = learning_time(widest, DAY_US)
        if learn is None:
            yield f"{name} left out: the recording is too short to learn from a part and to try it on the rest."
            continue
        pairs = [abs(recording.alike[one, other]) for one in group for other in group if other < one]
        named = ", ".join(metric.name for metric in metrics)
        evidence = f"Correlations of {printable(named)} within a device: up to {shown(float(np.nanmax(pairs)))}."
        listed = ", ".join(quoted(metric.name) for metric in metrics)
        half_life_us = longer_duration(100 * widest.interval_us)
        half_life = f", half_life: {format_duration(half_life_us)}" if half_life_us > DAY_US else ""
        learned = f", learn: {learn.field}" if learn.field else ""
        forms = tuple(
            RuleForm(
                f"sensitivity {sensitivity}",
                (
                    "unusual:",
                    "  kind: together",
                    f"  metrics: [{listed}]",
                    f"  sensitivity: {sensitivity}",
                    *(f"  {field}" for field in filter(None, (half_life[2:], learned[2:]))),
                ),
            )
            for sensitivity in _SENSITIVITIES
        )
        notes = (evidence, learn.note) if learn.note else (evidence,)
        yield RuleCandidate(name, "", notes, forms, widest.device_days(learn.time_us))


def _groups(recording: MeasuredRecording) -> list[list[int]]:
    """Return the numbers of the metrics of each group of at least two that are connected by correlations."""
    left = [number for number, metric in enumerate(recording.metrics) if metric.kind == "value"]
    groups = []
    while left:
        group, waiting = [], [left[0]]
        while waiting:
            one = waiting.pop()
            left.remove(one)
            group.append(one)
            waiting += [n for n in left if n not in waiting and abs(recording.alike[one, n]) >= _RELATED]
        if len(group) > 1:
            groups.append(sorted(group))
    return groups
