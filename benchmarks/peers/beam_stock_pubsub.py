"""Run stock `ReadFromPubSub` on Beam's local streaming runner with the arguments SUBSCRIPTION FOLDER ROWS.

The pipeline does not end, so the measurement stops when ROWS rows have been compared with the threshold. Windows are
of arrival time, because the watermark of that reader is the wall clock; open windows are ignored.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import FixedWindows

from benchmarks.peers.beam_rows import AggregateAsLine, Statistics
from benchmarks.peers.common import ANOMALIES, THRESHOLD, WINDOW_S

_LIMIT_S: Final = 300.0
_DONE: Final = threading.Event()
_TIMES: Final[list[float]] = []
"""Monotonic seconds at which each row was processed. The runner works in this process and on this module."""


class Detect(beam.DoFn):
    """Append each row above the threshold to a file, and record the time of each row."""

    def __init__(self, path: str, rows: int) -> None:
        self._path = path
        self._rows = rows

    def process(self, element: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
        """Yield the row with its device as key."""
        if (element.get("temp") or 0.0) > THRESHOLD:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps({name: element[name] for name in ("device", "ts", "temp")}) + "\n")
        _TIMES.append(time.perf_counter())
        if len(_TIMES) == self._rows:
            _DONE.set()
        yield element["device"], element


def main() -> None:
    """Run until all rows are processed."""
    subscription, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    (folder / ANOMALIES).touch()
    options = PipelineOptions(["--streaming", "--project=benchmark"])
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner", options=options)
    _ = (
        pipeline
        | "Read" >> beam.io.ReadFromPubSub(subscription=subscription)
        | "Parse" >> beam.Map(json.loads)
        | "Detect" >> beam.ParDo(Detect(str(folder / ANOMALIES), rows))
        | "Window" >> beam.WindowInto(FixedWindows(WINDOW_S))
        | "Combine" >> beam.CombinePerKey(Statistics())
        | "Aggregate as line" >> beam.ParDo(AggregateAsLine())
    )
    began = time.perf_counter()
    pipeline.run()
    if not _DONE.wait(_LIMIT_S):
        sys.exit(f"{len(_TIMES)} of {rows} rows after {_LIMIT_S:.0f} s")
    print("\n" + json.dumps({"seconds": _TIMES[-1] - began, "rows": len(_TIMES)}), flush=True)
    os._exit(0)  # a pull in flight would delay the exit by half a minute


if __name__ == "__main__":
    from benchmarks.peers import beam_stock_pubsub  # import by name, so that Beam pickles no copy of the module

    beam_stock_pubsub.main()
