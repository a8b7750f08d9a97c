"""Choose bounds for the values of a metric."""

from typing import Final

from pipeline.suggest.candidate import RuleCandidate, RuleForm, rule_id
from pipeline.suggest.measure_metric import MARGIN
from pipeline.suggest.profile import MetricProfile
from pipeline.suggest.round_numbers import MINUTE_US, longer_duration, round_bounds, shown, shown_share
from telemetry.text.durations import format_duration

_SETTLED: Final = 0.95
_READINGS: Final = 3
"""So many readings in a row are no single wrong one."""
_PERCENT: Final = "%"
_WIDER: Final = (1, 2, 4)


def choose_bounds(metric: MetricProfile, unit: str = "") -> RuleCandidate | str:
    """Return bounds beyond nearly all values of the recording, or a sentence about why there are none.

    Args:
        metric: what it is like.
        unit: of its values; "" for none.
    """
    if metric.settled < _SETTLED:
        return (
            f"{rule_id(metric.name, 'range')} left out: bounds from the first half of the recording would not hold in "
            f"the second, where {shown_share(1 - metric.settled)} of the values lie beyond them."
        )
    reach = metric.q99 - metric.q01  # beyond it values are no tail of the usual ones
    low = min(max(metric.q001, metric.q01 - reach), metric.base)
    high = max(min(metric.q999, metric.q99 + reach), metric.top)
    margin = MARGIN * (high - low)
    if metric.whole:
        margin = max(margin, 1.0)
    keep_us = longer_duration(max(5 * MINUTE_US, _READINGS * metric.interval_us))
    for_us = longer_duration(_READINGS * metric.interval_us)
    keep, lasting = f"keep: {format_duration(keep_us)}", f"for: {format_duration(for_us)}"
    forms = [RuleForm("no `for`", (_outside(metric, unit, low, high, margin), keep))]
    for times in _WIDER:
        name = lasting if times == 1 else f"{times} times the margin"
        forms.append(RuleForm(name, (_outside(metric, unit, low, high, times * margin), lasting, keep)))
    evidence = (
        f"Values: 0.1 % below {shown(metric.q001)}, median {shown(metric.median)}, 0.1 % above {shown(metric.q999)}; "
        f"min {shown(metric.low)}, max {shown(metric.high)}. The bounds describe the recording, not what is safe.",
    )
    return RuleCandidate(rule_id(metric.name, "range"), metric.name, evidence, tuple(forms), metric.device_days())


def _outside(metric: MetricProfile, unit: str, low: float, high: float, margin: float) -> str:
    """Return the condition; a metric that is never negative, or is a percentage, has no bound beyond that."""
    lower, upper = round_bounds(low - margin, high + margin, margin)
    if metric.low >= 0 and float(lower) < 0:
        lower = "0"
    if unit == _PERCENT and metric.high <= 100 < float(upper):
        upper = "100"
    return f"outside: [{lower}, {upper}]"
