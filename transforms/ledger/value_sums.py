"""Sum up the values of readings by hour and metric, from readings or from windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, FloatArray, IntArray
from telemetry.model.reading_batch import ReadingBatch
from transforms.ledger.checksums import HashArray, signed, text_hashes, unit_weights, window_hashes
from transforms.windows.aggregate_table import COUNT, MAX, MEAN, MIN, AggregateTable, aggregate_batch, spread_windows
from transforms.windows.window_spec import WindowSpec

_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class ValueSums:
    """Values of one metric in the windows that begin in one hour; a value counts once for each of its windows.

    Attributes:
        hour_us: start of the hour, microseconds UTC.
        metric: name of the metric.
        count: how many values.
        total: their sum, in the metric's unit.
        weighted: their sum, each multiplied by a weight of its device and window.
        low: the smallest.
        high: the largest.
        checksum: sum of a hash of device and window of each.
    """

    hour_us: int
    metric: str
    count: int
    total: float
    weighted: float
    low: float
    high: float
    checksum: int


def sums_of_readings(batch: ReadingBatch, windows: WindowSpec, rows: BoolArray | None = None) -> Iterator[ValueSums]:
    """Yield the sums of readings.

    Args:
        batch: N readings.
        windows: the windows that they belong to.
        rows: (N,) which of them; None for all.
    """
    if rows is not None:
        batch = batch.select(np.flatnonzero(rows))
    if windows.slide_us != windows.size_us:
        yield from sums_of_table(spread_windows(aggregate_batch(batch, windows), windows))
        return
    window_us = windows.latest(batch.event_us)
    hashes = window_hashes(text_hashes(batch.devices)[batch.device], window_us)
    values, missing = batch.values, np.isnan(batch.values)
    low = high = values
    count: Any = np.ones((1, len(batch)), np.int64)
    if missing.any():
        values, low, high = (np.where(missing, neutral, values) for neutral in (0.0, np.inf, -np.inf))
        count = (~missing).astype(np.int64)
    yield from _by_hour(batch.metrics, window_us, hashes, count, values, low, high)


def sums_of_table(table: AggregateTable) -> Iterator[ValueSums]:
    """Yield the sums of the windows of a table."""
    hashes = window_hashes(text_hashes(table.devices)[table.device], table.window_us)
    count = table.ints[COUNT]
    with np.errstate(over="ignore"):
        totals = table.floats[MEAN] * count
    yield from _by_hour(table.metrics, table.window_us, hashes, count, totals, table.floats[MIN], table.floats[MAX])


def _by_hour(
    metrics: tuple[str, ...],
    window_us: IntArray,
    hashes: HashArray,
    count: NDArray[np.int64],
    totals: FloatArray,
    low: FloatArray,
    high: FloatArray,
) -> Iterator[ValueSums]:
    """Yield the sums of N items of M metrics.

    Args:
        metrics: the M metrics.
        window_us: (N,) window of each item.
        hashes: (N,) hash of its device and window.
        count: (M, N) number of its values, or (1, N) if all metrics have as many.
        totals: (M, N) their sum, 0 if there are none.
        low: (M, N) the smallest, inf if there are none.
        high: (M, N) the largest, -inf if there are none.
    """
    hour = window_us // _HOUR_US
    weights = unit_weights(hashes)
    if (np.diff(hour) < 0).any():
        order = np.argsort(hour, kind="stable")
        hour, hashes, weights = hour[order], hashes[order], weights[order]
        count, totals, low, high = count[:, order], totals[:, order], low[:, order], high[:, order]
    starts = np.flatnonzero(np.append(True, hour[1:] != hour[:-1]))
    counts = np.add.reduceat(count, starts, axis=1)
    checksums = np.add.reduceat(hashes * count.astype(np.uint64), starts, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduceat(totals, starts, axis=1)
        weighted = np.add.reduceat(totals * weights, starts, axis=1)
    lowest, highest = np.minimum.reduceat(low, starts, axis=1), np.maximum.reduceat(high, starts, axis=1)
    for index, name in enumerate(metrics):
        row = index if len(count) > 1 else 0
        for place, start in enumerate(starts.tolist()):
            if counts[row, place]:
                yield ValueSums(
                    int(hour[start]) * _HOUR_US, name, int(counts[row, place]),
                    float(sums[index, place]), float(weighted[index, place]),
                    float(lowest[index, place]), float(highest[index, place]), signed(checksums[row, place]),
                )  # fmt: skip
