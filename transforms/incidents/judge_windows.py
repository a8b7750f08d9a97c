"""Judge a statistic of each tumbling window of event time, when the window has ended."""

from dataclasses import dataclass

import numpy as np

from telemetry.arrays import BoolArray, FloatArray, IntArray
from telemetry.rules.conditions import WindowStatistic
from transforms.incidents.incident_state import StateColumns
from transforms.incidents.latch import Judged
from transforms.incidents.quantiles import Quantiles, quantiles_of
from transforms.incidents.watch import Watch
from transforms.series.track import NONE_US, RowArray, Track, starts_of, track_of


@dataclass(frozen=True, slots=True)
class _Groups:
    """G windows of some series, sorted by slot and start: those that go on from before, and those of new rows.

    Attributes:
        slot: (G,) series.
        window_us: (G,) start of the window, microseconds UTC.
        carried: slots whose window goes on from before; C of them.
        of_carried: (C,) their windows.
        of_row: (N,) window of each new row.
    """

    slot: RowArray
    window_us: IntArray
    carried: RowArray
    of_carried: RowArray
    of_row: RowArray


def judge_windows(watch: Watch, condition: WindowStatistic) -> tuple[Judged, Quantiles]:
    """Return the statistic of each window that ended before the watermark and has enough readings, at its end.

    A window without readings is not judged, not even its count: that is silence. Sums are added in the order of the
    readings, one after the other, so that the answer does not depend on how they are divided into calls.

    Returns:
        The ends of windows, and the values that are kept for a quantile.
    """
    track, columns = watch.track(watch.rule.metric), watch.state.columns
    length_us, watermark_us = condition.length_us, watch.arrivals.watermark_us
    groups = _group(track, columns, length_us, watermark_us)
    count = columns["count"][groups.carried]
    counts = np.bincount(groups.of_row, minlength=len(groups.slot))
    counts[groups.of_carried] += count
    ended = groups.window_us + length_us < watermark_us
    quantiles = Quantiles(watch.state.kept, watch.state.sketches)
    if condition.statistic == "quantile":
        assert condition.quantile is not None, "a quantile is a share"
        values, quantiles = quantiles_of(condition.quantile, quantiles, track, groups.of_row, groups.slot, ended)
        sums: dict[str, FloatArray] = {}
    else:
        sums = _sums(groups, track, columns)
        values = _statistic(condition, sums, counts)
    changed = _remember(groups, columns, ended, counts, sums)
    judged = ended & (counts >= condition.min_readings)
    ends = track_of(groups.slot[judged], groups.window_us[judged] + length_us, values[judged])
    limits = watch.limits(ends)
    return Judged(ends, limits.breaches(), limits.clears(), columns=changed), quantiles


def ended_means(watch: Watch, track: Track, length_us: int) -> tuple[Track, StateColumns]:
    """Return the mean of each window that ended before the watermark, at its end, and the columns that have changed."""
    columns = {name: watch.state.columns[name] for name in ("window_us", "count", "total")}  # and no other sums
    groups = _group(track, columns, length_us, watch.arrivals.watermark_us)
    counts = np.bincount(groups.of_row, minlength=len(groups.slot))
    counts[groups.of_carried] += columns["count"][groups.carried]
    sums = _sums(groups, track, columns)
    ended = groups.window_us + length_us < watch.arrivals.watermark_us
    changed = _remember(groups, columns, ended, counts, sums)
    means = sums["total"][ended] / counts[ended]
    return track_of(groups.slot[ended], groups.window_us[ended] + length_us, means), changed


def _remember(
    groups: _Groups, columns: StateColumns, ended: BoolArray, counts: IntArray, sums: dict[str, FloatArray]
) -> StateColumns:
    """Return the columns with the windows that have not ended: of each series the last one, if any."""
    changed: StateColumns = {}
    stays = np.flatnonzero(~ended)
    for name in ("window_us", "count", *sums):
        changed[name] = columns[name].copy()
        changed[name][groups.slot] = NONE_US if name == "window_us" else 0 if name == "count" else np.nan
        source = groups.window_us if name == "window_us" else counts if name == "count" else sums[name]
        changed[name][groups.slot[stays]] = source[stays]
    return changed


def _group(track: Track, columns: StateColumns, length_us: int, watermark_us: int) -> _Groups:
    """Return the windows of new readings, and those of before that go on or end."""
    row_window_us = track.time_us - track.time_us % length_us
    begins = starts_of(track.slot, row_window_us)
    due = (columns["count"] > 0) & (columns["window_us"] + length_us < watermark_us)
    due[track.slots] = columns["count"][track.slots] > 0
    carried = np.flatnonzero(due)
    slot = np.concatenate([carried, track.slot[begins]])
    window_us = np.concatenate([columns["window_us"][carried], row_window_us[begins]])
    order = np.lexsort((window_us, slot))
    distinct = starts_of(slot[order], window_us[order])
    number = np.empty(len(order), np.intp)
    number[order] = np.repeat(np.arange(len(distinct)), np.diff(distinct, append=len(order)))
    of_row = np.repeat(number[len(carried) :], np.diff(begins, append=len(track)))
    return _Groups(slot[order][distinct], window_us[order][distinct], carried, number[: len(carried)], of_row)


def _sums(groups: _Groups, track: Track, columns: StateColumns) -> dict[str, FloatArray]:
    """Return the columns that the statistic is computed from, (G,) each."""
    number = len(groups.slot)
    of_all = np.concatenate([groups.of_carried, groups.of_row])
    sums: dict[str, FloatArray] = {}

    def joined(name: str, values: FloatArray) -> FloatArray:
        return np.concatenate([columns[name][groups.carried], values])

    def added(name: str, values: FloatArray) -> FloatArray:
        # `bincount` adds in order, which `add.reduceat` does not.
        return np.bincount(of_all, joined(name, values), number).astype(np.float64, copy=False)

    if "total" in columns:
        sums["total"] = added("total", track.value)
    if "low" in columns:
        sums["low"] = np.full(number, np.inf)
        np.minimum.at(sums["low"], of_all, joined("low", track.value))
    if "high" in columns:
        sums["high"] = np.full(number, -np.inf)
        np.maximum.at(sums["high"], of_all, joined("high", track.value))
    if "first" in columns:
        values = joined("first", track.value)
        sums["first"] = np.empty(number)
        sums["first"][of_all[::-1]] = values[::-1]  # the earliest one is written last
    if "last" in columns:
        sums["last"] = np.empty(number)
        sums["last"][of_all] = joined("last", track.value)
    if "off" in columns:
        off = track.value - sums["first"][groups.of_row]
        sums["off"], sums["off_squared"] = added("off", off), added("off_squared", off * off)
    return sums


def _statistic(condition: WindowStatistic, sums: dict[str, FloatArray], counts: IntArray) -> FloatArray:
    match condition.statistic:
        case "count":
            return counts.astype(np.float64)
        case "mean":
            return sums["total"] / counts
        case "min":
            return sums["low"]
        case "max":
            return sums["high"]
        case "range":
            return sums["high"] - sums["low"]
        case "first" | "last":
            return sums[condition.statistic]
        case "stddev":  # of the population, from distances to the first value, which are small
            off = sums["off"] / counts
            return np.sqrt(np.maximum(sums["off_squared"] / counts - off * off, 0.0))
    raise ValueError(f"{condition.statistic!r} is no statistic that is computed from sums")
