"""Encode messages on their way to the memory of their keys."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from telemetry.model.messages import Message
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # `_Element` in msgpack


@dataclass(frozen=True, slots=True)
class Candidates:
    """Messages of one shard that may be duplicates, in the order in which they arrived.

    Attributes:
        messages: the messages.
        keys: key of each message; None for one that has none. See `transforms.dedup.key_memory.key_of`.
        timestamps_us: timestamp of each message in the pipeline, microseconds UTC.
    """

    messages: list[Message] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    timestamps_us: list[int] = field(default_factory=list)

    def published_us(self) -> list[int]:
        """Return when each was published, or its timestamp where that is unknown; microseconds UTC."""
        published = [message.publish_us for message in self.messages]
        return [at if us is None else us for us, at in zip(published, self.timestamps_us, strict=True)]


class _Element(msgspec.Struct, array_like=True):
    """The fields of `Candidates`; a message is the array of its fields."""

    messages: list[Message]
    keys: list[bytes | None]
    timestamps_us: list[int]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Element)


def encode_candidates(candidates: Candidates) -> bytes:
    """Return candidates as versioned bytes."""
    element = _Element(candidates.messages, candidates.keys, candidates.timestamps_us)
    return frame(_FORMAT, _ENCODER.encode(element))


def decode_candidates(content: bytes) -> Candidates:
    """Return the candidates that were encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, encoded = unframe("messages to check for duplicates", content, (_FORMAT,))
    element = _DECODER.decode(encoded)
    return Candidates(element.messages, element.keys, element.timestamps_us)
