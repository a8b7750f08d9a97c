"""The practical ceiling: polars scans the same lines of JSON and groups them.

Runs as a process of its own (``python -m benchmarks.polars_scan FILE``), because polars reads
``POLARS_MAX_THREADS`` once, when it is loaded.
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

from benchmarks.answers import METRICS, THRESHOLD, WINDOW_US, Answer, BenchmarkError
from benchmarks.contender import Contender
from benchmarks.data import Rows


def contenders(rows: Rows) -> list[Contender]:
    """Return polars with all its threads, and with one."""
    name, number = "polars scan + group_by", rows.answer.rows
    return [
        Contender(f"{name}, all threads", number, partial(_run, rows, None), "the practical ceiling"),
        Contender(f"{name}, one thread", number, partial(_run, rows, 1), "POLARS_MAX_THREADS=1"),
    ]


def _run(rows: Rows, threads: int | None) -> float:
    env = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    if threads is not None:
        env["POLARS_MAX_THREADS"] = str(threads)
    command = [sys.executable, "-m", "benchmarks.polars_scan", str(rows.lines)]
    ran = subprocess.run(command, env=env, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BenchmarkError(f"polars: {ran.stderr.strip()[-500:]}")
    printed = json.loads(ran.stdout)
    if threads is not None and printed["threads"] != threads:
        raise BenchmarkError(f"polars: ran on {printed['threads']} threads, not on {threads}")
    rows.answer.check("polars", Answer(**printed["answer"]))
    return float(printed["seconds"])


def scan(path: str, n_rows: int | None = None) -> Any:
    """Return statistics per device and window as a data frame: one column a metric and statistic.

    First and last are those of the file, which is in order of time.
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
    """Scan a file; print the seconds and the answer as JSON."""
    import polars as pl

    scan(path, 1_000)  # starts the threads
    began = time.perf_counter()
    table = scan(path)
    seconds = time.perf_counter() - began
    counts = table.select([f"{name}_count" for name in METRICS]).to_numpy()
    answer = Answer(
        rows=int(table["rows"].sum()),
        anomalies=int(table["anomalies"].sum()),
        windows=int(table["window_start"].n_unique()),
        aggregates=int((counts > 0).sum()),
        values=int(counts.sum()),
    )
    print(json.dumps({"seconds": seconds, "threads": pl.thread_pool_size(), "answer": msgspec.to_builtins(answer)}))


if __name__ == "__main__":
    main(sys.argv[1])
