"""Compute the expected results of a job in plain pandas over all readings together; share no code with the job."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

METRICS = ["co", "humidity", "lpg", "smoke", "temp"]
KEYS = ["device", "metric", "window_start"]
EXACT = ["window_end", "count", "min", "max", "first", "last", "anomaly_count"]


def micros(seconds: "pd.Series[float]") -> "pd.Series[int]":
    return pd.Series(np.rint(seconds.to_numpy() * 1e6).astype("int64"), index=seconds.index)


def hot(frame: pd.DataFrame, threshold: float = 30.0) -> Counter[tuple[str, int, float]]:
    """Apply the founding rule: return each reading above the threshold as (device, microseconds, temperature)."""
    found = frame[frame.temp > threshold]
    return Counter(zip(found.device, micros(found.ts), found.temp, strict=True))


def aggregate(
    frame: pd.DataFrame, size_s: float = 60.0, slide_s: float | None = None, metrics: list[str] = METRICS
) -> pd.DataFrame:
    """Return statistics by device, metric and window, one row each, sorted."""
    size, slide = round(size_s * 1e6), round((slide_s or size_s) * 1e6)
    rows = frame.assign(us=micros(frame.ts))
    copies = []
    for k in range(size // slide):
        copies.append(rows.assign(window_start=rows.us - rows.us % slide - k * slide))
    long = pd.concat(copies).melt(["device", "us", "window_start"], metrics, "metric", "value").dropna(subset="value")
    long["hot"] = (long.metric == "temp") & (long.value > 30.0)
    by_time = long.sort_values(["us", "value"], kind="stable").groupby(KEYS, sort=True)
    table = by_time.agg(
        count=("value", "size"),
        mean=("value", "mean"),
        min=("value", "min"),
        max=("value", "max"),
        first=("value", "first"),
        last=("value", "last"),
        anomaly_count=("hot", "sum"),
    )
    table["stddev"] = by_time.value.std(ddof=0)
    table = table.reset_index()
    table["window_end"] = table.window_start + size
    return table


def read_output(folder: Path, kind: str) -> pd.DataFrame:
    """Return all records of one kind in an output folder, in no order; times are integer microseconds."""
    lines = [json.loads(line) for f in folder.glob(f"{kind}/*/*/*.jsonl") for line in f.read_bytes().splitlines()]
    frames = [pd.DataFrame(lines)] if lines else []  # pd.read_json rounds the last digit of floats
    frames += [pd.read_parquet(f) for f in folder.glob(f"{kind}/*/*/*.parquet")]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    for name in frame.columns:
        if name.endswith("_time") or name in ("window_start", "window_end"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("int64") // _per_us(frame[name])
    return frame


def _per_us(column: "pd.Series[Any]") -> int:
    return {"ns": 1_000, "us": 1, "ms": 0}[pd.to_datetime(column, utc=True).dtype.unit]  # type: ignore[union-attr]


def truth(aggregates: pd.DataFrame) -> pd.DataFrame:
    """Return the highest pane of each window."""
    if aggregates.empty:
        return aggregates
    last = aggregates.sort_values("pane_index").groupby(KEYS).tail(1)
    return last.sort_values(KEYS).reset_index(drop=True)


def found_hot(anomalies: pd.DataFrame) -> Counter[tuple[str, int, float]]:
    if anomalies.empty:
        return Counter()
    return Counter(zip(anomalies.device, anomalies.source_time, anomalies.value, strict=True))


def assert_same_aggregates(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    expected = expected.sort_values(KEYS).reset_index(drop=True)
    assert len(found) == len(expected)
    if expected.empty:
        return
    for name in (*KEYS, *EXACT):
        assert found[name].tolist() == expected[name].tolist(), name
    scale = expected[["min", "max"]].abs().max(axis=1).to_numpy() + 1.0
    for name in ("mean", "stddev"):
        off = np.abs(found[name].to_numpy() - expected[name].to_numpy()) / scale
        assert off.max() < 1e-9, name
