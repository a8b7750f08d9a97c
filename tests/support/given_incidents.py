"""A step that yields given transitions of incidents, in place of the one that watches devices."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pytest

from telemetry.model.record_batches import from_records, with_job
from telemetry.model.records import Incident
from tests.support.records import START, incident

HOUR = 3_600_000_000
TRANSITIONS = (
    incident("a-1", 0, "opened", START, 31.0),
    incident("a-1", 1, "updated", START + 300_000_000, 32.25),
    incident("a-1", 2, "closed", START + HOUR, 29.5),
    incident("b-1", 0, "opened", START + 7, 33.0, "b"),
    incident("b-2", 0, "opened", START + HOUR, None, "b", "silent"),
    incident("b-2", 1, "closed", START + HOUR + 60_000_000, None, "b", "silent"),
)
"""One incident that stays open and two that are closed, one of them of a silent device, in two hours."""
OPEN = {"b-1"}


@dataclass
class GivenIncidents(beam.PTransform):
    """Yields all of the given transitions for each batch of readings: as often as a runner might repeat them."""

    transitions: Sequence[Incident]
    job_id: str

    def expand(self, readings: beam.PCollection) -> beam.PCollection:
        batch = with_job(from_records(Incident, self.transitions), self.job_id)
        return readings | beam.Map(lambda _, given: given, batch).with_output_types(pa.RecordBatch)


@contextlib.contextmanager
def incidents_given(transitions: Sequence[Incident] = TRANSITIONS) -> Iterator[None]:
    """Let jobs of this process yield given transitions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.graph.WatchDevices", lambda _, __, job_id, *___: GivenIncidents(transitions, job_id))
        yield
