"""Measure a practical upper bound: polars scans the same lines of JSON and groups them.

Runs as a separate process (``python -m benchmarks.polars_scan FILE``), because polars reads ``POLARS_MAX_THREADS`` only
at import.
"""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.cases import BenchmarkCase
from benchmarks.data import Rows
from benchmarks.expected_output import METRICS, THRESHOLD, WINDOW_US, BenchmarkError, OutputTotals


def cases(rows: Rows) -> list[BenchmarkCase]:
    """Return polars with all threads and with one."""
    name, number = "polars scan + group_by", rows.totals.rows
    return [
        BenchmarkCase(f"{name}, all threads", number, partial(_run, rows, None), "practical upper bound"),
        BenchmarkCase(f"{name}, one thread", number, partial(_run, rows, 1), "POLARS_MAX_THREADS=1"),
    ]


def _run(rows: Rows, threads: int | None) -> float:
    env = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    if threads is not None:
        env["POLARS_MAX_THREADS"] = str(threads)
    command = [sys.executable, "-m", "benchmarks.polars_scan", str(rows.lines)]
    completed = subprocess.run(
        command, env=env, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    if completed.returncode:
        raise BenchmarkError(f"polars: {completed.stderr.strip()[-500:]}")
    printed = json.loads(completed.stdout)
    if threads is not None and printed["threads"] != threads:
        raise BenchmarkError(f"polars: ran on {printed['threads']} threads, not on {threads}")
    rows.totals.check("polars", OutputTotals(**printed["totals"]))
    return float(printed["seconds"])


def scan(path: str, n_rows: int | None = None) -> Any:
    """Return statistics per device and window as a data frame: one column per metric and statistic.

    First and last follow the order of the file, which is sorted by time.
    """
    import polars as pl

    schema = {"ts": pl.Float64, "device": pl.String} | dict.fromkeys(METRICS, pl.Float64)
    moment = (pl.col("ts") * 1e6).round(mode="half_to_even").cast(pl.Int64)
    statistics = []
    for name in METRICS:
        column = pl.col(name)
        present = column.drop_nulls()
        statistics += [
            column.count().alias(f"{name}_count"),
            column.mean().alias(f"{name}_mean"),
            column.std(ddof=0).alias(f"{name}_stddev"),
            column.min().alias(f"{name}_min"),
            column.max().alias(f"{name}_max"),
            present.first().alias(f"{name}_first"),
            present.last().alias(f"{name}_last"),
        ]
    return (
        pl.scan_ndjson(path, schema=schema, n_rows=n_rows)
        .with_columns(window_start=moment // WINDOW_US * WINDOW_US)
        .group_by("device", "window_start")
        .agg(pl.len().alias("rows"), (pl.col("temp") > THRESHOLD).sum().alias("anomalies"), *statistics)
        .collect()
    )


def main(path: str) -> None:
    """Scan a file and print time and totals as JSON."""
    import polars as pl

    scan(path, 1_000)  # starts the threads
    began = time.perf_counter()
    table = scan(path)
    seconds = time.perf_counter() - began
    counts = table.select([f"{name}_count" for name in METRICS]).to_numpy()
    totals = OutputTotals(
        rows=int(table["rows"].sum()),
        anomalies=int(table["anomalies"].sum()),
        windows=int(table["window_start"].n_unique()),
        aggregates=int((counts > 0).sum()),
        values=int(counts.sum()),
    )
    print(json.dumps({"seconds": seconds, "threads": pl.thread_pool_size(), "totals": msgspec.to_builtins(totals)}))


if __name__ == "__main__":
    main(sys.argv[1])
