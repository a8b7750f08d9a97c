"""Decode messages into batches of readings, and reject what cannot be read as dead letters."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.typehints.decorators import no_annotations

from telemetry.model.message_batch import UNKNOWN_US, MessageBatch
from telemetry.model.reading_batch import ReadingBatch
from telemetry.model.record_batches import from_records
from telemetry.model.records import DeadLetter
from transforms import counters
from transforms.decode.codec import DecodedBatch
from transforms.decode.decode_once import decode_once
from transforms.decode.decode_spec import DecodeSpec
from transforms.decode.metric_values import shorten
from transforms.shuffle.deadlines import note_reading
from transforms.step import Step

_DEAD: Final = "dead_letters"
_READINGS: Final = "readings"


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
    """Decode batches of messages into batches of readings.

    Bounded or unbounded input in the global window; readings have the timestamp of their messages. At least once: a
    retried bundle decodes to the same batches.

    Args:
        spec: how they are decoded.
        counts_rows: whether readings are counted as decoded here, or by a step behind that removes some of them.
    """

    spec: DecodeSpec
    counts_rows: bool = True

    @no_annotations
    def expand(self, messages: beam.PCollection) -> DecodeOutputs:
        """Return readings and dead letters of a PCollection of MessageBatch."""
        decode_batch = beam.ParDo(_Decode(self.spec, self.counts_rows)).with_output_types(ReadingBatch)
        outputs = messages | "Decode" >> decode_batch.with_outputs(_DEAD, main=_READINGS)
        outputs[_DEAD].element_type = pa.RecordBatch
        return DecodeOutputs(outputs[_READINGS], outputs[_DEAD])


@dataclass
class _Decode(beam.DoFn):
    spec: DecodeSpec
    counts_rows: bool = True

    def process(self, messages: MessageBatch) -> Iterator[Any]:
        counters.count(counters.MESSAGES, len(messages))
        counters.count(counters.PAYLOAD_BYTES, int((messages.ends - messages.starts).sum()))
        published = messages.publish_us[messages.publish_us != UNKNOWN_US]
        if len(published):  # the wall clock is read only for this metric
            counters.observe(counters.MESSAGE_AGE_MS, (time.time_ns() // 1_000 - int(published.min())) // 1_000)
        for decoded in decode_once(messages, self.spec):
            yield from _count(decoded, counts_rows=self.counts_rows)


def _count(decoded: DecodedBatch, *, counts_rows: bool) -> Iterator[Any]:
    """Count a decoded batch, and yield its readings and its dead letters."""
    if decoded.ignored:
        counters.count(counters.FIELDS_IGNORED, decoded.ignored.total())
        for name, number in decoded.ignored.items():
            counters.count_named(counters.FIELDS_IGNORED, number, shorten(name))
    for value, number in decoded.unread.counts.items():
        kind = f"{value.metric}/{value.problem}"
        counters.count(counters.VALUES_UNREAD, number, kind)
        counters.tell(counters.UNREAD_EXAMPLES, kind, decoded.unread.examples[value])
    if decoded.fitted:
        counters.count(counters.ROWS_FITTED, decoded.fitted)
    if decoded.clock_ahead:
        counters.count(counters.CLOCK_AHEAD, decoded.clock_ahead)
    if decoded.newest_us is not None:
        note_reading(decoded.newest_us)
    if decoded.readings is not None:
        if counts_rows:
            counters.count(counters.ROWS_DECODED, len(decoded.readings))
        for metric, values in zip(decoded.readings.metrics, decoded.readings.values, strict=True):
            counters.count(counters.VALUES_READ, int(np.count_nonzero(~np.isnan(values))), metric)
        yield decoded.readings
    if decoded.rejected:
        for reason, number in Counter(letter.reason for letter in decoded.rejected).items():
            counters.count(counters.DEAD_LETTERS, number, reason)
        yield beam.pvalue.TaggedOutput(_DEAD, from_records(DeadLetter, decoded.rejected))
