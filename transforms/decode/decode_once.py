"""Decode messages once where their source has to know their times before the step that decodes them.

A source in the process of that step decodes messages ahead, in the groups that the step will form; the step then finds
the result. Messages are known by identity: a copy, or another group of the same messages, is decoded as usual.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from telemetry.model.messages import Message
from transforms.decode.codec import DecodedBatch, decode

GROUP_BYTES: Final = 1 << 20
"""Payload bytes at which a group of messages is decoded into one batch."""


class _Ahead(NamedTuple):
    messages: tuple[Message, ...]
    metrics: tuple[str, ...]
    decoded: DecodedBatch


_AHEAD: Final[dict[int, _Ahead]] = {}
"""Results by the identity of their first message, which stays the same as long as the entry holds the message."""


def group_messages(messages: Sequence[Message]) -> Iterator[tuple[Message, ...]]:
    """Yield the messages in groups that end where `GROUP_BYTES` are reached."""
    group: list[Message] = []
    size = 0
    for message in messages:
        group.append(message)
        size += len(message.payload)
        if size >= GROUP_BYTES:
            yield tuple(group)
            group, size = [], 0
    if group:
        yield tuple(group)


def decode_ahead(messages: tuple[Message, ...], metrics: tuple[str, ...]) -> DecodedBatch:
    """Decode a group of messages and keep the result for `decode_once`, until `forget`."""
    decoded = decode(messages, metrics)
    _AHEAD[id(messages[0])] = _Ahead(messages, metrics, decoded)
    return decoded


def decode_once(messages: Sequence[Message], metrics: tuple[str, ...]) -> DecodedBatch:
    """Return what `decode` returns: the result that is kept for these very messages, if there is one."""
    ahead = _AHEAD.get(id(messages[0])) if messages else None
    if ahead is not None and ahead.metrics == metrics and _are_same(ahead.messages, messages):
        return ahead.decoded
    return decode(messages, metrics)


def forget(messages: Sequence[Message]) -> None:
    """Drop the results that are kept for groups of these messages."""
    for message in messages:
        _AHEAD.pop(id(message), None)


def _are_same(first: Sequence[Message], second: Sequence[Message]) -> bool:
    return len(first) == len(second) and all(map(lambda a, b: a is b, first, second))
