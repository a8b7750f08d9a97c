"""Decode messages once where their source has to know their times before the step that decodes them.

A source in the process of that step decodes a batch of messages ahead; the step then finds the results. A batch is
known by identity: a copy is decoded as usual.
"""

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from telemetry.model.message_batch import MessageBatch, groups_of
from transforms.decode.codec import DecodedBatch, decode

GROUP_BYTES: Final = 1 << 20
"""Payload bytes at which a group of messages is decoded into one batch of readings."""


class _Ahead(NamedTuple):
    metrics: tuple[str, ...]
    decoded: list[DecodedBatch]


_AHEAD: Final[weakref.WeakKeyDictionary[MessageBatch, _Ahead]] = weakref.WeakKeyDictionary()


def decode_groups(messages: MessageBatch, metrics: tuple[str, ...]) -> Iterator[DecodedBatch]:
    """Yield the messages decoded, in groups of about `GROUP_BYTES`."""
    return (decode(group, metrics) for group in groups_of(messages, GROUP_BYTES))


def decode_ahead(messages: MessageBatch, metrics: tuple[str, ...]) -> list[DecodedBatch]:
    """Decode a batch and keep the results for `decode_once`, as long as the batch is kept."""
    decoded = list(decode_groups(replace(messages), metrics))  # a copy: the results must not keep their key alive
    _AHEAD[messages] = _Ahead(metrics, decoded)
    return decoded


def decode_once(messages: MessageBatch, metrics: tuple[str, ...]) -> Iterable[DecodedBatch]:
    """Return what `decode_groups` yields: the results that are kept for this very batch, if there are some."""
    ahead = _AHEAD.get(messages)
    return ahead.decoded if ahead is not None and ahead.metrics == metrics else decode_groups(messages, metrics)
