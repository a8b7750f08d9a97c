"""Decode messages once where their source has to know their times before the step that decodes them.

A source in the process of that step decodes a batch of messages ahead; the step then finds the results. A batch is
known by identity: a copy is decoded as usual.
"""

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from telemetry.model.message_batch import MessageBatch
from transforms.decode.codec import DecodedBatch, decode_parts
from transforms.decode.decode_spec import DecodeSpec

MOST_ROWS: Final = 200_000
"""Rows and dead letters of a batch up to which results are kept; those of a larger one are decoded again."""


class _Ahead(NamedTuple):
    spec: DecodeSpec
    decoded: list[DecodedBatch]


_AHEAD: Final[weakref.WeakKeyDictionary[MessageBatch, _Ahead]] = weakref.WeakKeyDictionary()


def decode_ahead(messages: MessageBatch, spec: DecodeSpec) -> Iterator[DecodedBatch]:
    """Yield a batch decoded; keep the results for `decode_once` if they are small, as long as the batch is kept."""
    kept: list[DecodedBatch] = []
    rows = 0
    for decoded in decode_parts(replace(messages), spec):  # a copy: results must not keep their key alive
        rows += len(decoded.rejected) + (0 if decoded.readings is None else len(decoded.readings))
        if rows <= MOST_ROWS:
            kept.append(decoded)
        else:
            kept.clear()
        yield decoded
    if rows <= MOST_ROWS:
        _AHEAD[messages] = _Ahead(spec, kept)


def decode_once(messages: MessageBatch, spec: DecodeSpec) -> Iterable[DecodedBatch]:
    """Return what `decode_parts` yields: the results that are kept for this very batch, if there are some."""
    ahead = _AHEAD.get(messages)
    if ahead is not None and ahead.spec == spec:
        return ahead.decoded
    return decode_parts(messages, spec)
