"""Judge the new readings of one rule, whatever its condition."""

from dataclasses import replace
from typing import assert_never

import numpy as np

from telemetry.arrays import FloatArray
from telemetry.rules.conditions import Combination, Rate, Silence, Stuck, Threshold, WindowStatistic
from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.incidents.incident_state import RuleState
from transforms.incidents.judge_combination import judge_combination
from transforms.incidents.judge_learned import Learning, judge_learned
from transforms.incidents.judge_silence import judge_silence
from transforms.incidents.judge_values import judge_rates, judge_steps, judge_stuck, judge_thresholds
from transforms.incidents.judge_windows import judge_windows
from transforms.incidents.latch import Delays, Judged, Latched, hold
from transforms.incidents.watch import Watch
from transforms.incidents.worst_scores import worst_scores
from transforms.series.track import flat_ranges


def judge(watch: Watch, learning: Learning | None) -> tuple[Latched, RuleState]:
    """Return when the condition of a rule holds, and what the rule remembers afterwards, its episodes unchanged.

    Args:
        watch: the rule and its new readings.
        learning: the scores of its readings, if its condition learns; else None.
    """
    rule, state = watch.rule, watch.state
    kept, sketches = state.kept, state.sketches
    for_us, keep_us, gap_us = rule.for_us, rule.keep_us, watch.gap_us
    judged: Judged
    match rule.condition:
        case Threshold():
            judged = judge_thresholds(watch)
        case Rate(over_us=None):
            judged = judge_steps(watch, rule.condition)
        case Rate():
            judged, kept = judge_rates(watch, rule.condition)
        case Stuck():
            judged = judge_stuck(watch, rule.condition)
            for_us, keep_us = max(rule.condition.for_us, 1), 0
        case Silence():
            judged = judge_silence(watch, rule.condition)
            for_us, keep_us, gap_us = 0, 0, None
        case WindowStatistic():
            judged, quantiles = judge_windows(watch, rule.condition)
            kept, sketches = quantiles.kept, quantiles.sketches
            if gap_us is not None:
                gap_us = gap_us + rule.condition.length_us  # the time between a window and the next one
        case Combination():
            judged = judge_combination(watch, rule.condition)
        case Unusual() | LearnedStuck():
            assert learning is not None, "its scores are known"
            judged, kept = judge_learned(rule.condition, learning), learning.kept
            if gap_us is not None and isinstance(rule.condition, Unusual):
                gap_us = gap_us + rule.condition.window_us
        case _:
            assert_never(rule.condition)
    slots = judged.track.slots
    latched = hold(judged, Delays(for_us, keep_us, None if gap_us is None else gap_us[slots]), state.columns)
    columns = state.columns | (judged.columns or {})
    for name in latched.after.keys() & state.columns.keys():
        columns[name] = state.columns[name].copy()
        columns[name][slots] = latched.after[name]
    if rule.bounds is not None and latched.after:  # else nothing was counted, and nothing is
        columns["worst"] = _worst(watch, latched)
    elif judged.score is not None and latched.after:
        columns["worst"], columns["worst_score"] = worst_scores(latched, state.columns)
    return latched, replace(state, columns=columns, kept=kept, sketches=sketches)


def _worst(watch: Watch, latched: Latched) -> FloatArray:
    """Return the worst value of what each series counts, (A,); NaN where it counts nothing."""
    track = latched.judged.track
    worst = watch.state.columns["worst"].copy()
    counted = np.flatnonzero(latched.run >= 0)
    found = np.full(len(track.starts), np.nan)
    found[counted] = np.where(latched.carried[counted], latched.before["worst"][counted], np.nan)
    if len(counted):
        limits = watch.limits(track)
        rows, begins = flat_ranges(latched.run[counted], track.ends[counted])
        series, value = track.series[rows], track.value[rows]
        badness = np.where(latched.judged.breach[rows], limits.badness(value, series), -np.inf)
        most = np.maximum.reduceat(badness, begins)
        is_most = (badness == np.repeat(most, np.diff(begins, append=len(rows)))) & (badness > -np.inf)
        row = np.minimum.reduceat(np.where(is_most, rows, len(track)), begins)
        better = row < len(track)
        with np.errstate(invalid="ignore"):
            before = limits.badness(found[counted], counted)
            better &= np.isnan(before) | (most > before)
        found[counted[better]] = track.value[row[better]]
    worst[track.slots] = found
    return worst
