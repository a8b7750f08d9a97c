"""Read the results of a run as pandas frames: each window with the readings of all jobs, each anomaly once.

The records lie in files or in BigQuery; see `telemetry.storage.result_store`. Times become ``datetime64[us, UTC]``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from plotting.data.source import Source, explained, store_of
from telemetry.model.merge_panes import WINDOW, merge_windows
from telemetry.storage.result_store import ResultStore, schema_of

AGGREGATE_COLUMNS: Final = (*WINDOW, "count", "mean", "stddev", "min", "max", "pane_index", "job_id")
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
    """One row for each device and window, in order; values in the metric's unit, times UTC."""
    anomalies: pd.DataFrame
    """One row for each anomaly, in order of event time; values in the metric's unit, times UTC."""
    metrics: tuple[str, ...]
    """Every metric that has a result in the run, sorted, whichever was requested."""


@dataclass(frozen=True)
class RunRecords:
    """Records that an overview counts, of one metric or of all."""

    windows: pd.DataFrame
    """`device`, `window_start`, `window_end` (UTC) of each window with data, once, whatever its metrics and panes."""
    anomalies: pd.DataFrame
    """`device`, `rule_id`, `severity`, `event_time` (UTC) of each anomaly, once."""
    letters: pd.DataFrame
    """`reason` and `event_time` (UTC or NaT) of each dead letter."""
    metrics: tuple[str, ...]
    """Every metric that has a result in the run, sorted, whichever was requested."""


def read_run(results: Source, metric: str | None = None) -> RunRecords:
    """Read the records that an overview counts, one file or page at a time.

    Args:
        results: A store, or the folder that the job was given as ``--output``, on any Beam filesystem.
        metric: The metric to read; None for all. Dead letters have no metric and are all read.

    Raises:
        ConfigError: if there are no results, or they cannot be read.
    """
    store = store_of(results)

    def distinct(kind: str) -> tuple[pa.Table, set[str]]:
        columns = _COUNTED[kind][1:]
        return _read_each(store, kind, _COUNTED[kind], lambda t: _of(t, metric).group_by(columns).aggregate([]))

    with explained():
        store.check_has_results()
        windows, windows_of = distinct("aggregates")
        anomalies, anomalies_of = distinct("anomalies")
        letters = store.read("dead_letters", _COUNTED["dead_letters"]).to_pandas()
    once = anomalies.to_pandas().drop_duplicates("anomaly_id", ignore_index=True)
    return RunRecords(
        windows.to_pandas().drop_duplicates(ignore_index=True), once, letters, _names(windows_of, anomalies_of)
    )


def read_results(results: Source, metric: str, *, windows: bool = True) -> RunResults:
    """Read the aggregates and the anomalies of one metric, one file or page at a time.

    Args:
        results: A store, or the folder that the job was given as ``--output``, on any Beam filesystem.
        metric: The metric to read; one without results gives empty frames with the same columns.
        windows: Whether to read the aggregates, too; else `metrics` are those of anomalies alone.

    Raises:
        ConfigError: if there are no results, or they cannot be read.
    """
    store = store_of(results)
    with explained():
        store.check_has_results()
        aggregates, windows_of = schema_of("aggregates", AGGREGATE_COLUMNS).empty_table(), set[str]()
        if windows:
            aggregates, windows_of = _read_each(store, "aggregates", AGGREGATE_COLUMNS, lambda t: _of(t, metric))
        anomalies, anomalies_of = _read_each(store, "anomalies", ANOMALY_COLUMNS, lambda t: _of(t, metric))
    return RunResults(
        latest_windows(aggregates), unique_anomalies(anomalies.to_pandas()), _names(windows_of, anomalies_of)
    )


def latest_windows(aggregates: pa.Table) -> pd.DataFrame:
    """Return one row for each device, metric and window, in order: the last panes of all jobs, merged."""
    frame: pd.DataFrame = merge_windows(aggregates).to_pandas()
    return frame


def unique_anomalies(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Return each anomaly once: delivery is at least once, and a repetition has the same id."""
    unique = anomalies.drop_duplicates("anomaly_id")
    return unique.sort_values(["event_time", "anomaly_id"], ignore_index=True)


def _read_each(
    store: ResultStore, kind: str, columns: Sequence[str], keep: Callable[[pa.Table], pa.Table]
) -> tuple[pa.Table, set[str]]:
    """Return the rows of a kind that `keep` selects, and the names of all metrics; holds one file or page at a time."""
    parts, metrics = [keep(schema_of(kind, columns).empty_table())], set[str]()
    for table in store.tables(kind, columns):
        metrics.update(pc.unique(table.column("metric")).to_pylist())
        parts.append(keep(table))
    return pa.concat_tables(parts), metrics


def _of(table: pa.Table, metric: str | None) -> pa.Table:
    return table if metric is None else table.filter(pc.equal(table.column("metric"), metric))


def _names(*metrics: set[str]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*metrics)))
