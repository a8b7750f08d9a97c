"""Stored results of a run as pandas frames: the latest pane of each window, each anomaly once.

Reads what the job writes under one folder, ``{anomalies,aggregates}/date=…/hour=…/*.{jsonl,parquet}``,
both formats side by side if need be. Times become ``datetime64[us, UTC]``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transforms.errors import ConfigError
from transforms.storage import StorageError
from transforms.stored import FileStore, read_tables, schema_of

_WINDOW: Final = ["device", "metric", "window_start", "window_end"]
_COLUMNS: Final = {
    "aggregates": (
        "device",
        "metric",
        "window_start",
        "window_end",
        "count",
        "mean",
        "stddev",
        "min",
        "max",
        "pane_index",
    ),
    "anomalies": (
        "anomaly_id",
        "rule_id",
        "severity",
        "device",
        "metric",
        "value",
        "threshold",
        "threshold_upper",
        "comparison",
        "event_time",
        "source_time",
    ),
}
_COUNTED: Final = {
    "aggregates": ("metric", "device", "window_start", "window_end"),
    "anomalies": ("metric", "device", "anomaly_id", "rule_id", "severity", "event_time"),
    "dead_letters": ("reason", "event_time"),
}


@dataclass(frozen=True)
class Results:
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


def read_run(folder: str | Path, metric: str | None = None) -> RunRecords:
    """Read what an overview counts, a file at a time.

    Args:
        folder: What was given to the job as ``--output``, on any Beam filesystem.
        metric: The metric wanted; None means all. Dead letters belong to none and are all read.

    Raises:
        ConfigError: if the folder is missing, holds no results, or a file in it cannot be read.
    """
    store = FileStore(str(folder))
    try:
        store.check()
        windows, windows_of = _read_distinct(store, "aggregates", metric)
        anomalies, anomalies_of = _read_distinct(store, "anomalies", metric)
        letters = store.read("dead_letters", _COUNTED["dead_letters"]).to_pandas()
    except StorageError as error:
        raise ConfigError("--results", error.path, error.problem) from error
    once = anomalies.drop_duplicates("anomaly_id", ignore_index=True)
    return RunRecords(windows.drop_duplicates(ignore_index=True), once, letters, _names(windows_of, anomalies_of))


def read_results(folder: str | Path, metric: str) -> Results:
    """Read the aggregates and the anomalies of one metric.

    Args:
        folder: What was given to the job as ``--output``, on any Beam filesystem.
        metric: The metric wanted; a metric without results gives empty frames with the same columns.

    Raises:
        ConfigError: if the folder is missing, holds no results, or a file in it cannot be read.
    """
    store = FileStore(str(folder))
    try:
        store.check()
        aggregates, windows_of = _read_output(store, "aggregates", metric)
        anomalies, anomalies_of = _read_output(store, "anomalies", metric)
    except StorageError as error:
        raise ConfigError("--results", error.path, error.problem) from error
    return Results(latest_panes(aggregates), unique_anomalies(anomalies), _names(windows_of, anomalies_of))


def latest_panes(aggregates: pd.DataFrame) -> pd.DataFrame:
    """Keep the highest `pane_index` of each (device, metric, window): panes accumulate, so it is the truth."""
    latest = aggregates.sort_values("pane_index", kind="stable").drop_duplicates(_WINDOW, keep="last")
    return latest.sort_values(_WINDOW, ignore_index=True)


def unique_anomalies(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Keep each `anomaly_id` once: delivery is at least once, and the id of a repetition is the same."""
    unique = anomalies.drop_duplicates("anomaly_id")
    return unique.sort_values(["event_time", "anomaly_id"], ignore_index=True)


def _read_output(store: FileStore, kind: str, metric: str) -> tuple[pd.DataFrame, set[str]]:
    """Return what there is of one metric, and the names of all metrics; a file is held at a time."""
    tables, metrics = [schema_of(kind, _COLUMNS[kind]).empty_table()], set[str]()
    for _, table in read_tables(kind, store.files(kind), _COLUMNS[kind]):
        metrics.update(pc.unique(table.column("metric")).to_pylist())
        tables.append(table.filter(pc.equal(table.column("metric"), metric)))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return frame, metrics


def _read_distinct(store: FileStore, kind: str, metric: str | None) -> tuple[pd.DataFrame, set[str]]:
    """Return the distinct rows of each file without their metric, and the names of all metrics."""
    columns = _COUNTED[kind]
    tables, metrics = [schema_of(kind, columns[1:]).empty_table()], set[str]()
    for _, table in read_tables(kind, store.files(kind), columns):
        metrics.update(pc.unique(table.column("metric")).to_pylist())
        wanted = table if metric is None else table.filter(pc.equal(table.column("metric"), metric))
        tables.append(wanted.group_by(list(columns[1:])).aggregate([]).select(columns[1:]))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return frame, metrics


def _names(*metrics: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*metrics)))
