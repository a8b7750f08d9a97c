"""Use Apache Beam like its programming guide: text input, one dict per row, windows, CombinePerKey, text output."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from benchmarks.peers.common import AGGREGATES, ANOMALIES, METRICS, THRESHOLD, WINDOW_S, run

Row: TypeAlias = dict[str, Any]
State: TypeAlias = dict[str, tuple[int, float, float, float]]
"""Count, sum, minimum and maximum by metric."""


class Statistics(beam.CombineFn):
    """Compute count, sum, minimum and maximum of each metric."""

    def create_accumulator(self) -> State:
        """Return empty statistics."""
        return {}

    def add_input(self, mutable_accumulator: State, element: Row) -> State:
        """Add a row."""
        values = {name: element[name] for name in METRICS if element.get(name) is not None}
        return self._add(mutable_accumulator, {name: (1, value, value, value) for name, value in values.items()})

    def merge_accumulators(self, accumulators: Iterable[State]) -> State:
        """Merge statistics."""
        whole: State = {}
        for part in accumulators:
            whole = self._add(whole, part)
        return whole

    def extract_output(self, accumulator: State) -> State:
        """Return the statistics unchanged."""
        return accumulator

    @staticmethod
    def _add(whole: State, part: State) -> State:
        for name, (number, total, low, high) in part.items():
            if name in whole:
                mine = whole[name]
                whole[name] = (mine[0] + number, mine[1] + total, min(mine[2], low), max(mine[3], high))
            else:
                whole[name] = (number, total, low, high)
        return whole


class AggregateAsLine(beam.DoFn):
    """Format the statistics of a device and window as a line of JSON."""

    def process(self, element: tuple[str, State], window: Any = beam.DoFn.WindowParam) -> Iterable[str]:
        """Yield the line."""
        device, state = element
        line: Row = {"device": device, "window_start": window.start.micros // 1_000_000}
        for name, (number, total, low, high) in state.items():
            line |= {f"{name}_count": number, f"{name}_mean": total / number, f"{name}_min": low, f"{name}_max": high}
        yield json.dumps(line)


def _work(path: str, folder: Path) -> None:
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        rows = (
            pipeline
            | "Read" >> beam.io.ReadFromText(path)
            | "Parse" >> beam.Map(json.loads)
            | "Stamp" >> beam.Map(lambda row: TimestampedValue(row, row["ts"]))
        )
        _ = (
            rows
            | "Above the threshold" >> beam.Filter(lambda row: (row.get("temp") or 0.0) > THRESHOLD)
            | "Anomaly as line" >> beam.Map(lambda row: json.dumps({k: row[k] for k in ("device", "ts", "temp")}))
            | "Write anomalies" >> beam.io.WriteToText(str(folder / ANOMALIES), shard_name_template="")
        )
        _ = (
            rows
            | "Window" >> beam.WindowInto(FixedWindows(WINDOW_S))
            | "AggregateKey" >> beam.Map(lambda row: (row["device"], row))
            | "Combine" >> beam.CombinePerKey(Statistics())
            | "Aggregate as line" >> beam.ParDo(AggregateAsLine())
            | "Write aggregates" >> beam.io.WriteToText(str(folder / AGGREGATES), shard_name_template="")
        )


if __name__ == "__main__":
    run(_work, "apache-beam")
