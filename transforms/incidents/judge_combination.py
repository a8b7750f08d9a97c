"""Judge several metrics of a device together."""

import numpy as np

from telemetry.arrays import BoolArray
from telemetry.rules.conditions import Combination, Junction
from transforms.incidents.incident_state import StateColumns
from transforms.incidents.latch import Judged
from transforms.incidents.watch import Watch
from transforms.series.track import latest, track_of


def judge_combination(watch: Watch, condition: Combination) -> Judged:
    """Return what a combination says at each time of a device at which one of its metrics has a reading.

    A part whose latest reading is older than `within` is unknown. A time at which nothing can be said because of
    unknown parts is left out, as a missing value is.
    """
    rows, columns = watch.arrivals.rows, watch.state.columns
    read = [np.zeros(len(rows.time_us), np.bool_) for _ in condition.parts]
    for has_reading, part in zip(read, condition.parts, strict=True):
        has_reading[rows.first_of(part.metric)] = True
    slot = watch.slots_of(rows.device)
    mine = np.logical_or.reduce(read) & (slot >= 0)
    slot, time_us = slot[mine], rows.time_us[mine]
    track = track_of(slot, time_us, np.full(len(slot), np.nan))
    # Rows of one device and time are one moment: its last row knows all of them.
    moment = np.ones(len(slot), np.bool_)
    moment[:-1] = (slot[1:] != slot[:-1]) | (time_us[1:] != time_us[:-1])
    heads, slots = track.heads, track.slots
    changed: StateColumns = {}
    truths, known = [], []
    for number, (part, has_reading) in enumerate(zip(condition.parts, read, strict=True)):
        values = rows.values[part.metric][mine]
        truth = part.bounds.breaches(values).astype(np.int8) - part.bounds.clears(values)
        row = latest(has_reading[mine])
        here = row >= heads
        part_us = np.where(here, time_us[row], columns[f"part{number}_us"][slot])
        truth = np.where(here, truth[row], columns[f"part{number}"][slot])
        for name, now in ((f"part{number}_us", part_us), (f"part{number}", truth)):
            changed[name] = columns[name].copy()
            changed[name][slots] = now[track.ends - 1]
        truths.append(truth[moment])
        known.append((time_us - part_us <= condition.within_us)[moment])
    breach, clear = _join(condition.how, np.array(truths), np.array(known))
    said = breach | clear | np.logical_and.reduce(known)
    return Judged(track.select(moment).select(said), breach[said], clear[said], columns=changed)


def _join(how: Junction, truth: BoolArray, known: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Return whether a combination breaches and whether it clears, (N,) each, from the truth (P, N) of its parts."""
    breaching, clearing = known & (truth == 1), known & (truth == -1)
    if how == "all":
        return breaching.all(axis=0), clearing.any(axis=0)
    if how == "any":
        return breaching.any(axis=0), clearing.all(axis=0)
    return clearing.all(axis=0), breaching.any(axis=0)
