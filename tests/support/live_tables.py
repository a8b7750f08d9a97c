"""Convert records to the tables that a result store returns, and to rows of a window series."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from plotting.serve.live_run import COLUMNS, LiveRun
from plotting.serve.window_series import WINDOW_ROW, WindowRows
from telemetry.model.kinds import KINDS
from telemetry.model.record_batches import from_records
from telemetry.storage.result_store import schema_of
from tests.support.runs import MINUTE, T0


def table(kind: str, records: Sequence[Any]) -> pa.Table:
    """Return records as the table that a store returns."""
    columns = COLUMNS[kind]
    batch = from_records(KINDS[kind].record, list(records))
    return pa.Table.from_batches([batch]).select(columns).cast(schema_of(kind, columns))


def take(
    run: LiveRun,
    windows: Sequence[Any] = (),
    anomalies: Sequence[Any] = (),
    letters: Sequence[Any] = (),
    incidents: Sequence[Any] = (),
) -> bool:
    """Add records to a run; return whether any is new."""
    parts = (("aggregates", windows), ("anomalies", anomalies), ("dead_letters", letters), ("incidents", incidents))
    found = [run.add(kind, table(kind, records)) for kind, records in parts if records]
    return any(found)


def rows_of(*windows: tuple[int, float, int], job: int = 0) -> WindowRows:
    """Return rows of (minute, mean, pane) of one job, each of one minute and three readings."""
    starts = [T0 + minute * MINUTE for minute, _, _ in windows]
    return np.array(
        [
            (start, start + MINUTE, 3, mean, mean - 1, mean + 1, 0.5, pane, job)
            for start, (_, mean, pane) in zip(starts, windows, strict=True)
        ],
        dtype=WINDOW_ROW,
    )


def whole_of(rows: WindowRows) -> dict[str, float]:
    """Return count, extremes, mean and standard deviation of the readings of all windows."""
    count = int(rows["count"].sum())
    mean = float((rows["mean"] * rows["count"]).sum() / count)
    squares = float(((rows["stddev"] ** 2 + (rows["mean"] - mean) ** 2) * rows["count"]).sum())
    return {
        "count": count,
        "min": float(rows["min"].min()),
        "max": float(rows["max"].max()),
        "mean": mean,
        "stddev": (squares / count) ** 0.5,
    }
