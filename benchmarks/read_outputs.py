"""Read the output files of cases for comparison with the expected output."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.expected_output import (
    METRICS,
    AggregateKey,
    AnomalyKey,
    BenchmarkError,
    JobOutput,
    WindowStatistics,
    anomaly_key,
)
from benchmarks.peers.common import AGGREGATES, ANOMALIES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)


class _AggregateRow(msgspec.Struct):
    device: str
    metric: str
    window_start: str
    pane_index: int
    count: int
    mean: float
    min: float
    max: float


class _AnomalyRow(msgspec.Struct):
    anomaly_id: str
    device: str
    source_time: str
    value: float


def read_job(folder: Path, summary: Mapping[str, Any]) -> JobOutput:
    """Read the output of the job, with the last pane of each window.

    Raises:
        BenchmarkError: if the count of anomaly ids differs from the count of distinct anomalies.
    """
    last: dict[AggregateKey, tuple[int, WindowStatistics]] = {}
    decoder = msgspec.json.Decoder(_AggregateRow)
    for path in folder.glob("aggregates/*/*/*.jsonl"):
        for row in decoder.decode_lines(path.read_bytes()):
            key = (row.device, row.metric, _micros(row.window_start))
            if key not in last or last[key][0] < row.pane_index:
                last[key] = (row.pane_index, (row.count, row.mean, row.min, row.max))
    anomalies = list(_job_anomalies(folder))
    found: Counter[AnomalyKey] = Counter(
        anomaly_key(one.device, _micros(one.source_time), one.value) for one in anomalies
    )
    ids = len({anomaly.anomaly_id for anomaly in anomalies})
    if ids != len(found):
        raise BenchmarkError(f"pipeline: {len(found)} different anomalies have {ids} ids")
    return JobOutput(summary["rows_decoded"], found, {key: statistics for key, (_, statistics) in last.items()})


def _job_anomalies(folder: Path) -> Iterator[_AnomalyRow]:
    decoder = msgspec.json.Decoder(_AnomalyRow)
    for path in folder.glob("anomalies/*/*/*.jsonl"):
        yield from decoder.decode_lines(path.read_bytes())


def read_peer(folder: Path, rows: int, *, windows: bool) -> JobOutput:
    """Read the output of a peer; its files do not contain the count of rows read, so `rows` is used.

    Raises:
        BenchmarkError: if a file is missing or a window is written twice.
    """
    anomalies: Counter[AnomalyKey] = Counter()
    for row in _lines(folder / ANOMALIES):
        anomalies[anomaly_key(row["device"], round(row["ts"] * 1e6), row["temp"])] += 1
    aggregates: dict[AggregateKey, WindowStatistics] = {}
    for row in _lines(folder / AGGREGATES) if windows else ():
        start_us = round(row["window_start"] * 1e6)
        for metric in METRICS:
            count = row.get(f"{metric}_count")
            if not count:
                continue
            key = (row["device"], metric, start_us)
            if key in aggregates:
                raise BenchmarkError(f"{folder.name}: {key} is written twice")
            aggregates[key] = (count, row[f"{metric}_mean"], row[f"{metric}_min"], row[f"{metric}_max"])
    return JobOutput(rows, anomalies, aggregates)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            for line in file:
                if line.strip():  # pandas writes an empty line if there are no rows
                    yield json.loads(line)
    except OSError as error:
        raise BenchmarkError(f"{path.name} was not written: {error.strerror}") from error


@lru_cache(maxsize=65_536)
def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _US
