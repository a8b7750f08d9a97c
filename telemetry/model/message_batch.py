"""Hold the messages of a pull, or of a bundle, in columns: one element for a runner instead of one for each message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, overload

import numpy as np

from telemetry.arrays import IntArray
from telemetry.model.messages import Message

UNKNOWN_US: Final = np.iinfo(np.int64).min
"""Publish time of a message that was not published: a chunk of a file."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class MessageBatch(Sequence[Message]):
    """N messages as a struct of arrays. As a sequence it yields each of them as a `Message`.

    Attributes:
        bodies: the payloads one after another, a newline between two, so that plain JSON is decoded where it lies.
        ends: (N,) where each payload ends in `bodies`; the next one begins one byte behind it.
        ids: N message ids.
        publish_us: (N,) when each was published, microseconds UTC; `UNKNOWN_US` for files.
        attributes: N mappings.
        watermark_us: the source's watermark when it emitted them, microseconds UTC; None if it does not know it.
        columns: header of the CSV file that the payloads were cut from; None for JSON.
        portion: number of the portion of bounded input that they were read from.
    """

    bodies: bytes
    ends: IntArray
    ids: tuple[str, ...]
    publish_us: IntArray
    attributes: tuple[Mapping[str, str], ...]
    watermark_us: int | None = None
    columns: tuple[str, ...] | None = None
    portion: int = 0

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "MessageBatch":
        """Return messages as a batch; the properties of its source are those of the first message."""
        messages = list(messages)
        payloads = [message.payload for message in messages]
        published = [UNKNOWN_US if message.publish_us is None else message.publish_us for message in messages]
        first = messages[0] if messages else Message(b"")
        return cls(
            payloads[0] if len(payloads) == 1 else b"\n".join(payloads),
            ends_of(list(map(len, payloads))),
            tuple([message.message_id for message in messages]),
            np.array(published, np.int64),
            tuple([message.attributes for message in messages]),
            first.watermark_us,
            first.columns,
            first.portion,
        )

    @property
    def starts(self) -> IntArray:
        """(N,) where each payload begins in `bodies`."""
        starts = np.zeros(len(self.ends), np.int64)
        starts[1:] = self.ends[:-1] + 1
        return starts

    def payload(self, index: int) -> bytes:
        """Return the payload of a message."""
        if len(self.ends) == 1:
            return self.bodies
        return self.bodies[self.ends[index - 1] + 1 if index else 0 : self.ends[index]]

    def published(self, index: int) -> int | None:
        """Return the publish time of a message, microseconds UTC; None if it was not published."""
        published_us = int(self.publish_us[index])
        return None if published_us == UNKNOWN_US else published_us

    def take(self, indices: Sequence[int]) -> "MessageBatch":
        """Return some of the messages, in the order of the indices."""
        taken = self.of([self[index] for index in indices])
        return replace(taken, watermark_us=self.watermark_us, columns=self.columns, portion=self.portion)

    def at(self, watermark_us: int | None) -> "MessageBatch":
        """Return the same messages as emitted when the watermark of their source was this one."""
        return replace(self, watermark_us=watermark_us)

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Message: ...

    @overload
    def __getitem__(self, index: slice) -> "MessageBatch": ...

    def __getitem__(self, index: int | slice) -> "Message | MessageBatch":
        """Return a message, or the messages of a slice as a batch."""
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        number = range(len(self))[index]  # raises IndexError, and counts from the end
        return Message(
            self.payload(number),
            self.attributes[number],
            self.ids[number],
            self.published(number),
            self.watermark_us,
            self.columns,
            self.portion,
        )

    def __iter__(self) -> Iterator[Message]:
        """Yield each message."""
        return (self[index] for index in range(len(self)))


def source_of(message: Message) -> tuple[int, tuple[str, ...] | None, int | None]:
    """Return the properties that all messages of a batch share."""
    return message.portion, message.columns, message.watermark_us


def batches_of(messages: Iterable[Message]) -> Iterator[MessageBatch]:
    """Yield messages in batches, in order; a new batch begins where the source changes."""
    return (MessageBatch.of(same) for _, same in groupby(messages, source_of))


def ends_of(sizes: Sequence[int]) -> IntArray:
    """Return where payloads of these sizes end, with one byte between two."""
    return np.cumsum(sizes, dtype=np.int64) + np.arange(len(sizes), dtype=np.int64)


def groups_of(batch: MessageBatch, most_bytes: int, sizes: IntArray | None = None) -> Iterator[MessageBatch]:
    """Yield the messages in groups, each of which ends where `most_bytes` are reached.

    Args:
        batch: N messages; a batch that needs no division is yielded itself.
        most_bytes: of payload.
        sizes: (N,) size of each in bytes, if that is not the length of its payload.
    """
    sizes = batch.ends - batch.starts if sizes is None else sizes
    if not len(batch):
        return
    if int(sizes.sum()) < most_bytes:
        yield batch
        return
    first, size = 0, 0
    for index, length in enumerate(sizes.tolist()):
        size += length
        if size >= most_bytes:
            yield batch[first : index + 1]
            first, size = index + 1, 0
    if first < len(batch):
        yield batch[first:]
