"""Remove messages that were published or delivered before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from zlib import crc32

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.message_batch import MessageBatch, batches_of
from telemetry.model.messages import Message
from transforms import counters
from transforms.decode.payloads import rows_of
from transforms.dedup.candidates import Candidates, decode_candidates, encode_candidates
from transforms.dedup.key_memory import decode_key_memory, encode_key_memory, key_of
from transforms.step import Step

SHARDS: Final = 16
"""Shards that keys are divided into: each costs the local runner 0.1 ms a bundle, a remote one decodes them apart."""
_MESSAGES: Final = "messages"
_DUPLICATES: Final = "duplicates"
_COALESCE_BYTES: Final = 4 << 20


class DedupOutputs(NamedTuple):
    """Outputs of `DropDuplicates`.

    Attributes:
        messages: PCollection of MessageBatch, each key once within the window.
        duplicates: PCollection of MessageBatch: the messages that were removed.
    """

    messages: beam.PCollection
    duplicates: beam.PCollection


@dataclass
class DropDuplicates(Step):
    """Let the first message of each key pass, and remove those that follow within a window of time.

    The key of a message is its attribute `message_key`, or its message id without one; a message with neither always
    passes. Bounded or unbounded input in the global window. The messages of a bundle leave it together, with the
    smallest of its timestamps; those of a key keep their order. Nothing is held back beyond the bundle. The time of a
    message is when Pub/Sub received it, or its timestamp where that is unknown; never the wall clock. A retried bundle
    gives the same outputs.

    Keys are divided into shards, and a shard forgets keys as the times of its own messages advance: the state is
    bounded by the messages of one window, 24 bytes each.

    Args:
        window_us: how long a key is remembered, microseconds; at exactly that distance it still is.
    """

    window_us: int

    @no_annotations
    def expand(self, messages: beam.PCollection) -> DedupOutputs:
        """Return new messages and duplicates of a PCollection of MessageBatch."""
        group = beam.ParDo(_GroupByShard()).with_output_types(tuple[int, bytes])
        check = beam.ParDo(_CheckKeys(self.window_us)).with_output_types(MessageBatch)
        candidates = messages | "Group by shard" >> group
        outputs = candidates | "Check keys" >> check.with_outputs(_DUPLICATES, main=_MESSAGES)
        outputs[_DUPLICATES].element_type = MessageBatch
        return DedupOutputs(outputs[_MESSAGES], outputs[_DUPLICATES])


@dataclass
class _GroupByShard(beam.DoFn):
    """Group the messages of a bundle by shard, so that the memory of a shard is read and written once for all."""

    shards: dict[int, Candidates] = field(default_factory=lambda: defaultdict(Candidates))
    size: int = 0

    def start_bundle(self) -> None:
        self._clear()

    def process(self, messages: MessageBatch, timestamp: Any = beam.DoFn.TimestampParam) -> Iterator[Any]:
        for message in messages:
            key = key_of(message)
            candidates = self.shards[crc32(message.payload if key is None else key) % SHARDS]
            candidates.messages.append(message)
            candidates.keys.append(key)
            candidates.timestamps_us.append(timestamp.micros)
            self.size += len(message.payload)
            if self.size >= _COALESCE_BYTES:
                yield from self._flush()
                self._clear()

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._flush()
        self._clear()

    def _clear(self) -> None:
        self.shards.clear()
        self.size = 0

    def _flush(self) -> Iterator[Any]:
        for shard, candidates in self.shards.items():
            earliest = Timestamp(micros=min(candidates.timestamps_us))
            yield WindowedValue((shard, encode_candidates(candidates)), earliest, (GlobalWindow(),))


@dataclass
class _CheckKeys(beam.DoFn):
    """Tell the new messages of each shard from those whose keys it remembers.

    They leave at the end of the bundle, those of all shards together, so that the decoder reads them at once.
    """

    window_us: int
    new: list[Message] = field(default_factory=list)
    duplicates: list[Message] = field(default_factory=list)
    earliest: Timestamp = MAX_TIMESTAMP

    KEY_MEMORY = ReadModifyWriteStateSpec("key_memory", BytesCoder())

    def start_bundle(self) -> None:
        self._clear()

    def process(self, element: tuple[int, bytes], state: Any = beam.DoFn.StateParam(KEY_MEMORY)) -> None:
        candidates = decode_candidates(element[1])
        memory = decode_key_memory(state.read())
        new, memory = memory.check(candidates.keys, candidates.published_us(), self.window_us)
        state.write(encode_key_memory(memory))
        for message, is_new in zip(candidates.messages, new, strict=True):
            (self.new if is_new else self.duplicates).append(message)
        self.earliest = min(self.earliest, Timestamp(micros=min(candidates.timestamps_us)))

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._stamp(self.new)
        for stamped in self._stamp(self.duplicates):
            yield beam.pvalue.TaggedOutput(_DUPLICATES, stamped)
        if self.duplicates:
            counters.count(counters.DUPLICATES, len(self.duplicates))
            counters.count(counters.ROWS_DUPLICATE, sum(map(rows_of, self.duplicates)))
        self._clear()

    def _stamp(self, messages: Iterable[Message]) -> Iterator[WindowedValue]:
        return (WindowedValue(batch, self.earliest, (GlobalWindow(),)) for batch in batches_of(messages))

    def _clear(self) -> None:
        self.new, self.duplicates, self.earliest = [], [], MAX_TIMESTAMP
