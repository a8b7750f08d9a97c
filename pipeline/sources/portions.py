"""Divide a pull into portions that the runner can hold in memory with everything that the steps make of them."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.sources.subscriber import Received
from telemetry.arrays import IntArray
from telemetry.model.dead_letters import RejectionError
from telemetry.model.message_batch import MessageBatch, groups_of
from telemetry.model.messages import CONTENT_ENCODING
from transforms.decode.payloads import MAX_INFLATED_BYTES, pieces_of

PORTION_BYTES: Final = 16 << 20
"""Decompressed bytes at which a portion is full; a short line takes ten times as much as a reading and an anomaly."""
_LARGEST_RATIO: Final = 1_032  # of deflate, by its format


def pull_portions(received: Received) -> Iterator[Received]:
    """Yield a pull in portions; all of it is acknowledged with the last one."""
    portions = list(portions_of(received.messages))
    for portion in portions[:-1]:
        yield Received(portion, [])
    yield Received(portions[-1], received.ack_ids)


def portions_of(messages: MessageBatch, most_bytes: int = PORTION_BYTES) -> Iterator[MessageBatch]:
    """Yield the messages of a pull in portions, each of which ends where `most_bytes`, decompressed, are reached.

    Beam's local runner for streams keeps all that a step makes of an element until the step is done with it.
    Compressed messages are decompressed to know their size only where they could be too large together.
    """
    sizes = messages.ends - messages.starts
    packed = np.flatnonzero([CONTENT_ENCODING in attributes for attributes in messages.attributes])
    if len(packed):
        at_most = np.minimum(sizes[packed] * _LARGEST_RATIO, MAX_INFLATED_BYTES)
        if int(at_most.sum()) >= most_bytes:
            sizes = _inflated_sizes(messages, sizes, packed.tolist())
    yield from groups_of(messages, most_bytes, sizes)


def _inflated_sizes(messages: MessageBatch, sizes: IntArray, packed: list[int]) -> IntArray:
    inflated = sizes.copy()
    for index in packed:
        try:
            inflated[index] = sum(map(len, pieces_of(messages[index])))
        except RejectionError:  # it becomes one dead letter
            continue
    return inflated
