"""What a sink of the graph gives back."""

from typing import NamedTuple

import apache_beam as beam


class SinkResult(NamedTuple):
    """Output of a sink that goes on when something single cannot be stored.

    Attributes:
        dead_letters: PCollection of RecordBatch of DeadLetter: what it was given and could not store.
    """

    dead_letters: beam.PCollection
