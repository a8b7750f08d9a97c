"""Judge readings of one metric: by their value, by how fast it changes, and by whether it changes at all."""

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from telemetry.rules.conditions import Rate, Stuck
from transforms.incidents.incident_state import KeptValues
from transforms.incidents.latch import Judged
from transforms.incidents.watch import Watch
from transforms.series.track import NONE_US, Track, before, latest, track_of


def judge_thresholds(watch: Watch) -> Judged:
    """Return which readings are beyond the bounds of a `Threshold`."""
    track = watch.track(watch.rule.metric)
    limits = watch.limits(track)
    return Judged(track, limits.breaches(), limits.clears())


def judge_steps(watch: Watch, condition: Rate) -> Judged:
    """Return which readings differ too much, for their distance in time, from the reading just before them.

    The first reading of an unbroken series has no rate and is left out.
    """
    track, columns = watch.track(watch.rule.metric), watch.state.columns
    slots, last = track.slots, track.ends - 1
    from_us = before(track.time_us, track, columns["previous_us"][slots])
    from_value = before(track.value, track, columns["previous"][slots])
    elapsed = track.time_us - from_us
    known = from_us != NONE_US
    if watch.gap_us is not None:
        known &= elapsed <= watch.gap_us[track.slot]
    rate = (track.value - from_value) / (elapsed / condition.per_us)
    changed = {name: columns[name].copy() for name in ("previous_us", "previous")}
    changed["previous_us"][slots], changed["previous"][slots] = track.time_us[last], track.value[last]
    rated = track_of(track.slot[known], track.time_us[known], rate[known])
    limits = watch.limits(rated)
    return Judged(rated, limits.breaches(), limits.clears(), columns=changed)


def judge_rates(watch: Watch, condition: Rate) -> tuple[Judged, KeptValues]:
    """Return which readings differ too much from the latest one that is at least `over` earlier.

    Both lie in the same unbroken series. A reading without such an earlier one has no rate and is left out.

    Returns:
        The readings, and those that later readings will be compared with.
    """
    over_us = condition.over_us
    assert over_us is not None, "readings are compared with earlier ones"
    track, kept = watch.track(watch.rule.metric), watch.state.kept
    known_before = np.isin(kept.slot, track.slots)
    mine = kept.select(known_before)
    slot = np.concatenate([mine.slot, track.slot])
    order = np.argsort(slot, kind="stable")
    is_new = order >= len(mine.slot)
    both = track_of(
        slot[order],
        np.concatenate([mine.time_us, track.time_us])[order],
        np.concatenate([mine.value, track.value])[order],
    )
    elapsed = both.time_us - before(both.time_us, both, np.full(len(both.starts), NONE_US))
    breaks = np.zeros(len(both), np.bool_) if watch.gap_us is None else elapsed > watch.gap_us[both.slot]
    breaks[both.starts] = True
    unbroken = latest(breaks)
    # Distances beyond `over` are shortened to it, so that all series fit on one axis, one behind the other.
    axis = np.cumsum(np.minimum(elapsed, over_us))
    from_row = np.searchsorted(axis, axis - over_us, side="right") - 1
    last = both.ends - 1
    needed = np.maximum(from_row[last], unbroken[last])
    remains = np.arange(len(both)) >= needed[both.series]
    later = KeptValues(
        *(
            np.concatenate([old, new])
            for old, new in (
                (kept.slot[~known_before], both.slot[remains]),
                (kept.time_us[~known_before], both.time_us[remains]),
                (kept.value[~known_before], both.value[remains]),
            )
        )
    )
    later = later.select(np.argsort(later.slot, kind="stable"))
    rated = np.flatnonzero(is_new & (from_row >= unbroken))
    start = from_row[rated]
    rate = (both.value[rated] - both.value[start]) / ((both.time_us[rated] - both.time_us[start]) / condition.per_us)
    new = track_of(both.slot[rated], both.time_us[rated], rate)
    limits = watch.limits(new)
    return Judged(new, limits.breaches(), limits.clears()), later


def judge_stuck(watch: Watch, condition: Stuck) -> Judged:
    """Return the runs of readings whose values stay within a distance of the first one of the run.

    Every reading belongs to a run, and so breaches; the latch asks whether the run is old enough. A value that leaves
    its run clears. A gap begins a run, too, but clears nothing as long as the value is the same.
    """
    track, columns = watch.track(watch.rule.metric), watch.state.columns
    slots = track.slots
    anchor = columns["worst"][slots]
    if condition.within:
        moved, anchors = _follow(track, anchor, condition.within, _gaps(watch, track))
    else:
        previous = before(track.value, track, anchor)
        moved, anchors = (track.value != previous) & ~np.isnan(previous), track.value
    worst = columns["worst"].copy()
    worst[slots] = anchors[track.ends - 1]
    return Judged(track, np.ones(len(track), np.bool_), moved, renews=moved, columns={"worst": worst})


def _gaps(watch: Watch, track: Track) -> BoolArray:
    """Return whether each reading comes too long after the one before it."""
    if watch.gap_us is None:
        return np.zeros(len(track), np.bool_)
    last_us = before(track.time_us, track, watch.state.columns["breached_us"][track.slots])
    elapsed: IntArray = track.time_us - last_us
    return elapsed > watch.gap_us[track.slot]


def _follow(track: Track, anchor: FloatArray, within: float, gaps: BoolArray) -> tuple[BoolArray, FloatArray]:
    """Return whether each value leaves its run, and the first value of the run that it is in then.

    Whether a value begins a run depends on where the run before began: a loop, 8 million readings a second.

    Args:
        track: readings of S series.
        anchor: (S,) first value of the run that each series is in; NaN for none.
        within: largest distance.
        gaps: (N,) whether a run begins in any case.
    """
    moved: list[bool] = []
    anchors: list[float] = []
    values, broken = track.value.tolist(), gaps.tolist()
    for first, end, start in zip(track.starts.tolist(), track.ends.tolist(), anchor.tolist(), strict=True):
        now = start
        for value, gap in zip(values[first:end], broken[first:end], strict=True):
            leaves = abs(value - now) > within
            if leaves or gap or now != now:
                now = value
            moved.append(leaves)
            anchors.append(now)
    return np.array(moved, np.bool_), np.array(anchors, np.float64)
