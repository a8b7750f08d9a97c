"""Keep the most unusual value of what each series counts."""

import numpy as np

from telemetry.arrays import FloatArray
from transforms.incidents.incident_state import StateColumns
from transforms.incidents.latch import Latched
from transforms.series.track import flat_ranges


def worst_scores(latched: Latched, columns: StateColumns) -> tuple[FloatArray, FloatArray]:
    """Return the value with the highest score of what each series counts, and that score, (A,) each.

    Of equal scores the first one counts. Both are NaN where a series counts nothing.
    """
    track, score = latched.judged.track, latched.judged.score
    assert score is not None, "the condition learns"
    slots = track.slots
    value, highest = np.full(len(slots), np.nan), np.full(len(slots), np.nan)
    old = np.flatnonzero((latched.run >= 0) & latched.carried)
    value[old], highest[old] = columns["worst"][slots[old]], columns["worst_score"][slots[old]]
    counted = np.flatnonzero(latched.run >= 0)
    if len(counted):
        rows, begins = flat_ranges(latched.run[counted], track.ends[counted])
        rated = np.where(latched.judged.breach[rows], score[rows], -np.inf)
        most = np.maximum.reduceat(rated, begins)
        is_most = (rated == np.repeat(most, np.diff(begins, append=len(rows)))) & (rated > -np.inf)
        row = np.minimum.reduceat(np.where(is_most, rows, len(track)), begins)
        with np.errstate(invalid="ignore"):
            better = (row < len(track)) & ~(most <= highest[counted])
        value[counted[better]], highest[counted[better]] = track.value[row[better]], most[better]
    worst, worst_score = columns["worst"].copy(), columns["worst_score"].copy()
    worst[slots], worst_score[slots] = value, highest
    return worst, worst_score
