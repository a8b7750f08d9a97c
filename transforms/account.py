"""KeepBooks: the ledger of a job, written beside its results, by which anybody can check that nothing was lost."""

from dataclasses import dataclass
from typing import Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from transforms import books
from transforms.messages import Message


def _book_duplicate(message: Message) -> pa.RecordBatch:
    return books.book_duplicates([message])


_BOOKED: Final = {
    "archived": books.book_archived,
    "anomalies": books.book_anomalies,
    "dead_letters": books.book_dead_letters,
    "duplicates": _book_duplicate,
}


@dataclass
class KeepBooks(beam.PTransform):
    """Turn what the steps of the job put out into entries of the ledger.

    Bounded or unbounded input in any window; one small batch of entries for each batch that is looked at. At least
    once: the entries of a bundle that is done again have the same ids.

    Args:
        windows: how many windows each reading belongs to.
    """

    windows: int

    def __post_init__(self) -> None:
        """Let Beam set its own fields up."""
        super().__init__()

    @no_annotations
    def expand(self, flows: dict[str, beam.PCollection]) -> beam.PCollection:
        """Return a PCollection of RecordBatch of LedgerEntry.

        Args:
            flows: ``readings`` (ReadingBatch), ``anomalies`` and ``dead_letters`` (RecordBatch), and where there
                are any ``archived`` (RecordBatch), ``duplicates`` (Message) and ``missed`` (entries already).
        """
        booked = []
        for name, flow in flows.items():
            if name == "missed":
                booked.append(flow)
            elif name == "readings":
                booked.append(flow | "Book readings" >> beam.Map(books.book_readings, self.windows))
            else:
                booked.append(flow | f"Book {name}" >> beam.Map(_BOOKED[name]))
        for entries in booked:
            entries.element_type = pa.RecordBatch
        return booked | "Entries" >> beam.Flatten()
