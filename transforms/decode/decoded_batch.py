"""Define the result of decoding messages."""

from collections import Counter
from dataclasses import dataclass, field

from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.records import DeadLetter
from transforms.decode.unread_values import UnreadValues


@dataclass(slots=True)
class DecodedBatch:
    """Result of decoding some messages, or a part of one: every line is in exactly one of the first two.

    Attributes:
        readings: the rows that could be read; None if there are none.
        rejected: dead letters of the lines, or whole messages, that could not.
        ignored: how often each unknown field was skipped.
        unread: values of the readings that could not be read, and are missing.
        fitted: how many of the readings are rows of CSV with fewer or more cells than their header.
        first: number of messages of the batch that are before `readings.messages`.
        clock_ahead: how many of the readings are ahead of their publish time by more than the skew.
        newest_us: latest event time of the readings, one that is too far ahead counted as far as the skew allows,
            microseconds UTC; None if there are none.
    """

    readings: ReadingBatch | None = None
    rejected: list[DeadLetter] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    unread: UnreadValues = field(default_factory=UnreadValues)
    fitted: int = 0
    first: int = 0
    clock_ahead: int = 0
    newest_us: int | None = None
