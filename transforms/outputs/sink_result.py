"""Define the return type of sinks that can reject records."""

from typing import NamedTuple

import apache_beam as beam


class SinkResult(NamedTuple):
    """Output of a sink that continues when single records cannot be stored.

    Attributes:
        dead_letters: PCollection of RecordBatch of DeadLetter: the records that it could not store.
    """

    dead_letters: beam.PCollection
