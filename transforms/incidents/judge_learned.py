"""Judge readings by what is usual for their series.

Rules with the same condition on different metrics are judged together, their series one behind the other: a round of a
walk costs the same for three series as for fifteen.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from telemetry.arrays import FloatArray, IntArray
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

Learned = Unusual | LearnedStuck


@dataclass(frozen=True, slots=True)
class Learning:
    """The scores of one rule that learns, and what else it remembers.

    Attributes:
        scores: of its readings.
        kept: values that are kept as they are.
        windows: columns of the windows whose means are judged.
    """

    scores: Scores
    kept: KeptValues
    windows: SeriesColumns = field(default_factory=dict)


def judge_learned(condition: Learned, learning: Learning) -> Judged:
    """Return which readings, or means of windows, are unusual.

    Those of which nothing can be said, as too little is learned, neither breach nor clear. Of a run of equal values,
    the next other value clears.
    """
    scores = learning.scores
    with np.errstate(invalid="ignore"):
        if isinstance(condition, Unusual):
            breach, clear = scores.score > condition.sensitivity, scores.score <= condition.clear
        else:
            assert scores.moved is not None, "runs know where they end"
            breach, clear = scores.score > 1.0, scores.moved
    return Judged(
        scores.track,
        breach,
        clear,
        columns=scores.memory | learning.windows,
        score=scores.score,
        expected=scores.expected,
        spread=scores.spread,
    )


def learn(watches: Sequence[Watch]) -> dict[str, Learning]:
    """Return the scores of all rules that learn, by rule."""
    families: dict[Learned, list[Watch]] = defaultdict(list)
    found = {}
    for watch in watches:
        condition = watch.rule.condition
        if isinstance(condition, Unusual) and condition.metrics:
            track, values = _moments(watch, condition.metrics)
            scores = score_together(track, bounded(values), condition, _memory(watch, condition))
            found[watch.rule.id] = Learning(scores, watch.state.kept)
        elif isinstance(condition, Unusual | LearnedStuck):
            families[condition].append(watch)
    for condition, family in families.items():
        learned = _learn_together(condition, family)
        found |= {watch.rule.id: one for watch, one in zip(family, learned, strict=True)}
    return found


def _learn_together(condition: Learned, watches: Sequence[Watch]) -> list[Learning]:
    """Return the scores of rules with the same condition."""
    window_us = condition.window_us if isinstance(condition, Unusual) else 0
    tracks = [watch.track(watch.rule.metric) for watch in watches]
    windows: list[SeriesColumns] = [{} for _ in watches]
    if window_us:
        ended = [ended_means(watch, track, window_us) for watch, track in zip(watches, tracks, strict=True)]
        tracks, windows = [track for track, _ in ended], [columns for _, columns in ended]
    sizes = [len(watch.state.members) for watch in watches]
    firsts = np.cumsum([0, *sizes])
    memories = [_memory(watch, condition) for watch in watches]
    memory = memories[0]
    if len(memories) > 1:
        memory = {name: np.concatenate([one[name] for one in memories]) for name in memory}
    kept = OutsideValues(
        np.concatenate([watch.state.kept.slot + first for watch, first in zip(watches, firsts, strict=False)]),
        np.concatenate([watch.state.kept.value for watch in watches]),
    )
    if isinstance(condition, Unusual):  # which computes with the values; equal ones need no bounds to be told
        readings, tracks = tracks, [replace(one, value=bounded(one.value)) for one in tracks]
    else:
        readings = tracks
    track = _joined(tracks, firsts)
    scores, kept = _score(track, condition, memory, kept, _gaps(watches, sizes))
    rows = np.cumsum([0, *(len(one) for one in tracks)])
    parts = []
    for number, columns in enumerate(windows):
        mine, slots = slice(rows[number], rows[number + 1]), slice(firsts[number], firsts[number + 1])
        outside = (kept.series >= firsts[number]) & (kept.series < firsts[number + 1])
        remaining = KeptValues(
            kept.series[outside] - firsts[number], np.zeros(int(outside.sum()), np.int64), kept.values[outside]
        )
        part = _part(scores, tracks[number], mine, slots)
        parts.append(Learning(_shown(part, tracks[number], readings[number]), remaining, columns))
    return parts


def _score(
    track: Track, condition: Learned, memory: SeriesColumns, kept: OutsideValues, gap_us: IntArray | None
) -> tuple[Scores, OutsideValues]:
    if isinstance(condition, LearnedStuck):
        return score_repeats(track, condition, memory), kept
    if condition.kind == "novel":
        return score_novelty(track, condition, memory, kept)
    score_of = {"jump": score_jumps, "level": score_levels, "drift": score_drifts}[condition.kind]
    return score_of(track, condition, memory, gap_us), kept


def _joined(tracks: Sequence[Track], firsts: IntArray) -> Track:
    """Return tracks one behind the other; the slots of each begin at its number."""
    if len(tracks) == 1:
        return tracks[0]
    slot = np.concatenate([track.slot + first for track, first in zip(tracks, firsts, strict=False)])
    time_us = np.concatenate([track.time_us for track in tracks])
    return track_of(slot, time_us, np.concatenate([track.value for track in tracks]))


def _shown(scores: Scores, judged: Track, readings: Track) -> Scores:
    """Return the scores with the readings themselves where their bounded values were judged."""
    if judged.value is readings.value:
        return scores
    value = np.where(scores.track.value == judged.value, readings.value, scores.track.value)
    return replace(scores, track=replace(scores.track, value=value))


def _part(scores: Scores, track: Track, rows: slice, slots: slice) -> Scores:
    """Return the scores of one of the tracks that were joined."""
    value = scores.track.value[rows]
    return Scores(
        Track(track.slot, track.time_us, value, track.starts, track.ends, track.series),
        scores.score[rows],
        scores.expected[rows],
        scores.spread[rows],
        {name: column[slots] for name, column in scores.memory.items()},
        None if scores.moved is None else scores.moved[rows],
    )


def _gaps(watches: Sequence[Watch], sizes: Sequence[int]) -> IntArray | None:
    """Return the longest time between two readings that are compared, of all series; None if there is no limit."""
    if all(watch.gap_us is None for watch in watches):
        return None
    longest = np.iinfo(np.int64).max
    return np.concatenate(
        [
            np.full(size, longest) if watch.gap_us is None else watch.gap_us
            for watch, size in zip(watches, sizes, strict=True)
        ]
    )


def _memory(watch: Watch, condition: Learned) -> SeriesColumns:
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
