"""Compute quantiles of windows: exact ones of up to some thousand values, and those of a sketch beyond that.

The sketch is Apache DataSketches' t-digest. Its KLL sketch flips coins, so that the same readings would not give the
same incidents; the t-digest gives the same answer for the same values in the same order. As it depends on when it is
compressed, values are given to it in portions that begin at the same reading however readings are divided into calls.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import BoolArray, FloatArray
from transforms.incidents.incident_state import KeptValues
from transforms.series.track import NONE_US, RowArray, Track, track_of

PORTION: Final = 1_024
"""Number of values of a window that are kept as they are; so many at once go to its sketch."""
_COMPRESSION: Final = 400  # the t-digest's k: about 6 KB, and 0.3 % of the values off in the middle


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The values of windows that have not ended.

    Attributes:
        kept: values as they are, 1 to `PORTION` for each slot.
        sketches: encoded sketch of the values before those, by slot.
    """

    kept: KeptValues
    sketches: dict[int, bytes]


def quantiles_of(
    share: float, before: Quantiles, track: Track, group_of_row: RowArray, group_slot: RowArray, ended: BoolArray
) -> tuple[FloatArray, Quantiles]:
    """Return a quantile of each of G windows, and what is kept of those that have not ended.

    Args:
        share: the quantile, 0 to 1.
        before: values of windows that go on; each is the first window of its series.
        track: the new values.
        group_of_row: (N,) window of each new value.
        group_slot: (G,) series of each window, ascending.
        ended: (G,) whether a window has ended; its quantile is NaN otherwise.
    """
    mine = np.isin(before.kept.slot, group_slot)
    group = np.concatenate([np.searchsorted(group_slot, before.kept.slot[mine]), group_of_row])
    value = np.concatenate([before.kept.value[mine], track.value])
    order = np.argsort(group, kind="stable")
    windows = track_of(group[order], np.zeros(len(group), np.int64), value[order])  # its series are windows
    answers = np.full(len(group_slot), np.nan)
    sketches = dict(before.sketches)
    first_of_series = np.ones(len(group_slot), np.bool_)
    first_of_series[1:] = group_slot[1:] != group_slot[:-1]
    known = first_of_series & np.isin(group_slot, list(sketches))
    kept_from, exact = windows.starts.copy(), ended.copy()
    for number in np.flatnonzero((windows.ends - windows.starts > PORTION) | known[windows.slots]).tolist():
        window, start, end = int(windows.slots[number]), int(windows.starts[number]), int(windows.ends[number])
        slot = int(group_slot[window])
        content = sketches.pop(slot) if known[window] else None
        while end - start > PORTION:  # at least one value stays, by which the window is found again
            content = _extended(content, windows.value[start : start + PORTION])
            start += PORTION
        assert content is not None, "a window with a sketch, or with values for one"
        kept_from[number] = start
        if ended[window]:
            answers[window], exact[window] = _sketch_quantile(content, windows.value[start:end], share), False
        else:
            sketches[slot] = content
    _exact_quantiles(share, windows, exact, answers)
    stays = ~ended[windows.slot] & (np.arange(len(windows)) >= kept_from[windows.series])
    slot_kept = np.concatenate([before.kept.slot[~mine], group_slot[windows.slot[stays]]])
    value_kept = np.concatenate([before.kept.value[~mine], windows.value[stays]])
    order = np.argsort(slot_kept, kind="stable")
    kept = KeptValues(slot_kept[order], np.full(len(order), NONE_US), value_kept[order])
    return answers, Quantiles(kept, sketches)


def _exact_quantiles(share: float, windows: Track, wanted: BoolArray, answers: FloatArray) -> None:
    """Write the quantiles of the windows that are wanted, linear between the two nearest values."""
    rows = np.flatnonzero(wanted[windows.slot])
    if not len(rows):
        return
    group, value = windows.slot[rows], windows.value[rows]
    order = np.lexsort((value, group))
    ranked = track_of(group[order], windows.time_us[rows], value[order])
    position = share * (ranked.ends - ranked.starts - 1)
    below = np.floor(position).astype(np.intp)
    low = ranked.value[ranked.starts + below]
    high = ranked.value[np.minimum(ranked.starts + below + 1, ranked.ends - 1)]
    answers[ranked.slots] = low + (high - low) * (position - below)


def _extended(content: bytes | None, values: FloatArray) -> bytes:
    from datasketches import tdigest_double

    sketch = tdigest_double(_COMPRESSION) if content is None else tdigest_double.deserialize(content)
    sketch.update(values)
    extended: bytes = sketch.serialize()
    return extended


def _sketch_quantile(content: bytes, rest: FloatArray, share: float) -> float:
    from datasketches import tdigest_double

    sketch = tdigest_double.deserialize(content)
    if len(rest):
        sketch.update(rest)
    return float(sketch.get_quantile(share))
