"""Hold readings in columns, as steps pass them on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import BoolArray, CodeArray, FloatArray, IntArray
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message


class RawRows(Protocol):
    """Finds the bytes of readings again that are not lines of their messages; it can be pickled."""

    def read(self, messages: Sequence[Message], message: CodeArray, number: CodeArray) -> list[bytes]:
        """Return the bytes of N readings by the messages that they came from, and their numbers there."""
        ...


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """N readings as a struct of arrays, with references to the messages they were decoded from.

    Attributes:
        metrics: names of the M metrics.
        devices: distinct device names.
        device: (N,) index into `devices`.
        event_us: (N,) event time, microseconds since the epoch, UTC.
        source_us: (N,) the reading's own ``ts``, same unit; differs from `event_us` in a shifted replay.
        values: (M, N) measured values in their metric's unit; NaN where missing.
        messages: the messages that the rows were decoded from.
        message: (N,) index into `messages`.
        line: (N,) line within the message, from 1; 0 if the reading is the whole message.
        raw: finds the bytes of readings, of which `line` is a number then; None if they are lines.
        breaches: (M, N) number of rules that each value breached; None before detection, or if there are none.
    """

    metrics: tuple[str, ...]
    devices: tuple[str, ...]
    device: CodeArray
    event_us: IntArray
    source_us: IntArray
    values: FloatArray
    messages: MessageBatch
    message: CodeArray
    line: CodeArray
    raw: RawRows | None = None
    breaches: NDArray[np.uint16] | None = None

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.event_us)

    def select(self, rows: BoolArray | IntArray) -> "ReadingBatch":
        """Return the rows that a mask or an index array selects."""
        return replace(
            self,
            device=self.device[rows],
            event_us=self.event_us[rows],
            source_us=self.source_us[rows],
            values=self.values[:, rows],
            message=self.message[rows],
            line=self.line[rows],
            breaches=None if self.breaches is None else self.breaches[:, rows],
        )


def merge_names(parts: Sequence[tuple[str, ...]], codes: Sequence[CodeArray]) -> tuple[tuple[str, ...], CodeArray]:
    """Merge several (names, codes) pairs; return one list of names and the concatenated codes."""
    if len(parts) == 1:
        return parts[0], codes[0]
    index: dict[str, int] = {}
    recoded = []
    for names, code in zip(parts, codes, strict=True):
        mapping = np.fromiter((index.setdefault(name, len(index)) for name in names), np.int32, len(names))
        recoded.append(mapping[code])
    return tuple(index), np.concatenate(recoded)


def concat_batches(batches: Sequence[ReadingBatch]) -> ReadingBatch:
    """Return the rows of several batches of one form and the same metrics as one batch, in order; none has breaches."""
    if len(batches) == 1:
        return batches[0]
    devices, device = merge_names([b.devices for b in batches], [b.device for b in batches])
    messages, message = _merge_messages(batches)
    return ReadingBatch(
        metrics=batches[0].metrics,
        devices=devices,
        device=device,
        event_us=np.concatenate([b.event_us for b in batches]),
        source_us=np.concatenate([b.source_us for b in batches]),
        values=np.concatenate([b.values for b in batches], axis=1),
        messages=messages,
        message=message,
        line=np.concatenate([b.line for b in batches]),
        raw=batches[0].raw,
    )


def _merge_messages(batches: Sequence[ReadingBatch]) -> tuple[MessageBatch, CodeArray]:
    """Return the messages of several batches of readings as one batch, and the index of each reading's message."""
    first = batches[0].messages
    if all(batch.messages is first for batch in batches):
        return first, np.concatenate([batch.message for batch in batches])
    offsets = np.cumsum([0, *(len(batch.messages) for batch in batches[:-1])], dtype=np.int32)
    codes = [batch.message + offset for batch, offset in zip(batches, offsets, strict=True)]
    messages = MessageBatch.of(message for batch in batches for message in batch.messages)
    told_us = [batch.messages.watermark_us for batch in batches if batch.messages.watermark_us is not None]
    return messages.at(max(told_us, default=None)), np.concatenate(codes)
