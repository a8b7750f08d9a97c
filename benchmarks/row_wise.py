"""The same job as most Beam tutorials write it: a dict a row, Beam's windows, one key a device and metric."""

import json
import math
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from benchmarks.answers import METRICS, THRESHOLD, WINDOW_US, Answer
from benchmarks.contender import Contender
from benchmarks.data import Rows

RUNNERS: Final = ("BundleBasedDirectRunner", "FnApiRunner")
"""The local runners that `pipeline.run` chooses: for streams, and for files."""
_FOUND: Final[list[tuple[str, int, int]]] = []
"""What a run found, as (kind, start of the window in microseconds, number). The runners work in this process, and
only functions of this module write to it: Beam sends a lambda, and what it refers to, as a copy."""


def contenders(rows: Rows) -> list[Contender]:
    """Return the graph on each local runner."""
    remark = f"the first {rows.answer.rows:,} rows only: all of them take minutes"
    return [
        Contender(f"row-wise Beam graph, {runner}", rows.answer.rows, partial(_run, rows, runner), remark)
        for runner in RUNNERS
    ]


def _run(rows: Rows, runner: str) -> float:
    _FOUND.clear()
    began = time.perf_counter()
    with beam.Pipeline(runner=_runner(runner), options=PipelineOptions([])) as pipeline:
        build(pipeline, str(rows.lines))
    seconds = time.perf_counter() - began
    aggregates = [(start, count) for kind, start, count in _FOUND if kind == "aggregate"]
    answer = Answer(
        rows=sum(number for kind, _, number in _FOUND if kind == "rows"),
        anomalies=sum(number for kind, _, number in _FOUND if kind == "anomaly"),
        windows=len({start for start, _ in aggregates}),
        aggregates=len(aggregates),
        values=sum(count for _, count in aggregates),
    )
    rows.answer.check(f"row-wise Beam graph, {runner}", answer)
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
        | "Key" >> beam.FlatMap(_by_device_and_metric)
        | "Combine" >> beam.CombinePerKey(_Combine())
    )
    _ = rows | "Count rows" >> beam.combiners.Count.Globally() | "Rows" >> beam.Map(_note_rows)
    _ = hot | "Note anomalies" >> beam.Map(_note_anomaly)
    _ = trends | "Note aggregates" >> beam.ParDo(_Note())


def _read(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from file


def _by_device_and_metric(row: dict[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[float, float]]]:
    for metric in METRICS:
        if row.get(metric) is not None:
            yield (row["device"], metric), (row["ts"], row[metric])


def _note_anomaly(_: dict[str, Any]) -> None:
    _FOUND.append(("anomaly", 0, 1))


def _note_rows(number: int) -> None:
    _FOUND.append(("rows", 0, number))


class _Note(beam.DoFn):
    def process(self, keyed: tuple[tuple[str, str], "_Moments"], window: Any = beam.DoFn.WindowParam) -> None:
        _FOUND.append(("aggregate", window.start.micros, keyed[1].number))


class _Moments(NamedTuple):
    number: int = 0
    mean: float = 0.0
    m2: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    first: tuple[float, float] = (math.inf, math.inf)
    last: tuple[float, float] = (-math.inf, -math.inf)


class _Combine(beam.CombineFn):
    """The statistics of the job, one reading at a time (Welford), merged as the job merges tables."""

    def create_accumulator(self) -> _Moments:
        return _Moments()

    def add_input(self, of: _Moments, element: tuple[float, float]) -> _Moments:
        value = element[1]
        count = of.number + 1
        off = value - of.mean
        mean = of.mean + off / count
        m2 = of.m2 + off * (value - mean)
        first, last = min(of.first, element), max(of.last, element)
        return _Moments(count, mean, m2, min(of.low, value), max(of.high, value), first, last)

    def merge_accumulators(self, accumulators: Iterable[_Moments]) -> _Moments:
        whole = _Moments()
        for part in accumulators:
            count = whole.number + part.number
            off = part.mean - whole.mean
            share = part.number / count if count else 0.0
            whole = _Moments(
                count,
                whole.mean + off * share,
                whole.m2 + part.m2 + off * off * whole.number * share,
                min(whole.low, part.low),
                max(whole.high, part.high),
                min(whole.first, part.first),
                max(whole.last, part.last),
            )
        return whole

    def extract_output(self, accumulator: _Moments) -> _Moments:
        return accumulator
