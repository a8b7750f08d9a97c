"""Remove readings that came before: of the same device and event time, and with values of the same metrics."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.model.reading_batch import ReadingBatch, concat_batches
from transforms.decode.decode_spec import DecodeSpec
from transforms.dedup.reading_keys import reading_keys
from transforms.dedup.reading_memory import ReadingMemory, decode_reading_memory, encode_reading_memory
from transforms.dedup.repeats_of_files import REPEATS, DropNumberedRows, FindRepeats, GatherKeys, count_repeats
from transforms.dedup.shard_readings import (
    SLICE_US,
    SliceKey,
    decode_readings,
    divide_readings,
    encode_readings,
    row_form,
)
from transforms.step import Step

_READINGS: Final = "readings"
_RUNNER_US: Final = 1_000  # to which some runners cut the time of a timer
_Source = tuple[int | None, tuple[str, ...] | None, int, int]


class RepeatOutputs(NamedTuple):
    """Outputs of `DropRepeats`.

    Attributes:
        readings: PCollection of ReadingBatch, each reading once.
        repeats: PCollection of ReadingBatch: the readings that were removed.
    """

    readings: beam.PCollection
    repeats: beam.PCollection


@dataclass
class DropRepeats(Step):
    """Let the first of equal readings pass, and remove those that follow: see `ReadingKeys` for which are equal.

    Unbounded input in the global window: a reading is remembered until the watermark is more than a duration ahead of
    its event time; the first that arrives passes, and one that comes later than that always does. The readings of a
    bundle and of one source leave it together, with the smallest of their timestamps. Nothing is held back beyond the
    bundle. State: 16 bytes for each reading that is remembered.

    Bounded input: every repeat is removed, whatever the duration; the first in the order of the portions and their
    rows passes, for any number of workers. It is decoded twice, so that no reading is shuffled: at first for the keys.

    At least once: a retried bundle gives the same outputs.

    Args:
        spec: how the readings are decoded.
        memory_us: how long a reading of unbounded input is remembered, microseconds.
        shards: number of shards that devices are divided into.
        again: the messages of bounded readings a second time: a PCollection of MessageBatch that was read apart, for
            else a runner would have to hold all readings until the last key is known.
    """

    spec: DecodeSpec
    memory_us: int
    shards: int = 1
    again: beam.PCollection | None = None

    @no_annotations
    def expand(self, readings: beam.PCollection) -> RepeatOutputs:
        """Return readings and repeats of a PCollection of ReadingBatch."""
        if self.again is not None:
            gather = beam.ParDo(GatherKeys(self.spec)).with_output_types(tuple[int, bytes])
            find = beam.ParDo(FindRepeats()).with_output_types(bytes)
            parts = self.again | "Gather keys" >> gather | "By part" >> beam.GroupByKey()
            found = beam.pvalue.AsIter(parts | "Find repeats" >> find)
            drop = beam.ParDo(DropNumberedRows(), found).with_output_types(ReadingBatch)
            outputs = readings | "Drop rows" >> drop.with_outputs(REPEATS, main=_READINGS)
        else:
            divide = beam.ParDo(_DivideReadings(self.shards)).with_output_types(tuple[SliceKey, bytes])
            check = beam.ParDo(_CheckReadings(self.spec, self.memory_us)).with_output_types(ReadingBatch)
            divided = readings | "Divide readings" >> divide
            outputs = divided | "Check readings" >> check.with_outputs(REPEATS, main=_READINGS)
        outputs[REPEATS].element_type = ReadingBatch
        return RepeatOutputs(outputs[_READINGS], outputs[REPEATS])


@dataclass
class _DivideReadings(beam.DoFn):
    """Divide each batch of a stream among the keys that remember its readings."""

    shards: int

    def process(self, batch: ReadingBatch) -> Iterator[tuple[SliceKey, bytes]]:
        for key, part in divide_readings(batch, self.shards):
            yield key, encode_readings(part)


@dataclass
class _Checked:
    """Readings of one source and form that were checked, and the earliest of their timestamps."""

    earliest: Timestamp
    new: list[ReadingBatch] = field(default_factory=list)
    repeats: list[ReadingBatch] = field(default_factory=list)


@dataclass
class _CheckReadings(beam.DoFn):
    """Tell the new readings of each key from those that it remembers; they leave at the end of the bundle, together."""

    spec: DecodeSpec
    memory_us: int
    checked: dict[_Source, _Checked] = field(default_factory=dict)

    MEMORY = ReadModifyWriteStateSpec("memory", BytesCoder())
    FORGET = TimerSpec("forget", TimeDomain.WATERMARK)

    def start_bundle(self) -> None:
        self.checked = {}

    def process(
        self,
        element: tuple[SliceKey, bytes],
        timestamp: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(MEMORY),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> None:
        batch = decode_readings(element[1], self.spec)
        messages = batch.messages
        before = decode_reading_memory(state.read())
        repeats, memory = before.check(reading_keys(batch), messages.watermark_us, self.memory_us)
        self._keep(before, memory, state, forget)
        source = messages.watermark_us, messages.columns, messages.portion, row_form(batch.raw)
        checked = self.checked.setdefault(source, _Checked(timestamp))
        checked.earliest = min(checked.earliest, timestamp)
        if not repeats.any():
            checked.new.append(batch)
            return
        checked.repeats.append(batch.select(repeats))
        if not repeats.all():
            checked.new.append(batch.select(~repeats))

    @on_timer(FORGET)
    def on_forget(
        self,
        timestamp: Any = beam.DoFn.TimestampParam,
        state: Any = beam.DoFn.StateParam(MEMORY),
        forget: Any = beam.DoFn.TimerParam(FORGET),
    ) -> None:
        """Forget the readings that the watermark has left behind."""
        before = decode_reading_memory(state.read())
        self._keep(ReadingMemory(), before.forget(timestamp.micros, self.memory_us), state, forget)

    def finish_bundle(self) -> Iterator[Any]:
        for checked in self.checked.values():
            if checked.new:
                yield WindowedValue(concat_batches(checked.new), checked.earliest, (GlobalWindow(),))
            if checked.repeats:
                repeats = WindowedValue(concat_batches(checked.repeats), checked.earliest, (GlobalWindow(),))
                yield beam.pvalue.TaggedOutput(REPEATS, repeats)
            count_repeats(sum(map(len, checked.new)), sum(map(len, checked.repeats)))
        self.checked = {}

    def _keep(self, before: ReadingMemory, memory: ReadingMemory, state: Any, forget: Any) -> None:
        """Store what is remembered, and set the timer if another slice is the first to be forgotten."""
        if not len(memory):
            state.clear()
            return
        if memory is not before:
            state.write(encode_reading_memory(memory))
        due_us = self._due_us(memory)
        if due_us != self._due_us(before):
            forget.set(Timestamp(micros=-(-due_us // _RUNNER_US) * _RUNNER_US))

    def _due_us(self, memory: ReadingMemory) -> int:
        """Return the watermark that forgets the earliest slice of a memory, microseconds UTC; 0 for an empty one."""
        if not len(memory):
            return 0
        first_us = int(memory.keys.event_us[0])
        return first_us - first_us % SLICE_US + SLICE_US + self.memory_us
