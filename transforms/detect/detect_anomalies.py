"""Apply the rules to batches of readings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from telemetry.model.reading_batch import ReadingBatch
from telemetry.rules.follower import FollowedRules
from telemetry.rules.in_force import rules_in_force
from telemetry.rules.rule_set import RuleSet
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

    Bounded or unbounded input in any window. The step reads no clock and keeps no state, so that a late reading is an
    anomaly as well. At least once: the same reading has the same anomaly id.

    Args:
        rules: the rules in force, unless a local stream tells others.
        job_id: the job, for its records.
        followed: the rules file that workers look at for themselves; None if the rules never change, or are told.
    """

    rules: RuleSet
    job_id: str = ""
    followed: FollowedRules | None = None

    @no_annotations
    def expand(self, readings: beam.PCollection) -> DetectOutputs:
        """Return flagged readings and anomalies of a PCollection of ReadingBatch."""
        detect_batch = beam.ParDo(_Detect(self.rules, self.job_id, self.followed)).with_output_types(ReadingBatch)
        outputs = readings | "Detect" >> detect_batch.with_outputs(_ANOMALIES, main=_READINGS)
        outputs[_ANOMALIES].element_type = pa.RecordBatch
        return DetectOutputs(outputs[_READINGS], outputs[_ANOMALIES])


@dataclass
class _Detect(beam.DoFn):
    rules: RuleSet
    job_id: str
    followed: FollowedRules | None

    def process(self, batch: ReadingBatch) -> Iterator[Any]:
        detected = detect(batch, rules_in_force(self.rules, self.followed), self.job_id)
        if detected.anomalies is not None:
            for rule, number in detected.by_rule.items():
                counters.count(counters.ANOMALIES, number, rule)
            yield beam.pvalue.TaggedOutput(_ANOMALIES, detected.anomalies)
        yield detected.readings
