"""Stored results of a run as pandas frames: the latest pane of each window, each anomaly once.

Reads what the job writes under one folder, ``{anomalies,aggregates}/date=…/hour=…/*.{jsonl,parquet}``,
both formats side by side if need be. Times become ``datetime64[us, UTC]``.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet

from transforms.errors import ConfigError
from transforms.records import RECORDS
from transforms.tables import arrow_schema

_FORMATS: Final = (".jsonl", ".parquet")
_WINDOW: Final = ["device", "metric", "window_start", "window_end"]
_COLUMNS: Final = {
    "aggregates": ("device", "metric", "window_start", "window_end", "count", "mean", "min", "max", "pane_index"),
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


@dataclass(frozen=True)
class Results:
    """One metric of a stored run."""

    aggregates: pd.DataFrame
    """One row a (device, window), in order; values in the metric's unit, times UTC."""
    anomalies: pd.DataFrame
    """One row an anomaly, in order of event time; values in the metric's unit, times UTC."""
    metrics: tuple[str, ...]
    """Every metric that has a result in the run, sorted, whichever was asked for."""


def read_results(directory: Path, metric: str) -> Results:
    """Read the aggregates and the anomalies of one metric.

    Args:
        directory: What was given to the job as ``--output``.
        metric: The metric wanted; a metric without results gives empty frames with the same columns.

    Raises:
        ConfigError: if the folder is missing, holds no results, or a file in it cannot be read.
    """
    if not directory.is_dir():
        raise ConfigError("--results", directory, "no such directory")
    files = {name: sorted(_result_files(directory / name)) for name in RECORDS}
    if not any(files.values()):
        raise ConfigError("--results", directory, f"no results in it: no {' or '.join(_FORMATS)} file of the job")
    aggregates, windows_of = _read_output("aggregates", files["aggregates"], metric)
    anomalies, anomalies_of = _read_output("anomalies", files["anomalies"], metric)
    return Results(latest_panes(aggregates), unique_anomalies(anomalies), tuple(sorted(windows_of | anomalies_of)))


def latest_panes(aggregates: pd.DataFrame) -> pd.DataFrame:
    """Keep the highest `pane_index` of each (device, metric, window): panes accumulate, so it is the truth."""
    latest = aggregates.sort_values("pane_index", kind="stable").drop_duplicates(_WINDOW, keep="last")
    return latest.sort_values(_WINDOW, ignore_index=True)


def unique_anomalies(anomalies: pd.DataFrame) -> pd.DataFrame:
    """Keep each `anomaly_id` once: delivery is at least once, and the id of a repetition is the same."""
    unique = anomalies.drop_duplicates("anomaly_id")
    return unique.sort_values(["event_time", "anomaly_id"], ignore_index=True)


def _result_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (Path(parent, name) for name in names if not name.startswith((".", "_")) and name.endswith(_FORMATS))


def _read_output(output: str, files: Sequence[Path], metric: str) -> tuple[pd.DataFrame, set[str]]:
    columns = _COLUMNS[output]
    whole = arrow_schema(RECORDS[output])
    schema = pa.schema([whole.field(name).with_nullable(True) for name in columns])
    required = [name for name in columns if not whole.field(name).nullable]
    tables, metrics = [], set[str]()
    for file in files:
        try:
            table = _read_parquet(file, schema) if file.suffix == ".parquet" else _read_json_lines(file, schema)
        except (OSError, pa.ArrowException) as error:
            problem = str(error).splitlines()[0]
            raise ConfigError("--results", file, f"not a file of {output} of the job: {problem}") from error
        missing = [name for name in required if table.column(name).null_count]
        if missing:
            raise ConfigError("--results", file, f"not a file of {output} of the job: rows without {missing[0]!r}")
        metrics.update(pc.unique(table.column("metric")).to_pylist())
        tables.append(table.filter(pc.equal(table.column("metric"), metric)))
    frame: pd.DataFrame = pa.concat_tables([schema.empty_table(), *tables]).to_pandas()
    return frame, metrics


def _read_parquet(file: Path, schema: Any) -> Any:
    with pa.parquet.ParquetFile(file) as source:  # one file alone: a data set would add columns date and hour
        return source.read(columns=schema.names).select(schema.names).cast(schema)


def _read_json_lines(file: Path, schema: Any) -> Any:
    if file.stat().st_size == 0:
        return schema.empty_table()
    options = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    table: Any = pa.json.read_json(file, parse_options=options)
    return table.select(schema.names)
