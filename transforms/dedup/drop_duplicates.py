"""DropDuplicates: messages that were published or delivered again go no further."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from zlib import crc32

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.messages import Message
from transforms import counters
from transforms.decode.codec import rows_of
from transforms.dedup.key_memory import decode_key_memory, encode_key_memory, key_of
from transforms.step import Step

_MESSAGES: Final = "messages"
_DUPLICATES: Final = "duplicates"
_BUCKETS: Final = 16  # each touched costs the local runner 0.1 ms a bundle, and a remote one decodes by them
_COALESCE_BYTES: Final = 4 << 20


class DedupOutputs(NamedTuple):
    """Outputs of `DropDuplicates`.

    Attributes:
        messages: PCollection of Message, each key once within the window.
        duplicates: PCollection of Message: those that were removed.
    """

    messages: beam.PCollection
    duplicates: beam.PCollection


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Messages of one bucket on their way to its memory; one object, so that it is pickled in one go."""

    messages: list[Message] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    timestamps: list[Timestamp] = field(default_factory=list)

    def published_us(self) -> list[int]:
        """Return when each was published, as far as that is known, else its timestamp; microseconds UTC."""
        told = [message.publish_us for message in self.messages]
        return [t.micros if us is None else us for us, t in zip(told, self.timestamps, strict=True)]


@dataclass
class DropDuplicates(Step):
    """Let the first message of each key pass, and remove those that follow within a window of time.

    A message is known by its attribute `message_key`, else by its message id; one with neither always
    passes. Bounded or unbounded input in the global window; messages keep their timestamps, and those of a
    key their order. Nothing is held back. Time is when Pub/Sub received a message, or its timestamp where
    that is not known; never a clock. A retried bundle gives the same outputs.

    Keys are divided into buckets, and a bucket forgets as its own messages go on: what is kept is bounded by
    the messages of one window, 24 bytes each.

    Args:
        window_us: how long a key is remembered, microseconds; at exactly that distance it still is.
    """

    window_us: int

    @no_annotations
    def expand(self, messages: beam.PCollection) -> DedupOutputs:
        """Return what is new and what is not of a PCollection of Message."""
        by_bucket = beam.ParDo(_ByBucket()).with_output_types(tuple[int, _Candidates])
        remember = beam.ParDo(_Remember(self.window_us)).with_output_types(Message)
        candidates = messages | "By bucket" >> by_bucket
        outputs = candidates | "Remember" >> remember.with_outputs(_DUPLICATES, main=_MESSAGES)
        outputs[_DUPLICATES].element_type = Message
        return DedupOutputs(outputs[_MESSAGES], outputs[_DUPLICATES])


@dataclass
class _ByBucket(beam.DoFn):
    """Gathers the messages of a bundle by bucket, so that a bucket's memory is read and written once for all."""

    buckets: dict[int, _Candidates] = field(default_factory=lambda: defaultdict(_Candidates))
    size: int = 0

    def start_bundle(self) -> None:
        self._clear()

    def process(self, message: Message, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[Any]:
        key = key_of(message)
        candidates = self.buckets[crc32(message.payload if key is None else key) % _BUCKETS]
        candidates.messages.append(message)
        candidates.keys.append(key)
        candidates.timestamps.append(timestamp)
        self.size += len(message.payload)
        if self.size >= _COALESCE_BYTES:
            yield from self._flush()
            self._clear()

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._flush()
        self._clear()

    def _clear(self) -> None:
        self.buckets.clear()
        self.size = 0

    def _flush(self) -> Iterator[Any]:
        for bucket, candidates in self.buckets.items():
            yield WindowedValue((bucket, candidates), min(candidates.timestamps), (GlobalWindow(),))


@dataclass
class _Remember(beam.DoFn):
    """Tells the new messages of a bucket from those whose keys it remembers."""

    window_us: int

    SEEN = ReadModifyWriteStateSpec("seen", BytesCoder())

    def process(self, element: tuple[int, _Candidates], state: Any = beam.DoFn.StateParam(SEEN)) -> Iterator[Any]:
        _, candidates = element
        seen = decode_key_memory(state.read())
        new, seen = seen.meet(candidates.keys, candidates.published_us(), self.window_us)
        state.write(encode_key_memory(seen))
        _count([message for message, is_new in zip(candidates.messages, new, strict=True) if not is_new])
        for message, timestamp, is_new in zip(candidates.messages, candidates.timestamps, new, strict=True):
            stamped = WindowedValue(message, timestamp, (GlobalWindow(),))
            yield stamped if is_new else beam.pvalue.TaggedOutput(_DUPLICATES, stamped)


def _count(duplicates: list[Message]) -> None:
    if duplicates:
        rows = sum(map(rows_of, duplicates))
        counters.count(counters.DUPLICATES, len(duplicates))
        counters.count(counters.ROWS_DUPLICATE, rows)
