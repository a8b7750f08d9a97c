"""Judge whether readings come at all."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import FloatArray, IntArray
from telemetry.rules.conditions import Silence
from transforms.incidents.incident_state import StateColumns
from transforms.incidents.latch import Judged
from transforms.incidents.watch import Watch
from transforms.series.track import NONE_US, Track, before, track_of

HALF_LIFE: Final = 20
"""Number of intervals after which one counts half in the mean."""
MIN_INTERVALS: Final = 10
"""Number of intervals that must be known before a device can be silent by its own intervals."""
CLIP: Final = 4.0
"""An interval counts at most this many times the mean so far."""
_WEIGHT: Final = 1.0 - 0.5 ** (1.0 / HALF_LIFE)
_FEW: Final = 30
"""Number of series from which rounds over all of them are faster than loops over each."""
_NEVER: Final = 2**61  # a limit that no time reaches


def judge_silence(watch: Watch, condition: Silence) -> Judged:
    """Return each reading, which clears, and each deadline that passed without one, which breaches.

    A device that sends at its deadline is not silent. One of the roster that never sent has its deadline a grace time
    after the start.
    """
    track, columns, state = watch.track(watch.rule.metric), watch.state.columns, watch.state
    slots, last = track.slots, track.ends - 1
    changed: StateColumns = {}
    old_limit_us = limits_of(condition, columns)
    if condition.intervals is None:
        limit_us = np.full(len(track), condition.for_us)
    else:
        mean_us, number = _intervals(track, columns)
        limit_us = _limits(condition.intervals, mean_us, number)
        changed = {"interval_us": columns["interval_us"].copy(), "intervals": columns["intervals"].copy()}
        changed["interval_us"][slots], changed["intervals"][slots] = mean_us[last], number[last]
    changed["seen_us"] = columns["seen_us"].copy()
    changed["seen_us"][slots] = track.time_us[last]
    # The time by which a reading of each series would have been needed before these rows, and the time before it.
    seen_us, due_us = columns["seen_us"].copy(), columns["seen_us"] + old_limit_us
    start_us = max(watch.arrivals.start_us, state.since_us)
    never = (seen_us == NONE_US) & watch.arrivals.expected[state.members] & (start_us != NONE_US)
    seen_us[never], due_us[never] = start_us, start_us + condition.grace_us
    due_us = np.maximum(due_us, state.since_us)
    until_us = np.full(len(seen_us), watch.arrivals.watermark_us)
    until_us[slots] = track.time_us[track.starts]
    overdue = np.flatnonzero((due_us < until_us) & (seen_us != NONE_US) & ~columns["open"])
    # The same within these rows.
    next_us = np.append(track.time_us[1:], watch.arrivals.watermark_us)
    next_us[last] = watch.arrivals.watermark_us
    late = np.flatnonzero(track.time_us + limit_us < next_us)
    judged_slot = np.concatenate([overdue, track.slot[late], track.slot])
    judged_us = np.concatenate([due_us[overdue], (track.time_us + limit_us)[late], track.time_us])
    onset_us = np.concatenate([seen_us[overdue], track.time_us[late], track.time_us])
    breach = np.arange(len(judged_slot)) < len(overdue) + len(late)
    if breach.any():
        order = np.lexsort((judged_us, judged_slot))
        judged_slot, judged_us, onset_us, breach = (
            array[order] for array in (judged_slot, judged_us, onset_us, breach)
        )
    moments = track_of(judged_slot, judged_us, np.full(len(judged_us), np.nan))
    return Judged(moments, breach, ~breach, onset_us=onset_us, columns=changed)


def limits_of(condition: Silence, columns: StateColumns) -> IntArray:
    """Return how long each series of a state may be silent, microseconds."""
    if condition.intervals is None:
        assert condition.for_us is not None, "silence has a limit"
        return np.full(len(columns["seen_us"]), condition.for_us)
    return _limits(condition.intervals, columns["interval_us"], columns["intervals"])


def _limits(intervals: float, mean_us: FloatArray, number: NDArray[np.integer[Any]]) -> IntArray:
    """Return how long each series may be silent, microseconds."""
    known = number >= MIN_INTERVALS
    return np.where(known, intervals * np.where(known, mean_us, 0.0), _NEVER).astype(np.int64)


def _intervals(track: Track, columns: StateColumns) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return the mean interval of each row's series so far, microseconds, and the number of intervals, up to 10.

    Each interval is clipped at a multiple of the mean before it, so that one row of each series is taken at a time; of
    few series, rows are taken one by one, which is as fast as 5 million readings a second.
    """
    old = tuple(columns[name][track.slots] for name in ("seen_us", "interval_us", "intervals"))
    elapsed = track.time_us - before(track.time_us, track, old[0])
    most = int((track.ends - track.starts).max()) if len(track) else 0
    if len(track) > _FEW * most:
        return _intervals_in_rounds(track, elapsed, *old)
    means: list[float] = []
    numbers: list[int] = []
    lists = (track.starts, track.ends, *old)
    intervals = elapsed.tolist()
    for first, end, seen, mean, number in zip(*(one.tolist() for one in lists), strict=True):
        if seen == NONE_US:
            means.append(mean)
            numbers.append(number)
            first += 1
        for interval in intervals[first:end]:
            most = CLIP * mean
            counted = interval if interval < most else most  # min() would take as long as all the rest
            mean = mean + _WEIGHT * (counted - mean) if number else float(interval)
            means.append(mean)
            if number < MIN_INTERVALS:
                number += 1
                numbers.append(number)
        numbers += [MIN_INTERVALS] * (len(means) - len(numbers))
    return np.array(means, np.float64), np.array(numbers, np.uint8)


def _intervals_in_rounds(
    track: Track, elapsed: IntArray, seen_us: IntArray, mean_us: FloatArray, number: IntArray
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return the same as `_intervals` from rounds: the first row of every series, then the second ones, and so on."""
    means, numbers = np.empty(len(track)), np.empty(len(track), np.uint8)
    lengths = track.ends - track.starts
    order = np.argsort(-lengths, kind="stable")  # the series of each round are the first ones of the round before
    starts, lengths, known = track.starts[order], lengths[order], seen_us[order] != NONE_US
    mean, number = mean_us[order], number[order].astype(np.int64)
    for turn in range(int(lengths[0])):
        count = int(np.searchsorted(-lengths, -turn))
        row, mean, number = starts[:count] + turn, mean[:count], number[:count]
        interval = elapsed[row].astype(np.float64)
        new = np.where(number > 0, mean + _WEIGHT * (np.minimum(interval, CLIP * mean) - mean), interval)
        counts = known[:count] if turn == 0 else True
        mean = np.where(counts, new, mean)
        number = np.where(counts, np.minimum(number + 1, MIN_INTERVALS), number)
        means[row], numbers[row] = mean, number
    return means, numbers
