"""Use polars lazily: one scan of the file, with both results written by the streaming engine."""

from pathlib import Path

import polars as pl

from benchmarks.peers.common import AGGREGATES, ANOMALIES, METRICS, THRESHOLD, WINDOW_S, run


def _work(path: str, folder: Path) -> None:
    schema = {"ts": pl.Float64, "device": pl.String} | dict.fromkeys(METRICS, pl.Float64)
    rows = pl.scan_ndjson(path, schema=schema)
    hot = rows.filter(pl.col("temp") > THRESHOLD).select("device", "ts", "temp")
    statistics = []
    for name in METRICS:
        column = pl.col(name)
        statistics += [
            column.count().alias(f"{name}_count"),
            column.mean().alias(f"{name}_mean"),
            column.min().alias(f"{name}_min"),
            column.max().alias(f"{name}_max"),
        ]
    start = (pl.col("ts") // WINDOW_S * WINDOW_S).cast(pl.Int64).alias("window_start")
    table = rows.group_by("device", start).agg(statistics)
    pl.collect_all(
        [hot.sink_ndjson(folder / ANOMALIES, lazy=True), table.sink_ndjson(folder / AGGREGATES, lazy=True)],
        engine="streaming",
    )


if __name__ == "__main__":
    run(_work, "polars")
