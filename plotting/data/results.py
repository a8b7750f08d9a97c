"""Stored results of a run as pandas frames: the latest pane of each window, each anomaly once.

Reads the records of a job, from files or from BigQuery; see `telemetry.storage.result_store`. Times become
``datetime64[us, UTC]``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plotting.data.source import Source, explained, store_of
from telemetry.storage.result_store import ResultStore, schema_of

_WINDOW: Final = ["device", "metric", "window_start", "window_end"]
AGGREGATE_COLUMNS: Final = (*_WINDOW, "count", "mean", "stddev", "min", "max", "pane_index")
ANOMALY_COLUMNS: Final = (
    *("anomaly_id", "rule_id", "severity", "device", "metric"),
    *("value", "threshold", "threshold_upper", "comparison", "event_time", "source_time"),
)
_COUNTED: Final = {
    "aggregates": ("metric", "device", "window_start", "window_end"),
    "anomalies": ("metric", "device", "anomaly_id", "rule_id", "severity", "event_time"),
    "dead_letters": ("reason", "event_time"),
}


@dataclass(frozen=True)
class RunResults:
    """One metric of a stored run."""

    aggregates: pd.DataFrame
    """One row a (device, window), in order; values in the metric's unit, times UTC."""
    anomalies: pd.DataFrame
    """One row an anomaly, in order of event time; values in the metric's unit, times UTC."""
    metrics: tuple[str, ...]
    """Every metric that has a result in the run, sorted, whichever was asked for."""


@dataclass(frozen=True)
class RunRecords:
    """What an overview counts, of one metric or of all."""

    windows: pd.DataFrame
    """`device`, `window_start`, `window_end` (UTC) of each window with data, once, whatever its metrics and panes."""
    anomalies: pd.DataFrame
    """`device`, `rule_id`, `severity`, `event_time` (UTC) of each anomaly, once."""
    letters: pd.DataFrame
    """`reason` and `event_time` (UTC or NaT) of each dead letter."""
    metrics: tuple[str, ...]
    """Every metric that has a result in the run, sorted, whichever was asked for."""


def read_run(results: Source, metric: str | None = None) -> RunRecords:
    """Read what an overview counts, a file or a page at a time.

    Args:
        results: Where they are; a folder is what was given to the job as ``--output``, on any Beam filesystem.
        metric: The metric wanted; None means all. Dead letters belong to none and are all read.

    Raises:
        ConfigError: if there are no results, or they cannot be read.
    """
    store = store_of(results)

    def distinct(kind: str) -> tuple[pd.DataFrame, set[str]]:
        columns = _COUNTED[kind][1:]
        return _read_each(store, kind, _COUNTED[kind], lambda t: _of(t, metric).group_by(columns).aggregate([]))

    with explained():
        store.check()
        windows, windows_of = distinct("aggregates")
        anomalies, anomalies_of = distinct("anomalies")
        letters = store.read("dead_letters", _COUNTED["dead_letters"]).to_pandas()
    once = anomalies.drop_duplicates("anomaly_id", ignore_index=True)
    return RunRecords(windows.drop_duplicates(ignore_index=True), once, letters, _names(windows_of, anomalies_of))


def read_results(results: Source, metric: str, *, windows: bool = True) -> RunResults:
    """Read the aggregates and the anomalies of one metric, a file or a page at a time.

    Args:
        results: Where they are; a folder is what was given to the job as ``--output``, on any Beam filesystem.
        metric: The metric wanted; a metric without results gives empty frames with the same columns.
        windows: Whether the aggregates are wanted, too; else they are not read, and `metrics` are of anomalies alone.

    Raises:
        ConfigError: if there are no results, or they cannot be read.
    """
    store = store_of(results)
    with explained():
        store.check()
        aggregates, windows_of = schema_of("aggregates", AGGREGATE_COLUMNS).empty_table().to_pandas(), set[str]()
        if windows:
            aggregates, windows_of = _read_each(store, "aggregates", AGGREGATE_COLUMNS, lambda t: _of(t, metric))
        anomalies, anomalies_of = _read_each(store, "anomalies", ANOMALY_COLUMNS, lambda t: _of(t, metric))
    return RunResults(latest_panes(aggregates), unique_anomalies(anomalies), _names(windows_of, anomalies_of))


def latest_panes(aggregates: pd.DataFrame) -> pd.DataFrame:
    """Keep the highest `pane_index` of each (device, metric, window): panes accumulate, so it is the truth."""
    latest = aggregates.sort_values("pane_index", kind="stable").drop_duplicates(_WINDOW, keep="last")
    return latest.sort_values(_WINDOW, ignore_index=True)


def unique_anomalies(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Keep each `anomaly_id` once: delivery is at least once, and the id of a repetition is the same."""
    unique = anomalies.drop_duplicates("anomaly_id")
    return unique.sort_values(["event_time", "anomaly_id"], ignore_index=True)


def _read_each(
    store: ResultStore, kind: str, columns: Sequence[str], keep: Callable[[pa.Table], pa.Table]
) -> tuple[pd.DataFrame, set[str]]:
    """Return what `keep` leaves of each part of a kind, and the names of all metrics; a part is held at a time."""
    parts, metrics = [keep(schema_of(kind, columns).empty_table())], set[str]()
    for table in store.tables(kind, columns):
        metrics.update(pc.unique(table.column("metric")).to_pylist())
        parts.append(keep(table))
    frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return frame, metrics


def _of(table: pa.Table, metric: str | None) -> pa.Table:
    return table if metric is None else table.filter(pc.equal(table.column("metric"), metric))


def _names(*metrics: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*metrics)))
