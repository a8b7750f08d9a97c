"""Make the ledger entries of a job, by which `reconcile` checks that no row was lost."""

from dataclasses import dataclass
from typing import Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from transforms.ledger import entries
from transforms.step import Step
from transforms.windows.window_spec import WindowSpec

_ENTRIES: Final = {
    "archived": entries.archived_entries,
    "anomalies": entries.anomaly_entries,
    "incidents": entries.incident_entries,
    "rules": entries.rules_entries,
    "dead_letters": entries.dead_letter_entries,
    "duplicates": entries.duplicate_entries,
    "repeats": entries.repeat_entries,
    "missed": entries.missed_entries,
}


@dataclass
class WriteLedger(Step):
    """Count the outputs of the job's steps as ledger entries.

    Bounded or unbounded input in any window; one small batch of entries for each batch of input. At least once: the
    entries of a retried bundle have the same ids.

    Args:
        windows: the windows that readings belong to.
        job_id: the job, for its records.
    """

    windows: WindowSpec
    job_id: str = ""

    @no_annotations
    def expand(self, flows: dict[str, beam.PCollection]) -> beam.PCollection:
        """Return a PCollection of RecordBatch of LedgerEntry.

        Args:
            flows: ``readings`` (ReadingBatch), ``anomalies`` and ``dead_letters`` (RecordBatch), and where there
                are any ``archived``, ``incidents`` and ``rules`` (RecordBatch), ``duplicates`` (MessageBatch),
                ``repeats`` (ReadingBatch) and ``missed`` (MissedValues).
        """
        counted = []
        for name, flow in flows.items():
            if name == "readings":
                count = beam.Map(entries.reading_entries, self.windows, self.job_id)
                counted.append(flow | "Count readings" >> count)
            else:
                counted.append(flow | f"Count {name}" >> beam.Map(_ENTRIES[name], self.job_id))
        for flow in counted:
            flow.element_type = pa.RecordBatch
        return counted | "Entries" >> beam.Flatten()
