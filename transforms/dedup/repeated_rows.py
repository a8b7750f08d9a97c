"""Find the repeats among all rows of bounded input: the first in the order of the input stays."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import numpy as np

from telemetry.arrays import IntArray
from transforms.dedup.reading_keys import ReadingKeys
from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.versioned import frame, unframe

PARTS: Final = 64
"""Parts that keys are divided into by their digests: one of them is in memory at a time."""
_FORMAT: Final = 1  # `_Plain` in msgpack, packed


class NumberedKeys(NamedTuple):
    """Keys of N rows of a portion.

    Attributes:
        portion: number of the portion of the input.
        row: (N,) number of each row among the decoded rows of its portion, from 0, ascending.
        keys: their keys.
    """

    portion: int
    row: IntArray
    keys: ReadingKeys

    def select(self, rows: IntArray) -> "NumberedKeys":
        """Return the rows with these indices."""
        return NumberedKeys(self.portion, self.row[rows], self.keys.select(rows))


def split_keys(numbered: NumberedKeys) -> Iterator[tuple[int, NumberedKeys]]:
    """Yield (part, its keys) for each part that has some; equal keys are in the same part."""
    part = (numbered.keys.digest % np.uint64(PARTS)).astype(np.int64)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=PARTS))
    for number, rows in enumerate(np.split(order, ends[:-1])):
        if len(rows):
            yield number, numbered.select(rows)


def find_repeats(blocks: Iterable[NumberedKeys]) -> Iterator[NumberedKeys]:
    """Yield the repeats among the rows of one part, for each portion that has some; blocks come in any order."""
    in_order = sorted(blocks, key=lambda block: (block.portion, int(block.row[0])))
    keys = join_keys([block.keys for block in in_order])
    order = keys.order()
    repeats = np.sort(order[keys.select(order).again()])
    rows = np.concatenate([block.row for block in in_order])[repeats]
    portions = np.repeat([block.portion for block in in_order], [len(block.row) for block in in_order])[repeats]
    starts = np.flatnonzero(np.diff(portions, prepend=-1)).tolist()
    for start, end in pairwise([*starts, len(repeats)]):
        yield NumberedKeys(int(portions[start]), rows[start:end], keys.select(repeats[start:end]))


def join_repeats(blocks: Sequence[NumberedKeys]) -> NumberedKeys:
    """Return the repeats of a portion, which were found in several parts, in order."""
    row, keys = np.concatenate([block.row for block in blocks]), join_keys([block.keys for block in blocks])
    order = np.argsort(row)
    return NumberedKeys(blocks[0].portion, row[order], keys.select(order))


def join_keys(keys: Sequence[ReadingKeys]) -> ReadingKeys:
    """Return several keys as one, in their order."""
    return ReadingKeys(np.concatenate([one.event_us for one in keys]), np.concatenate([one.digest for one in keys]))


class _Plain(msgspec.Struct, array_like=True):
    """The fields of `NumberedKeys`; arrays are little-endian, 8 bytes each."""

    portion: int
    row: bytes
    event_us: bytes
    digest: bytes


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Plain)


def encode_numbered_keys(numbered: NumberedKeys) -> bytes:
    """Return keys of rows as versioned bytes."""
    event_us, digest = numbered.keys.event_us.astype("<i8"), numbered.keys.digest.astype("<u8")
    plain = _Plain(numbered.portion, numbered.row.astype("<i8").tobytes(), event_us.tobytes(), digest.tobytes())
    return frame(_FORMAT, pack(_ENCODER.encode(plain)))


def decode_numbered_keys(content: bytes) -> NumberedKeys:
    """Return the keys that were encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, packed = unframe("keys of readings", content, (_FORMAT,))
    plain = _DECODER.decode(unpack(packed))
    keys = ReadingKeys(np.frombuffer(plain.event_us, "<i8"), np.frombuffer(plain.digest, "<u8"))
    return NumberedKeys(plain.portion, np.frombuffer(plain.row, "<i8"), keys)
