"""Record which rules came into force when."""

from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from telemetry.model.record_batches import from_records
from telemetry.model.records import RulesVersion
from telemetry.rules.rules_bytes import encode_rules
from telemetry.rules.timeline import ALWAYS_US
from transforms.incidents.change_bytes import decode_change
from transforms.step import Step


@dataclass
class RecordRules(Step):
    """Record changes of the rules. Bounded or unbounded input, any window; element by element.

    Args:
        job_id: the job, for its records.
    """

    job_id: str = ""

    @no_annotations
    def expand(self, changes: beam.PCollection) -> beam.PCollection:
        """Return a PCollection of RecordBatch of RulesVersion for one of encoded `RulesChange`."""
        return changes | "Record" >> beam.Map(_record, self.job_id).with_output_types(pa.RecordBatch)


def _record(content: bytes, job_id: str) -> pa.RecordBatch:
    change = decode_change(content)
    since_us = None if change.since_us == ALWAYS_US else change.since_us
    text = encode_rules(change.rules).decode()
    return from_records(RulesVersion, [RulesVersion(change.rules.version, since_us, change.sequence, text, job_id)])
