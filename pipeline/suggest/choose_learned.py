"""Choose rules that learn what is usual of a metric."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pipeline.suggest.candidate import RuleCandidate, RuleForm, rule_id
from pipeline.suggest.learning_time import LearningTime, learning_time
from pipeline.suggest.profile import MetricProfile
from pipeline.suggest.round_numbers import DAY_US, HOUR_US, MINUTE_US, longer_duration, shown, shown_share
from telemetry.text.durations import format_duration, spoken_duration

SEASON: Final = 0.3
"""Share of the variance from which the hour of the day matters."""
_JUMPS: Final = (8, 12, 16, 24, 32)
_NOISY: Final = 4.0
"""Changes are noisy if 1 % of them are larger than so many of their standard deviations; of normal ones it is 2.6."""
_LEVELS: Final = (6, 8, 12, 16)
_DRIFTS: Final = (8, 10, 12, 16)
_NOVELTIES: Final = (4, 4.5, 5)
_WINDOWS_US: Final = (MINUTE_US, 2 * MINUTE_US, 5 * MINUTE_US)
_WINDOW_READINGS: Final = 10
_MOVES: Final = 0.3
_USUALLY: Final = ("jump", "level", "drift", "novel", "stuck")


def choose_learned(metric: MetricProfile) -> Iterator[RuleCandidate | str]:
    """Yield the rules that fit a metric, and sentences about those that do not."""
    short = []
    choices: Sequence[Callable[[MetricProfile], RuleCandidate | str | None]] = (
        choose_jump, choose_level, choose_drift, choose_novel, choose_stuck,
    )  # fmt: skip
    for name, choose in zip(_USUALLY, choices, strict=True):
        chosen = choose(metric)
        if chosen is None:
            short.append(name)
        else:
            yield chosen
    if short:
        yield (
            f"{', '.join(short)} left out: {spoken_duration(metric.span_us)} a device are too short to learn from a "
            "part and to try it on the rest."
        )


def choose_jump(metric: MetricProfile) -> RuleCandidate | None:
    """Return the rule about values that are far from the one before; less sensitive for a noisy metric."""
    learn = learning_time(metric, HOUR_US)
    if learn is None:
        return None
    noisy = metric.large_change > _NOISY * metric.change
    half_life = _half_life(300 * metric.interval_us, 6 * HOUR_US)
    evidence = (
        f"Changes between readings: standard deviation {shown(metric.change)}, 99 % are below "
        f"{shown(metric.large_change)}{', so it is noisy' if noisy else ''}."
    )
    return _rule(metric, "jump", _JUMPS[1:] if noisy else _JUMPS, (half_life,), learn, evidence)


def choose_level(metric: MetricProfile) -> RuleCandidate | None:
    """Return the rule about values that are far from what is usual, at this hour if the hour matters."""
    seasonal = metric.season >= SEASON
    learn = learning_time(metric, DAY_US, 3 * DAY_US if seasonal and metric.span_us >= 6 * DAY_US else None)
    if learn is None:
        return None
    explained = f"The hour of the day explains {shown_share(metric.season)} of its variance."
    if math.isnan(metric.season):
        explained = "Whether the hour of the day matters is known after four days only."
    fields = ("season: hour" if seasonal else "", _half_life(100 * metric.interval_us, DAY_US))
    return _rule(metric, "level", _LEVELS, fields, learn, explained)


def choose_drift(metric: MetricProfile) -> RuleCandidate | None:
    """Return the rule about slow changes; its last minutes (1/30 of the half-life) hold eight readings at least."""
    half_life_us = max(2 * HOUR_US, longer_duration(240 * metric.interval_us))
    learn = learning_time(metric, DAY_US, max(DAY_US, 2 * half_life_us))
    if learn is None or metric.span_us < 4 * half_life_us:
        return None
    evidence = (
        f"The last {spoken_duration(half_life_us / 30)} are compared with the last {format_duration(half_life_us)}: a "
        f"reading comes every {spoken_duration(metric.interval_us)}."
    )
    return _rule(metric, "drift", _DRIFTS, (_half_life(half_life_us, 2 * HOUR_US),), learn, evidence)


def choose_novel(metric: MetricProfile) -> RuleCandidate | None:
    """Return the rule about values that are rare; of means of windows where readings come often."""
    window_us = 0
    if metric.interval_us < MINUTE_US:
        enough = (one for one in _WINDOWS_US if one >= _WINDOW_READINGS * metric.interval_us)
        window_us = next(enough, _WINDOWS_US[-1])
    wanted_us = 2 * DAY_US if metric.span_us >= 6 * DAY_US else DAY_US
    learn = learning_time(metric, DAY_US, wanted_us, max(window_us, metric.interval_us))
    if learn is None:
        return None
    every = f"A reading comes every {spoken_duration(metric.interval_us)}: "
    judged = f"means of {format_duration(window_us)} are judged." if window_us else "each one is judged."
    window = f"window: {format_duration(window_us)}" if window_us else ""
    return _rule(metric, "novel", _NOVELTIES, (window,), learn, every + judged)


def choose_stuck(metric: MetricProfile) -> RuleCandidate | str | None:
    """Return the rule about values that do not move, for a metric that usually does."""
    name = rule_id(metric.name, "stuck")
    if metric.moves < _MOVES:
        return f"{name} left out: {shown_share(1 - metric.moves)} of its readings repeat the one before."
    learn = learning_time(metric, DAY_US)
    if learn is None:
        return None
    longest_us = longer_duration(max(2 * metric.longest_still_us, 10 * metric.interval_us))
    longest = format_duration(longest_us)
    learned = RuleForm("learned", (f"stuck: {{learn: {learn.field}}}" if learn.field else "stuck: learned",))
    forms = (learned, RuleForm(f"for {longest}", (f"stuck: {{for: {longest}}}",)))
    evidence = [
        f"{shown_share(metric.moves)} of its readings differ from the one before; the longest time without a change is "
        f"{spoken_duration(metric.longest_still_us)}."
    ]
    return RuleCandidate(
        name,
        metric.name,
        (*evidence, *filter(None, [learn.note])),
        forms,
        metric.device_days(learn.time_us),
        lasts=True,
    )


def _half_life(least_us: float, without_us: int) -> str:
    """Return the field for a half-life of at least so long; "" if it has that without it."""
    half_life_us = longer_duration(least_us)
    return f"half_life: {format_duration(half_life_us)}" if half_life_us > without_us else ""


def _rule(
    metric: MetricProfile,
    kind: str,
    sensitivities: Sequence[float],
    fields: Sequence[str],
    learn: LearningTime,
    evidence: str,
) -> RuleCandidate:
    learned = f"learn: {learn.field}" if learn.field else ""
    forms = tuple(
        RuleForm(
            f"sensitivity {sensitivity:g}",
            (_unusual(kind, (f"sensitivity: {sensitivity:g}", *fields, learned)),),
        )
        for sensitivity in sensitivities
    )
    notes = (evidence, learn.note) if learn.note else (evidence,)
    return RuleCandidate(rule_id(metric.name, kind), metric.name, notes, forms, metric.device_days(learn.time_us))


def _unusual(kind: str, fields: Sequence[str]) -> str:
    return f"unusual: {{{', '.join([f'kind: {kind}', *filter(None, fields)])}}}"
