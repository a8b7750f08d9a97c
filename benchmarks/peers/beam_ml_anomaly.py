"""Detect anomalies with Beam's `ml.anomaly` and a fixed threshold, one key per device, without windows.

The detectors of Beam are statistical; a fixed threshold needs a custom detector whose score is the temperature.
"""

import json
import math
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.ml.anomaly.base import AnomalyDetector, AnomalyResult
from apache_beam.ml.anomaly.specifiable import specifiable
from apache_beam.ml.anomaly.thresholds import FixedThreshold
from apache_beam.ml.anomaly.transforms import AnomalyDetection
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from benchmarks.peers.common import ANOMALIES, THRESHOLD, run


@specifiable
class Temperature(AnomalyDetector):
    """Detector that returns the temperature as the score and learns nothing."""

    def learn_one(self, x: beam.Row) -> None:
        """Learn nothing."""

    def score_one(self, x: beam.Row) -> float | None:
        """Return the temperature in °C, or None."""
        temp: float | None = x.temp
        return temp


def _as_row(line: str) -> tuple[str, Any]:
    row = json.loads(line)
    return row["device"], beam.Row(device=row["device"], ts=row["ts"], temp=row.get("temp"))


def _is_hot(keyed: tuple[str, AnomalyResult]) -> bool:
    return any(prediction.label == 1 for prediction in keyed[1].predictions)


def _as_line(keyed: tuple[str, AnomalyResult]) -> str:
    row = keyed[1].example
    return json.dumps({"device": row.device, "ts": row.ts, "temp": row.temp})


def _work(path: str, folder: Path) -> None:
    at_least = math.nextafter(THRESHOLD, math.inf)  # Beam's threshold is inclusive, that of the job is not
    detector = Temperature(features=["temp"], threshold_criterion=FixedThreshold(at_least))
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        _ = (
            pipeline
            | "Read" >> beam.io.ReadFromText(path)
            | "Row by device" >> beam.Map(_as_row).with_output_types(tuple[str, beam.Row])
            | "Detect" >> AnomalyDetection(detector)
            | "Outliers" >> beam.Filter(_is_hot)
            | "Anomaly as line" >> beam.Map(_as_line)
            | "Write" >> beam.io.WriteToText(str(folder / ANOMALIES), shard_name_template="")
        )


if __name__ == "__main__":
    run(_work, "apache-beam")
