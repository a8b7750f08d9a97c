"""Judge readings by what is usual for their series."""

from dataclasses import replace

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from telemetry.rules.unusual import LearnedStuck, Unusual
from transforms.baselines.bounded_values import bounded
from transforms.baselines.drift import score_drifts
from transforms.baselines.fields import learned_fields
from transforms.baselines.jump import score_jumps
from transforms.baselines.learned_stuck import score_repeats
from transforms.baselines.level import score_levels
from transforms.baselines.novel import score_novelty
from transforms.baselines.outside_values import OutsideValues
from transforms.baselines.scores import Scores
from transforms.baselines.together import score_together
from transforms.incidents.incident_state import KeptValues
from transforms.incidents.judge_windows import ended_means
from transforms.incidents.latch import Judged
from transforms.incidents.watch import Watch
from transforms.series.memory import SeriesColumns
from transforms.series.track import Track, track_of


def judge_unusual(watch: Watch, condition: Unusual) -> tuple[Judged, KeptValues]:
    """Return which readings, or means of windows, are unusual, and the values that are kept.

    Those of which nothing can be said, as too little is learned, neither breach nor clear.
    """
    memory = _memory(watch, condition)
    kept, windows = watch.state.kept, SeriesColumns()
    if condition.kind == "together":
        track, values = _moments(watch, condition.metrics)
        scores = score_together(track, bounded(values), condition, memory)
    elif condition.kind == "novel":
        readings = watch.track(watch.rule.metric)
        track = replace(readings, value=bounded(readings.value))
        if condition.window_us:
            track, windows = ended_means(watch, track, condition.window_us)
            readings = track
        scores, outside = score_novelty(track, condition, memory, OutsideValues(kept.slot, kept.value))
        kept = KeptValues(outside.series, np.zeros(len(outside.series), np.int64), outside.values)
        scores = _shown(scores, track, readings)
    else:
        score_of = {"jump": score_jumps, "level": score_levels, "drift": score_drifts}[condition.kind]
        readings = watch.track(watch.rule.metric)
        track = replace(readings, value=bounded(readings.value))
        scores = _shown(score_of(track, condition, memory, watch.gap_us), track, readings)
    with np.errstate(invalid="ignore"):
        breach, clear = scores.score > condition.sensitivity, scores.score <= condition.clear
    return _judged(scores, breach, clear, windows), kept


def judge_learned_stuck(watch: Watch, condition: LearnedStuck) -> Judged:
    """Return which readings repeat the one before more often than is usual; one that does not clears."""
    track = watch.track(watch.rule.metric)
    scores = score_repeats(track, condition, _memory(watch, condition))
    assert scores.moved is not None, "runs know where they end"
    with np.errstate(invalid="ignore"):
        return _judged(scores, scores.score > 1.0, scores.moved, {})


def _shown(scores: Scores, judged: Track, readings: Track) -> Scores:
    """Return the scores with the readings themselves where their bounded values were judged."""
    if judged.value is readings.value:
        return scores
    value = np.where(scores.track.value == judged.value, readings.value, scores.track.value)
    return replace(scores, track=replace(scores.track, value=value))


def _judged(scores: Scores, breach: BoolArray, clear: BoolArray, windows: SeriesColumns) -> Judged:
    return Judged(
        scores.track,
        breach,
        clear,
        columns=scores.memory | windows,
        score=scores.score,
        expected=scores.expected,
        spread=scores.spread,
    )


def _memory(watch: Watch, condition: Unusual | LearnedStuck) -> SeriesColumns:
    return {name: watch.state.columns[name] for name in learned_fields(condition)}


def _moments(watch: Watch, metrics: tuple[str, ...]) -> tuple[Track, FloatArray]:
    """Return the moments of devices at which a metric has a value, and the values (M, N); NaN where there is none."""
    rows = watch.arrivals.rows
    values = np.full((len(metrics), len(rows.time_us)), np.nan)
    for found, metric in zip(values, metrics, strict=True):
        first = rows.first_of(metric)
        found[first] = rows.values[metric][first]
    slot = watch.slots_of(rows.device)
    mine = (slot >= 0) & ~np.isnan(values).all(axis=0)
    slot, time_us, values = slot[mine], rows.time_us[mine], values[:, mine]
    starts = np.ones(len(slot), np.bool_)
    starts[1:] = (slot[1:] != slot[:-1]) | (time_us[1:] != time_us[:-1])
    if starts.all():
        return track_of(slot, time_us, np.full(len(slot), np.nan)), values
    first_row = np.flatnonzero(starts)  # rows of one device and time are one moment
    joined = np.fmax.reduceat(values, first_row, axis=1)  # at most one of them has a value of a metric
    return track_of(slot[first_row], time_us[first_row], np.full(len(first_row), np.nan)), joined
