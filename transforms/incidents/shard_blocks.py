"""Encode blocks of a shard's rows of bounded input on their way to it, and keep them there until they are judged."""

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from transforms.incidents.rows_bytes import ShardRows, decode_shard_rows, encode_shard_rows
from transforms.incidents.time_slices import TimeBlock, cut_run
from transforms.incidents.watched_rows import WatchedRows
from transforms.series.track import NONE_US
from transforms.shuffle.spill import Spill, Spilled
from transforms.shuffle.versioned import frame, unframe

_FORMAT: Final = 1  # `ShardBlock` in msgpack, its fields as an array
_HELD_BYTES: Final = 64 << 20
"""Encoded blocks of a shard that are held in memory; a job that spills what it shuffles only holds where they are."""
_Rows = bytes | Spilled


class ShardBlock(msgspec.Struct, frozen=True, array_like=True):
    """A block of one run of a shard.

    Attributes:
        run: where the run stands among those of the input.
        number: of the block in its run.
        first_us: earliest event time in it, microseconds UTC; `NONE_US` if it only tells the shard that there is one.
        rows: encoded rows, which are not in memory before they are decoded where a job spills.
    """

    run: tuple[int, int]
    number: int
    first_us: int
    rows: bytes


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(ShardBlock)


def encode_run(rows: WatchedRows, run: tuple[int, int]) -> Iterator[bytes]:
    """Yield the blocks of a run as versioned bytes; one block for a run without rows."""
    blocks = list(cut_run(rows)) or [TimeBlock(NONE_US, rows)]
    for number, block in enumerate(blocks):
        content = encode_shard_rows(ShardRows(block.rows, NONE_US))
        yield frame(_FORMAT, _ENCODER.encode(ShardBlock(run, number, block.first_us, content)))


def decode_block(content: bytes) -> ShardBlock:
    """Return the block that was encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, encoded = unframe("block of watched readings", content, (_FORMAT,))
    return _DECODER.decode(encoded)


class HeldBlocks:
    """Blocks of a shard: in memory up to a limit, and then in a file. Use it in a ``with`` statement."""

    def __init__(self, held_bytes: int = _HELD_BYTES) -> None:
        """Begin without a block."""
        self._room = held_bytes
        self._runs: dict[tuple[int, int], dict[int, TimeBlock[_Rows]]] = defaultdict(dict)
        self._spill: Spill | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> "HeldBlocks":
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._resources.close()

    def add(self, contents: Iterable[bytes]) -> None:
        """Take encoded blocks, in any order."""
        for content in contents:
            block = decode_block(content)
            if block.first_us != NONE_US:
                self._runs[block.run][block.number] = TimeBlock(block.first_us, self._kept(block.rows))

    def runs(self) -> list[list[TimeBlock[_Rows]]]:
        """Return the blocks of each run in order, and the runs in the order of the input."""
        return [[block for _, block in sorted(blocks.items())] for _, blocks in sorted(self._runs.items())]

    def load(self, rows: _Rows) -> WatchedRows:
        """Return the rows of a block."""
        if isinstance(rows, bytes):
            return decode_shard_rows(rows).rows
        assert self._spill is not None, "a block in a file was written there"
        return decode_shard_rows(self._spill.get(rows)).rows

    def _kept(self, rows: bytes) -> _Rows:
        """Return encoded rows, or where they are in the file."""
        if len(rows) <= self._room:
            self._room -= len(rows)
            return rows
        if self._spill is None:
            self._spill = Spill(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-blocks-")))
            self._resources.callback(self._spill.close)
        return self._spill.put(rows)
