"""Compute mergeable statistics of many (device, window) groups at once, as arrays.

An `AggregateTable` is the accumulator of the whole job: the rows of a batch become a table, and tables merge by
concatenation and group-reduce. Merging is associative and commutative up to rounding, so any split and
any order of the readings gives the same result.

Means and squared deviations are merged pairwise after Chan, Golub and LeVeque, "Updating Formulae and a
Pairwise Algorithm for Computing Sample Variances" (1979): for parts i with n_i, mean_i and M2_i,
``M2 = sum(M2_i) + sum(n_i (mean_i - mean)^2)``, which does not cancel as a sum of squares does.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.model.reading_batch import ReadingBatch, merge_names
from transforms.shuffle.shards import shard_of
from transforms.windows.window_spec import WindowSpec

MEAN, M2, MIN, MAX, FIRST, LAST = range(6)
COUNT, ANOMALIES, FIRST_US, LAST_US = range(4)
_NEVER: Final = np.iinfo(np.int64)
_VALUES_AT_ONCE: Final = 100_000  # of each statistic, which bounds the copies made while merging to 8 MB


@dataclass(frozen=True, slots=True)
class AggregateTable:
    """Statistics of M metrics for G groups, each one device in one window.

    Attributes:
        metrics: names of the M metrics.
        devices: distinct device names.
        device: (G,) index into `devices`.
        window_us: (G,) start of the window, microseconds UTC.
        floats: (6, M, G) mean, M2 (sum of squared deviations from the mean), min, max, first, last;
            0, 0, inf, -inf, inf and -inf where the count is 0.
        ints: (4, M, G) count, anomaly count, event time of first and of last in microseconds UTC;
            the times are the largest and smallest int64 where the count is 0.
    """

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: CodeArray
    window_us: IntArray
    floats: FloatArray
    ints: IntArray

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.window_us)

    def select(self, groups: "slice | BoolArray | NDArray[np.intp]") -> "AggregateTable":
        """Return the groups that a slice, a mask or an index array picks, with only the devices they need."""
        codes = device = self.device[groups]
        if (codes[1:] > codes[:-1]).all():  # one window: its devices are distinct and sorted
            device = np.arange(len(codes), dtype=np.int32)
        else:
            codes, inverse = np.unique(codes, return_inverse=True)
            device = inverse.astype(np.int32)
        return AggregateTable(
            self.metrics,
            tuple([self.devices[code] for code in codes.tolist()]),
            device,
            self.window_us[groups],
            self.floats[:, :, groups],
            self.ints[:, :, groups],
        )


def aggregate_batch(batch: ReadingBatch, windows: WindowSpec) -> AggregateTable:
    """Return one group per device and latest window of its readings.

    Equal to `merge_tables` of one table per reading, without making those tables. Where windows slide, this is a
    bucket of event time for `spread_windows`.
    """
    window_us = windows.latest(batch.event_us)
    order = np.lexsort((batch.device, window_us))
    device, window_us, values = batch.device[order], window_us[order], batch.values[:, order]
    starts = _starts(device, window_us)
    sizes = np.diff(starts, append=len(order))
    floats = np.empty((6, len(batch.metrics), len(starts)))
    ints = np.zeros((4, len(batch.metrics), len(starts)), np.int64)
    missing = np.isnan(values)
    some_missing = missing.any()
    present = low = high = values
    first_us = last_us = batch.event_us[order]
    if some_missing:
        present, low, high = (np.where(missing, neutral, values) for neutral in (0.0, np.inf, -np.inf))
        first_us, last_us = (np.where(missing, never, first_us) for never in (_NEVER.max, _NEVER.min))
    ints[COUNT] = np.add.reduceat(~missing, starts, axis=1, dtype=np.int64) if some_missing else sizes
    if batch.breaches is not None:
        np.add.reduceat(batch.breaches[:, order], starts, axis=1, dtype=np.int64, out=ints[ANOMALIES])
    first, last = np.minimum.reduceat(first_us, starts, axis=-1), np.maximum.reduceat(last_us, starts, axis=-1)
    ints[FIRST_US], ints[LAST_US] = first, last
    floats[MEAN] = np.add.reduceat(present, starts, axis=1) / np.maximum(ints[COUNT], 1)
    off = present - np.repeat(floats[MEAN], sizes, axis=1)
    if some_missing:
        off[missing] = 0.0
    with np.errstate(over="ignore"):  # of values near the largest double the deviation is infinite
        np.add.reduceat(off * off, starts, axis=1, out=floats[M2])
    np.minimum.reduceat(low, starts, axis=1, out=floats[MIN])
    np.maximum.reduceat(high, starts, axis=1, out=floats[MAX])
    is_first = first_us == np.repeat(first, sizes, axis=-1)
    is_last = last_us == np.repeat(last, sizes, axis=-1)
    np.minimum.reduceat(np.where(is_first, low, np.inf), starts, axis=1, out=floats[FIRST])
    np.maximum.reduceat(np.where(is_last, high, -np.inf), starts, axis=1, out=floats[LAST])
    return AggregateTable(batch.metrics, batch.devices, device[starts], window_us[starts], floats, ints)


def merge_tables(tables: Sequence[AggregateTable]) -> AggregateTable:
    """Return one table of all groups; those of the same device and window become one."""
    if len(tables) == 1:
        return tables[0]
    devices, device = merge_names([t.devices for t in tables], [t.device for t in tables])
    return _reduce(tables, devices, device, np.concatenate([t.window_us for t in tables]))


def spread_windows(table: AggregateTable, windows: WindowSpec) -> AggregateTable:
    """Return all windows for a table of the latest windows of some readings.

    The readings between a start b and the next one lie in the windows starting at b, b - slide, … b - size + slide.
    """
    if windows.size_us == windows.slide_us:
        return table
    tables, starts = [], []
    for held, window_us in windows.holding(table.window_us):
        tables.append(table if held is None else _masked(table, held))
        starts.append(window_us)
    device = np.concatenate([one.device for one in tables])
    return _reduce(tables, table.devices, device, np.concatenate(starts))


def split_table(table: AggregateTable, shards: int, bucket_us: int) -> Iterator[tuple[int, int, AggregateTable]]:
    """Yield (shard, number of the time bucket since the epoch, groups of both as a table).

    Args:
        table: the groups, sorted by window.
        shards: number of shards; see `shard_of`.
        bucket_us: length of a time bucket, microseconds. A bucket holds the windows that start in it.
    """
    bucket = table.window_us // bucket_us
    if shards == 1:
        edges = [*_starts(bucket).tolist(), len(table)]
        for start, end in itertools.pairwise(edges):
            yield 0, int(bucket[start]), table.select(slice(start, end))
        return
    shard = np.array([shard_of(name, shards) for name in table.devices], np.int32)[table.device]
    order = np.lexsort((bucket, shard))
    for groups in np.split(order, _starts(shard[order], bucket[order])[1:]):
        yield int(shard[groups[0]]), int(bucket[groups[0]]), table.select(groups)


def _masked(table: AggregateTable, groups: BoolArray) -> AggregateTable:
    """Return the groups of a mask, with all devices."""
    floats, ints = table.floats[:, :, groups], table.ints[:, :, groups]
    return AggregateTable(table.metrics, table.devices, table.device[groups], table.window_us[groups], floats, ints)


def _starts(*sorted_keys: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the indices at which a new combination of keys begins."""
    changed = np.ones(len(sorted_keys[0]), np.bool_)
    changed[1:] = False
    for key in sorted_keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def _reduce(
    tables: Sequence[AggregateTable], devices: tuple[str, ...], device: CodeArray, window_us: IntArray
) -> AggregateTable:
    """Merge the groups of the same device and window, sorted by window and device.

    Args:
        tables: the groups, one table after the other.
        devices: distinct device names.
        device: index of each group into `devices`.
        window_us: start of the window of each group.
    """
    order = np.lexsort((device, window_us))
    device, window_us = device[order], window_us[order]
    starts = _starts(device, window_us)
    metrics = tables[0].metrics
    floats = np.empty((6, len(metrics), len(starts)))
    ints = np.empty((4, len(metrics), len(starts)), np.int64)
    at_once = max(_VALUES_AT_ONCE // max(len(order), 1), 1)
    for metric in range(0, len(metrics), at_once):
        some = slice(metric, metric + at_once)
        sorted_floats = np.concatenate([t.floats[:, some] for t in tables], axis=2)[:, :, order]
        sorted_ints = np.concatenate([t.ints[:, some] for t in tables], axis=2)[:, :, order]
        if len(starts) == len(order):
            floats[:, some], ints[:, some] = sorted_floats, sorted_ints
        else:
            _reduce_sorted(sorted_floats, sorted_ints, starts, floats[:, some], ints[:, some])
    return AggregateTable(metrics, devices, device[starts], window_us[starts], floats, ints)


def _reduce_sorted(
    floats: FloatArray, ints: IntArray, starts: NDArray[np.intp], out: FloatArray, out_ints: IntArray
) -> None:
    """Merge runs of groups that begin at `starts`, into `out` and `out_ints`."""
    sizes = np.diff(starts, append=floats.shape[2])
    np.add.reduceat(ints[:FIRST_US], starts, axis=2, out=out_ints[:FIRST_US])
    np.minimum.reduceat(ints[FIRST_US], starts, axis=1, out=out_ints[FIRST_US])
    np.maximum.reduceat(ints[LAST_US], starts, axis=1, out=out_ints[LAST_US])
    count = ints[COUNT]
    total = np.maximum(out_ints[COUNT], 1)  # an empty group has mean 0, not 0 / 0
    out[MEAN] = np.add.reduceat(floats[MEAN] * count, starts, axis=1) / total
    off = floats[MEAN] - np.repeat(out[MEAN], sizes, axis=1)
    with np.errstate(over="ignore"):  # of values near the largest double the deviation is infinite
        out[M2] = np.add.reduceat(floats[M2] + count * off * off, starts, axis=1)
    np.minimum.reduceat(floats[MIN], starts, axis=1, out=out[MIN])
    np.maximum.reduceat(floats[MAX], starts, axis=1, out=out[MAX])
    is_first = ints[FIRST_US] == np.repeat(out_ints[FIRST_US], sizes, axis=1)
    is_last = ints[LAST_US] == np.repeat(out_ints[LAST_US], sizes, axis=1)
    np.minimum.reduceat(np.where(is_first, floats[FIRST], np.inf), starts, axis=1, out=out[FIRST])
    np.maximum.reduceat(np.where(is_last, floats[LAST], -np.inf), starts, axis=1, out=out[LAST])
