"""Recordings for tests of suggested rules: columns of values over time, and the rules file that they suggest."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from pipeline.backtest.time_order import RUN_ROWS, TimeOrder
from pipeline.suggest.candidate import RuleCandidate
from pipeline.suggest.measure import measure_recording
from pipeline.suggest.profile import MeasuredRecording, MetricProfile
from pipeline.suggest.suggest import suggest_rules
from pipeline.suggest.write_yaml import SuggestionSource
from telemetry.feed.default_feed import DEFAULT_CATALOG
from tests.support.incidents import START
from transforms.incidents.time_slices import BLOCK_ROWS, SLICE_ROWS
from transforms.incidents.watched_rows import WatchedRows

Values = NDArray[np.float64]
DAY_S = 86_400


def recording(
    metrics: Mapping[str, Values], every_s: float = 60, devices: Sequence[str] = ("a",), gaps: Sequence[int] = ()
) -> WatchedRows:
    """Return readings with the same values of each device, so many seconds apart.

    Args:
        metrics: values (N,) of each metric.
        every_s: time between two readings, seconds.
        devices: names.
        gaps: readings that never came.
    """
    rows = np.setdiff1d(np.arange(len(next(iter(metrics.values())))), gaps)
    values = np.array([value[rows] for value in metrics.values()], np.float64)
    time_us = START + np.round(rows * every_s * 1e6).astype(np.int64)
    device = np.repeat(np.arange(len(devices), dtype=np.int32), len(rows))
    return WatchedRows(
        tuple(metrics), tuple(devices), device, np.tile(time_us, len(devices)), np.tile(values, len(devices))
    )


@contextmanager
def ordered(*parts: WatchedRows, run_rows: int = RUN_ROWS, block_rows: int = BLOCK_ROWS) -> Iterator[TimeOrder]:
    """Open the readings in the order of their times: how many are sorted in memory, and are loaded at a time."""
    with TimeOrder(parts[0].metrics, run_rows=run_rows, block_rows=block_rows) as order:
        for part in parts:
            order.add(part)
        yield order


def measured(*parts: WatchedRows, slice_rows: int = SLICE_ROWS) -> MeasuredRecording:
    """Return what readings are like, from slices of about so many."""
    with ordered(*parts, block_rows=min(slice_rows, BLOCK_ROWS)) as order:
        return measure_recording(order, parts[0].metrics, slice_rows)


def profile_of(values: Values, every_s: float = 60, devices: Sequence[str] = ("a",)) -> MetricProfile:
    """Return what a metric is like."""
    (profile,) = measured(recording({"m": values}, every_s, devices)).metrics
    return profile


def suggested(*parts: WatchedRows, per_day: float = 0.5, run_rows: int = RUN_ROWS) -> str:
    """Return the rules file that readings suggest, of which no more than so many are sorted in memory."""
    with ordered(*parts, run_rows=run_rows) as order:
        source = SuggestionSource(("--input", "t.csv"), "rules.yaml", per_day)
        return suggest_rules(order, parts[0].metrics, source, DEFAULT_CATALOG)


def as_rule(chosen: object) -> RuleCandidate:
    """Return what was chosen, which is a rule."""
    assert isinstance(chosen, RuleCandidate), chosen
    return chosen


def as_sentence(chosen: object) -> str:
    """Return what was chosen, which is a sentence about why there is no rule."""
    assert isinstance(chosen, str), chosen
    return chosen


def noise(count: int, seed: int = 1, scale: float = 0.2, mean: float = 20.0) -> Values:
    """Return steady noise, in steps of a thousandth."""
    return np.round(np.random.default_rng(seed).normal(mean, scale, count), 3)


def wave(count: int, every_s: float, swing: float = 5.0, seed: int = 1) -> Values:
    """Return a wave of a day, with some noise."""
    return noise(count, seed) + swing * np.sin(2 * np.pi * np.arange(count) * every_s / DAY_S)
