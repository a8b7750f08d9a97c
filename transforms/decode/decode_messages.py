"""DecodeMessages: payloads become batches of readings; what cannot be read becomes dead letters."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow, TimestampedValue
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.messages import Message
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from transforms import counters
from transforms.decode.codec import decode
from transforms.step import Step

_DEAD: Final = "dead_letters"
_READINGS: Final = "readings"
_COALESCE_BYTES: Final = 1 << 20


class DecodeOutputs(NamedTuple):
    """Outputs of `DecodeMessages`.

    Attributes:
        readings: PCollection of ReadingBatch.
        dead_letters: PCollection of RecordBatch of DeadLetter.
    """

    readings: beam.PCollection
    dead_letters: beam.PCollection


@dataclass
class DecodeMessages(Step):
    """Decode messages, those of a bundle and of one portion of the input together, into batches of readings.

    Bounded or unbounded input in the global window. A batch carries the smallest timestamp of its
    messages, so nothing downstream is later than its message was. At least once: a retried bundle
    decodes to the same batch.

    Args:
        metrics: names of the metrics to decode.
    """

    metrics: tuple[str, ...]

    @no_annotations
    def expand(self, messages: beam.PCollection) -> DecodeOutputs:
        """Return readings and dead letters of a PCollection of Message."""
        decode_bundle = beam.ParDo(_Decode(self.metrics)).with_output_types(ReadingBatch)
        outputs = messages | "Decode" >> decode_bundle.with_outputs(_DEAD, main=_READINGS)
        outputs[_DEAD].element_type = pa.RecordBatch
        return DecodeOutputs(outputs[_READINGS], outputs[_DEAD])


@dataclass
class _Decode(beam.DoFn):
    metrics: tuple[str, ...]
    messages: list[Message] = field(default_factory=list)
    size: int = 0
    earliest: Timestamp = MAX_TIMESTAMP

    def start_bundle(self) -> None:
        self._clear()

    def process(self, message: Message, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[Any]:
        if self.messages and message.portion != self.messages[0].portion:
            yield from self._pass_on()
        self.messages.append(message)
        self.size += len(message.payload)
        self.earliest = min(self.earliest, timestamp)
        if self.size >= _COALESCE_BYTES:
            yield from self._pass_on()

    def finish_bundle(self) -> Iterator[Any]:
        for tag, batch in self._flush():
            yield _tagged(tag, WindowedValue(batch, self.earliest, (GlobalWindow(),)))
        self._clear()

    def _pass_on(self) -> Iterator[Any]:
        for tag, batch in self._flush():
            yield _tagged(tag, TimestampedValue(batch, self.earliest))
        self._clear()

    def _clear(self) -> None:
        self.messages, self.size, self.earliest = [], 0, MAX_TIMESTAMP

    def _flush(self) -> Iterator[tuple[str | None, ReadingBatch | pa.RecordBatch]]:
        if not self.messages:
            return
        decoded = decode(self.messages, self.metrics)
        counters.count(counters.MESSAGES, len(self.messages))
        counters.count(counters.PAYLOAD_BYTES, self.size)
        published = [message.publish_us for message in self.messages if message.publish_us is not None]
        if published:  # the clock is looked at for this figure only
            counters.observe(counters.MESSAGE_AGE_MS, (time.time_ns() // 1_000 - min(published)) // 1_000)
        if decoded.ignored:
            counters.count(counters.FIELDS_IGNORED, decoded.ignored.total())
        if decoded.readings is not None:
            counters.count(counters.ROWS_DECODED, len(decoded.readings))
            yield None, decoded.readings
        if decoded.rejected:
            for reason, number in Counter(letter.reason for letter in decoded.rejected).items():
                counters.count(counters.DEAD_LETTERS, number, reason)
            yield _DEAD, from_records(DeadLetter, decoded.rejected)


def _tagged(tag: str | None, value: Any) -> Any:
    return value if tag is None else beam.pvalue.TaggedOutput(tag, value)
