"""Collect the messages of a bundle in columns, so that the steps behind handle them together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.message_batch import MessageBatch, source_of
from telemetry.model.messages import Message
from transforms.decode.codec import GROUP_BYTES
from transforms.step import Step


class CollectMessages(Step):
    """Collect messages of one bundle and of one source into batches of about a megabyte.

    Bounded or unbounded input in the global window. A batch has the smallest timestamp of its messages, so that no
    later step sees a reading later than its message was. At least once: a retried bundle gives the same batches.
    """

    def expand(self, messages: beam.PCollection) -> beam.PCollection:
        """Return a PCollection of MessageBatch for one of Message."""
        return messages | "Collect" >> beam.ParDo(_Collect()).with_output_types(MessageBatch)


@dataclass
class _Collect(beam.DoFn):
    messages: list[Message] = field(default_factory=list)
    size: int = 0
    earliest: Timestamp = MAX_TIMESTAMP

    def start_bundle(self) -> None:
        self._clear()

    def process(self, message: Message, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[WindowedValue]:
        if self.messages and source_of(message) != source_of(self.messages[-1]):
            yield from self.finish_bundle()
        self.messages.append(message)
        self.size += len(message.payload)
        self.earliest = min(self.earliest, timestamp)
        if self.size >= GROUP_BYTES:
            yield from self.finish_bundle()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self.messages:
            yield WindowedValue(MessageBatch.of(self.messages), self.earliest, (GlobalWindow(),))
        self._clear()

    def _clear(self) -> None:
        self.messages, self.size, self.earliest = [], 0, MAX_TIMESTAMP
