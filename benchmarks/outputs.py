"""What contenders wrote, read back as it can be compared with the truth."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.answers import METRICS, BenchmarkError, Hot, Key, Statistics, Truth, hot
from benchmarks.peers.common import AGGREGATES, ANOMALIES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)


class _Aggregate(msgspec.Struct):
    device: str
    metric: str
    window_start: str
    pane_index: int
    count: int
    mean: float
    min: float
    max: float


class _Anomaly(msgspec.Struct):
    anomaly_id: str
    device: str
    source_time: str
    value: float


def read_job(folder: Path, summary: Mapping[str, Any]) -> Truth:
    """Return what the files of our job say; of each window its last pane counts.

    Raises:
        BenchmarkError: if there are not as many ids as anomalies that differ.
    """
    last: dict[Key, tuple[int, Statistics]] = {}
    decoder = msgspec.json.Decoder(_Aggregate)
    for path in folder.glob("aggregates/*/*/*.jsonl"):
        for row in decoder.decode_lines(path.read_bytes()):
            key = (row.device, row.metric, _micros(row.window_start))
            if key not in last or last[key][0] < row.pane_index:
                last[key] = (row.pane_index, (row.count, row.mean, row.min, row.max))
    anomalies = list(_job_anomalies(folder))
    found: Counter[Hot] = Counter(hot(one.device, _micros(one.source_time), one.value) for one in anomalies)
    ids = len({anomaly.anomaly_id for anomaly in anomalies})
    if ids != len(found):
        raise BenchmarkError(f"pipeline: {len(found)} different anomalies have {ids} ids")
    return Truth(summary["rows_decoded"], found, {key: statistics for key, (_, statistics) in last.items()})


def _job_anomalies(folder: Path) -> Iterator[_Anomaly]:
    decoder = msgspec.json.Decoder(_Anomaly)
    for path in folder.glob("anomalies/*/*/*.jsonl"):
        yield from decoder.decode_lines(path.read_bytes())


def read_peer(folder: Path, rows: int, *, windows: bool) -> Truth:
    """Return what the files of a peer say; it does not say how many rows it read, so `rows` is believed.

    Raises:
        BenchmarkError: if a file is missing, or a window is written twice.
    """
    anomalies: Counter[Hot] = Counter()
    for row in _lines(folder / ANOMALIES):
        anomalies[hot(row["device"], round(row["ts"] * 1e6), row["temp"])] += 1
    aggregates: dict[Key, Statistics] = {}
    for row in _lines(folder / AGGREGATES) if windows else ():
        start_us = round(row["window_start"] * 1e6)
        for metric in METRICS:
            number = row.get(f"{metric}_count")
            if not number:
                continue
            key = (row["device"], metric, start_us)
            if key in aggregates:
                raise BenchmarkError(f"{folder.name}: {key} is written twice")
            aggregates[key] = (number, row[f"{metric}_mean"], row[f"{metric}_min"], row[f"{metric}_max"])
    return Truth(rows, anomalies, aggregates)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            for line in file:
                if line.strip():  # pandas writes no rows as an empty line
                    yield json.loads(line)
    except OSError as error:
        raise BenchmarkError(f"{path.name} was not written: {error.strerror}") from error


@lru_cache(maxsize=65_536)
def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _US
