"""DetectAnomalies: the rules, applied to batches of readings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from telemetry.model.reading_batch import ReadingBatch
from telemetry.rules.threshold_rules import RuleSet
from transforms import counters
from transforms.detect.evaluate import detect
from transforms.step import Step

_ANOMALIES: Final = "anomalies"
_READINGS: Final = "readings"


class DetectOutputs(NamedTuple):
    """Outputs of `DetectAnomalies`.

    Attributes:
        readings: PCollection of ReadingBatch: the input, each row with the breaches found in it.
        anomalies: PCollection of RecordBatch of Anomaly.
    """

    readings: beam.PCollection
    anomalies: beam.PCollection


@dataclass
class DetectAnomalies(Step):
    """Find the readings that breach a rule.

    Bounded or unbounded input in any window; looks at no clock and keeps no state, so a reading is an
    anomaly however late it comes. At least once: the same reading gives the same anomaly id.

    Args:
        rules: the rules in force.
    """

    rules: RuleSet

    @no_annotations
    def expand(self, readings: beam.PCollection) -> DetectOutputs:
        """Return flagged readings and anomalies of a PCollection of ReadingBatch."""
        detect_batch = beam.ParDo(_Detect(self.rules)).with_output_types(ReadingBatch)
        outputs = readings | "Detect" >> detect_batch.with_outputs(_ANOMALIES, main=_READINGS)
        outputs[_ANOMALIES].element_type = pa.RecordBatch
        return DetectOutputs(outputs[_READINGS], outputs[_ANOMALIES])


@dataclass
class _Detect(beam.DoFn):
    rules: RuleSet

    def process(self, batch: ReadingBatch) -> Iterator[Any]:
        detected = detect(batch, self.rules)
        if detected.anomalies is not None:
            for rule, number in detected.by_rule.items():
                counters.count(counters.ANOMALIES, number, rule)
            yield beam.pvalue.TaggedOutput(_ANOMALIES, detected.anomalies)
        yield detected.readings
