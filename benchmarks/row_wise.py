"""Implement the job like most Beam tutorials: one dict per row, Beam windows, one key per device and metric."""

import json
import math
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from benchmarks.cases import BenchmarkCase
from benchmarks.data import Rows
from benchmarks.expected_output import METRICS, THRESHOLD, WINDOW_US, OutputTotals

RUNNERS: Final = ("BundleBasedDirectRunner", "FnApiRunner")
"""Local runners of the job: for streams and for files."""
_RESULTS: Final[list[tuple[str, int, int]]] = []
"""Results of a run: kind, start of the window in microseconds, and count.

The runners work in this process. Only functions of this module append to the list, because Beam pickles lambdas with
copies of the objects they refer to.
"""


def cases(rows: Rows) -> list[BenchmarkCase]:
    """Return the graph on each local runner."""
    remark = f"the first {rows.totals.rows:,} rows only: all of them take minutes"
    return [
        BenchmarkCase(f"row-wise Beam graph, {runner}", rows.totals.rows, partial(_run, rows, runner), remark)
        for runner in RUNNERS
    ]


def _run(rows: Rows, runner: str) -> float:
    _RESULTS.clear()
    began = time.perf_counter()
    with beam.Pipeline(runner=_runner(runner), options=PipelineOptions([])) as pipeline:
        build(pipeline, str(rows.lines))
    seconds = time.perf_counter() - began
    aggregates = [(start, count) for kind, start, count in _RESULTS if kind == "aggregate"]
    totals = OutputTotals(
        rows=sum(number for kind, _, number in _RESULTS if kind == "rows"),
        anomalies=sum(number for kind, _, number in _RESULTS if kind == "anomaly"),
        windows=len({start for start, _ in aggregates}),
        aggregates=len(aggregates),
        values=sum(count for _, count in aggregates),
    )
    rows.totals.check(f"row-wise Beam graph, {runner}", totals)
    return seconds


def _runner(name: str) -> Any:
    if name == "FnApiRunner":
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        return FnApiRunner()
    return name


def build(pipeline: beam.Pipeline, path: str) -> None:
    """Add the row-wise job to a pipeline."""
    rows = (
        pipeline
        | "Path" >> beam.Create([path])
        | "Read" >> beam.FlatMap(_read)
        | "Parse" >> beam.Map(json.loads)
        | "Stamp" >> beam.Map(lambda row: TimestampedValue(row, row["ts"]))
    )
    hot = rows | "Above the threshold" >> beam.Filter(lambda row: (row.get("temp") or 0.0) > THRESHOLD)
    trends = (
        rows
        | "Window" >> beam.WindowInto(FixedWindows(WINDOW_US // 1_000_000))
        | "AggregateKey" >> beam.FlatMap(_by_device_and_metric)
        | "Combine" >> beam.CombinePerKey(_CombineStatistics())
    )
    _ = rows | "Count rows" >> beam.combiners.Count.Globally() | "Rows" >> beam.Map(_record_rows)
    _ = hot | "Note anomalies" >> beam.Map(_record_anomaly)
    _ = trends | "Note aggregates" >> beam.ParDo(_RecordAggregate())


def _read(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from file


def _by_device_and_metric(row: dict[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[float, float]]]:
    for metric in METRICS:
        if row.get(metric) is not None:
            yield (row["device"], metric), (row["ts"], row[metric])


def _record_anomaly(_: dict[str, Any]) -> None:
    _RESULTS.append(("anomaly", 0, 1))


def _record_rows(number: int) -> None:
    _RESULTS.append(("rows", 0, number))


class _RecordAggregate(beam.DoFn):
    def process(self, keyed: tuple[tuple[str, str], "_Moments"], window: Any = beam.DoFn.WindowParam) -> None:
        _RESULTS.append(("aggregate", window.start.micros, keyed[1].number))


class _Moments(NamedTuple):
    number: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    first: tuple[float, float] = (math.inf, math.inf)
    last: tuple[float, float] = (-math.inf, -math.inf)


class _CombineStatistics(beam.CombineFn):
    """Compute the statistics of the job one reading at a time (Welford) and merge them like the job."""

    def create_accumulator(self) -> _Moments:
        return _Moments()

    def add_input(self, moments: _Moments, element: tuple[float, float]) -> _Moments:
        value = element[1]
        count = moments.number + 1
        delta = value - moments.mean
        mean = moments.mean + delta / count
        m2 = moments.m2 + delta * (value - mean)
        first, last = min(moments.first, element), max(moments.last, element)
        return _Moments(count, mean, m2, min(moments.low, value), max(moments.high, value), first, last)

    def merge_accumulators(self, accumulators: Iterable[_Moments]) -> _Moments:
        merged = _Moments()
        for moments in accumulators:
            count = merged.number + moments.number
            delta = moments.mean - merged.mean
            weight = moments.number / count if count else 0.0
            merged = _Moments(
                count,
                merged.mean + delta * weight,
                merged.m2 + moments.m2 + delta * delta * merged.number * weight,
                min(merged.low, moments.low),
                max(merged.high, moments.high),
                min(merged.first, moments.first),
                max(merged.last, moments.last),
            )
        return merged

    def extract_output(self, accumulator: _Moments) -> _Moments:
        return accumulator
