"""Measure what a metric is like over all devices."""

from typing import Final

import numpy as np

from pipeline.suggest.measure_intervals import medians_of
from pipeline.suggest.profile import MetricKind, MetricProfile, SendingIntervals
from pipeline.suggest.reading_sample import ReadingSample
from pipeline.suggest.round_numbers import DAY_US
from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from transforms.series.memory import SeriesColumns

FEWEST_READINGS: Final = 100
MARGIN: Final = 0.25
"""Bounds are this much of the range of usual values beyond them."""
_SEASON_US: Final = 4 * DAY_US
_MOST_RESETS: Final = 0.01
_FEWEST_RISES: Final = 20
_FEWEST_MOVES: Final = 20
_HANDFUL: Final = 10


def measure_metric(
    name: str,
    sums: SeriesColumns,
    device_readings: IntArray,
    intervals: SendingIntervals,
    sample: ReadingSample,
    values: FloatArray,
    changes: FloatArray,
    middle_us: int,
) -> MetricProfile:
    """Return what a metric is like.

    Args:
        name: of the metric.
        sums: columns of `SeriesSums`, an entry for each of D devices.
        device_readings: (D,) number of readings of each device, with a value or none.
        intervals: how regularly the devices send.
        sample: N readings.
        values: (N,) their values; NaN where missing.
        changes: (N,) their changes; NaN where there is none.
        middle_us: the middle of the recording, microseconds UTC.
    """
    has = sums["readings"] > 0
    readings, sent = int(sums["readings"].sum()), int(device_readings[has].sum())
    present = ~np.isnan(values)
    device, value, time_us = sample.device[present], values[present], sample.time_us[present]
    q001, q01, median, q99, q999 = _quantiles(value, (0.001, 0.01, 0.5, 0.99, 0.999))
    size = np.abs(changes[~np.isnan(changes) & (changes != 0)])
    rises, falls = int(sums["rises"].sum()), int(sums["falls"].sum())
    low, high = (float(edge(sums[field][has])) if has.any() else np.nan
                 for edge, field in ((np.min, "low"), (np.max, "high")))  # fmt: skip
    return MetricProfile(
        name=name,
        kind=_kind(sums, has, q01, q99),
        readings=readings,
        missing=1.0 - readings / sent if sent else 1.0,
        spans_us=(sums["last_us"] - sums["first_us"])[has],
        interval_us=intervals.median_us * sent / readings if readings else np.nan,
        low=low,
        q001=q001,
        q01=q01,
        median=median,
        q99=q99,
        q999=q999,
        high=high,
        base=_edge(device, value, 0.01),
        top=-_edge(device, -value, 0.01),
        settled=_settled(value, time_us, middle_us),
        moves=(rises + falls) / max(readings - int(has.sum()), 1),
        change=1.2533 * float(sums["steps"].sum()) / (rises + falls) if rises + falls else 0.0,
        large_change=_quantiles(size, (0.99,))[0],
        longest_still_us=int(sums["longest_us"].max(initial=0)),
        season=_season(sums),
        resets=falls / max(rises + falls, 1),
        whole=not sums["fractions"].any(),
    )


def _kind(sums: SeriesColumns, has: BoolArray, q01: float, q99: float) -> MetricKind:
    readings, rises, falls = (int(sums[name].sum()) for name in ("readings", "rises", "falls"))
    if readings < FEWEST_READINGS:
        return "few" if readings else "missing"
    if rises + falls == 0:
        return "constant"
    if not sums["others"].any():
        return "boolean"
    falls_of, rises_of = sums["falls"][has], sums["rises"][has]
    grows = np.all(falls_of <= _MOST_RESETS * (rises_of + falls_of))
    if grows and rises >= _FEWEST_RISES * int(has.sum()):
        return "counter"
    return "resting" if q01 == q99 or rises + falls < _FEWEST_MOVES else "value"


def _quantiles(values: FloatArray, shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(float, np.quantile(values, shares))) if len(values) else (np.nan,) * len(shares)


def _edge(device: CodeArray, values: FloatArray, share: float) -> float:
    """Return the lowest of a quantile of each device, or the median of one with few values; a handful is none."""
    if not len(values):
        return np.nan
    count = np.bincount(device)
    edges, middles = (medians_of(device, values, len(count), one) for one in (share, 0.5))
    known = np.where(count >= FEWEST_READINGS, edges, middles)[count >= _HANDFUL]
    return float(known.min() if len(known) else np.median(values))


def _settled(values: FloatArray, time_us: IntArray, middle_us: int) -> float:
    """Return the share of later values within bounds that the earlier ones suggest; NaN if one half has too few."""
    early, late = values[time_us < middle_us], values[time_us >= middle_us]
    if min(len(early), len(late)) < FEWEST_READINGS:
        return np.nan
    low, high = np.quantile(early, (0.001, 0.999))
    margin = MARGIN * (high - low)
    return float(((late >= low - margin) & (late <= high + margin)).mean())


def _season(sums: SeriesColumns) -> float:
    """Return the share of the variance that the hour of the day explains: how alike the hours of different days are.

    Means by hour of even and of odd days are compared: what one of both has by chance, the other has not. The median
    of the devices that were recorded for long enough counts.
    """
    long = np.flatnonzero(sums["last_us"] - sums["first_us"] >= _SEASON_US)
    if not len(long):
        return np.nan
    count, total = sums["hour_counts"][long], sums["hours"][long]
    known: BoolArray = np.all(count > 0, axis=1)  # hours that even days have as well as odd ones
    hours = np.maximum(known.sum(axis=1), 1)
    means = total / np.maximum(count, 1)
    mean = (means * known[:, np.newaxis]).sum(axis=2) / hours[:, np.newaxis]
    centred = (means - mean[:, :, np.newaxis]) * known[:, np.newaxis]
    common = (centred[:, 0] * centred[:, 1]).sum(axis=1) / hours
    readings = sums["readings"][long]
    variance = sums["squares"][long] / readings - (total.sum(axis=(1, 2)) / readings) ** 2
    shares = common / np.where(variance > 0, variance, np.inf)
    return float(np.clip(np.median(shares), 0.0, 1.0))
