"""Aggregate a portion of bounded input in few large tables, which are small to shuffle and independent of bundles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from transforms.shuffle.versioned import frame, unframe
from transforms.windows.aggregate_table import AggregateTable, merge_tables, split_table
from transforms.windows.table_bytes import decode_table, encode_table

_FORMAT: Final = 1  # `PortionAggregate` in msgpack, its fields as an array
_MAX_TABLES: Final = 16
MAX_GROUPS: Final = 100_000
"""Groups of a portion that are held; some 40 MB for five metrics."""


class PortionAggregate(msgspec.Struct, frozen=True, array_like=True):
    """Partial aggregates of a portion for one shard and hour bucket.

    Attributes:
        portion: number of the portion of the input.
        sequence: number of the table within the portion.
        table: an encoded table, which is not in memory before it is decoded where a job spills.
    """

    portion: int
    sequence: int
    table: bytes


@dataclass(slots=True)
class PortionAggregator:
    """Merge the tables of one portion after the other, and divide them by shard and hour bucket.

    Attributes:
        shards: number of shards that devices are divided into.
        hour_bucket_us: length of an hour bucket, microseconds.
        max_groups: number of groups that are held at most; more are handed on before the portion ends.
        portion: number of the portion that is being read.
        sequence: number of tables of the portion that were handed on.
        tables: tables that are held.
    """

    shards: int
    hour_bucket_us: int
    max_groups: int = MAX_GROUPS
    portion: int = 0
    sequence: int = 0
    tables: list[AggregateTable] = field(default_factory=list)

    def add(self, portion: int, table: AggregateTable) -> Iterator[tuple[int, int, PortionAggregate]]:
        """Take a table of a portion; yields (shard, number of the hour bucket, partial aggregates) of earlier ones."""
        if portion != self.portion:
            yield from self.flush()
            self.portion, self.sequence = portion, 0
        self.tables.append(table)
        if len(self.tables) >= _MAX_TABLES:
            self.tables = [merge_tables(self.tables)]
            if len(self.tables[0]) >= self.max_groups:
                yield from self.flush()

    def flush(self) -> Iterator[tuple[int, int, PortionAggregate]]:
        """Yield (shard, number of the hour bucket, partial aggregates) for all that is held."""
        if not self.tables:
            return
        for shard, bucket, table in split_table(merge_tables(self.tables), self.shards, self.hour_bucket_us):
            yield shard, bucket, PortionAggregate(self.portion, self.sequence, encode_table(table))
        self.tables, self.sequence = [], self.sequence + 1


def merge_portions(partials: Iterable[PortionAggregate]) -> AggregateTable:
    """Return one table of all partial aggregates, merged in the order of the input.

    The last digit of a sum depends on that order, the order in which a runner delivers does not matter.
    """
    in_order = sorted(partials, key=lambda partial: (partial.portion, partial.sequence))
    return merge_tables([decode_table(partial.table) for partial in in_order])


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(PortionAggregate)


def encode_portion(partial: PortionAggregate) -> bytes:
    """Return partial aggregates of a portion as versioned bytes."""
    return frame(_FORMAT, _ENCODER.encode(partial))


def decode_portion(content: bytes) -> PortionAggregate:
    """Return the partial aggregates that were encoded.

    Raises:
        FormatError: if the bytes are in a format that this version does not know.
    """
    _, encoded = unframe("partial aggregates of a portion", content, (_FORMAT,))
    return _DECODER.decode(encoded)
