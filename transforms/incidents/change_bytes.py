"""Encode rules that come into force as versioned bytes."""

from functools import lru_cache
from typing import Final

import msgspec

from telemetry.rules.rules_bytes import decode_rules, encode_rules
from telemetry.rules.timeline import RulesChange, RulesTimeline
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # a list of (since_us, encoded rules, sequence) in msgpack, packed
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[tuple[int, bytes, int]])


def encode_timeline(timeline: RulesTimeline) -> bytes:
    """Return all changes of a timeline as versioned bytes."""
    plain = [(change.since_us, encode_rules(change.rules), change.sequence) for change in timeline.changes]
    return frame(_FORMAT, pack(_ENCODER.encode(plain)))


@lru_cache(maxsize=16)
def decode_timeline(content: bytes) -> RulesTimeline:
    """Return the timeline that was encoded; each key of a stream asks for the same one again and again.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
        RuleError: if the rules are.
    """
    _, packed = unframe("rules that changed", content, (_FORMAT,))
    plain = _DECODER.decode(unpack(packed))
    return RulesTimeline(tuple(RulesChange(since, decode_rules(rules), sequence) for since, rules, sequence in plain))


def encode_change(change: RulesChange) -> bytes:
    """Return one change as versioned bytes."""
    return encode_timeline(RulesTimeline((change,)))


def decode_change(content: bytes) -> RulesChange:
    """Return the change that was encoded; see `decode_timeline`."""
    return decode_timeline(content).changes[0]
