"""Build record batches of aggregates from a table."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from telemetry.model.record_batches import from_columns
from telemetry.model.records import WindowAggregate
from transforms.windows.aggregate_table import ANOMALIES, COUNT, FIRST_US, LAST_US, AggregateTable
from transforms.windows.window_spec import WindowSpec

PaneTiming = Literal["early", "on_time", "late"]


def aggregates(
    table: AggregateTable, windows: WindowSpec, timing: PaneTiming, pane_index: int, job_id: str = ""
) -> pa.RecordBatch:
    """Return one record for each group and metric that has readings, ordered by window, device and metric."""
    group, metric = np.nonzero(table.ints[COUNT].T)
    order = np.lexsort((metric, _rank(table.devices)[table.device[group]], table.window_us[group]))
    group, metric = group[order], metric[order]
    names = pa.array(table.devices, pa.string()).take(pa.array(table.device[group]))
    kinds = pa.array(table.metrics, pa.string()).take(pa.array(metric))
    count = table.ints[COUNT, metric, group]
    mean, m2, low, high, first, last = table.floats[:, metric, group]
    window_us = table.window_us[group]
    n = len(group)
    return from_columns(
        WindowAggregate,
        {
            "device": names,
            "metric": kinds,
            "window_start": window_us,
            "window_end": windows.ends(window_us),
            "count": count,
            "mean": mean,
            "stddev": np.sqrt(m2 / count),
            "min": low,
            "max": high,
            "first": first,
            "last": last,
            "anomaly_count": table.ints[ANOMALIES, metric, group],
            "timing": pa.repeat(pa.scalar(timing, pa.string()), n),
            "pane_index": np.full(n, pane_index, np.int64),
            "job_id": pa.repeat(pa.scalar(job_id, pa.string()), n),
            "first_time": table.ints[FIRST_US, metric, group],
            "last_time": table.ints[LAST_US, metric, group],
        },
    )


def _rank(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    rank = np.empty(len(names), np.intp)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank
