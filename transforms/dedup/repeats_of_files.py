"""Remove the repeats of bounded input: find them by the keys of all rows, then drop them by their numbers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
import numpy as np
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from telemetry.errors import InputChangedError
from telemetry.model.message_batch import MessageBatch
from telemetry.model.reading_batch import ReadingBatch
from transforms import counters
from transforms.decode.codec import decode_parts
from transforms.decode.decode_spec import DecodeSpec
from transforms.dedup.reading_keys import ReadingKeys, reading_keys
from transforms.dedup.repeated_rows import (
    NumberedKeys,
    decode_numbered_keys,
    encode_numbered_keys,
    find_repeats,
    join_keys,
    join_repeats,
    split_keys,
)

REPEATS: Final = "repeats"
_GATHERED_ROWS: Final = 500_000


@dataclass
class GatherKeys(beam.DoFn):
    """Decode the messages of a bundle for the keys of their readings, and gather those by part; count nothing.

    A bundle has a portion from its beginning to its end, as everywhere in a job on files.
    """

    spec: DecodeSpec
    keys: list[ReadingKeys] = field(default_factory=list)
    portion: int = -1
    first: int = 0
    rows: int = 0

    def start_bundle(self) -> None:
        """Begin without rows."""
        self.keys, self.portion, self.first, self.rows = [], -1, 0, 0

    def process(self, messages: MessageBatch) -> Iterator[tuple[int, bytes]]:
        """Take messages; yield the keys of earlier ones."""
        if messages.portion != self.portion:
            yield from self._flush()
            self.portion, self.first = messages.portion, 0
        for decoded in decode_parts(messages, self.spec):
            if decoded.readings is not None:
                self.keys.append(reading_keys(decoded.readings))
                self.rows += len(decoded.readings)
        if self.rows >= _GATHERED_ROWS:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yield the keys that are left."""
        for keyed in self._flush():
            yield WindowedValue(keyed, MIN_TIMESTAMP, (GlobalWindow(),))

    def _flush(self) -> Iterator[tuple[int, bytes]]:
        if not self.keys:
            return
        numbers = np.arange(self.first, self.first + self.rows)
        for part, numbered in split_keys(NumberedKeys(self.portion, numbers, join_keys(self.keys))):
            yield part, encode_numbered_keys(numbered)
        self.keys, self.first, self.rows = [], self.first + self.rows, 0


@dataclass
class FindRepeats(beam.DoFn):
    """Find the repeats among the keys of a part."""

    def process(self, keyed: tuple[int, Iterable[bytes]]) -> Iterator[bytes]:
        """Yield the repeats of each portion."""
        return map(encode_numbered_keys, find_repeats(map(decode_numbered_keys, keyed[1])))


@dataclass
class DropNumberedRows(beam.DoFn):
    """Divide the readings of a bundle, which has portions from their beginnings to their ends, by their numbers."""

    found: dict[int, NumberedKeys] | None = None
    portion: int = -1
    first: int = 0

    def start_bundle(self) -> None:
        """Begin without a portion."""
        self.found, self.portion, self.first = None, -1, 0

    def process(self, batch: ReadingBatch, repeats: Iterable[bytes]) -> Iterator[Any]:
        """Yield the readings of a batch that stay, and those that do not."""
        if self.found is None:
            self.found = _by_portion(repeats)
        if batch.messages.portion != self.portion:
            self.portion, self.first = batch.messages.portion, 0
        repeated = self.found.get(self.portion)
        rows = np.empty(0, np.int64) if repeated is None else self._rows(batch, repeated)
        self.first += len(batch)
        if not len(rows):
            yield batch
        else:
            is_new = np.ones(len(batch), np.bool_)
            is_new[rows] = False
            if is_new.any():
                yield batch.select(is_new)
            yield beam.pvalue.TaggedOutput(REPEATS, batch.select(rows))
        count_repeats(len(batch) - len(rows), len(rows))

    def _rows(self, batch: ReadingBatch, repeated: NumberedKeys) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the indices of the repeats of a batch.

        Raises:
            InputChangedError: if other readings have their numbers now: nothing is removed that is not a repeat.
        """
        start, end = np.searchsorted(repeated.row, [self.first, self.first + len(batch)])
        rows = repeated.row[start:end] - self.first
        expected, keys = repeated.keys.select(slice(start, end)), reading_keys(batch.select(rows))
        if not (np.array_equal(keys.event_us, expected.event_us) and np.array_equal(keys.digest, expected.digest)):
            raise InputChangedError("--input: has changed while --dedup-readings read it for the second time")
        return rows


def count_repeats(new: int, repeats: int) -> None:
    """Count the readings of a batch: those that pass are the decoded ones, see `DecodeMessages.counts_rows`."""
    if new:
        counters.count(counters.ROWS_DECODED, new)
    if repeats:
        counters.count(counters.ROWS_DUPLICATE, repeats)


def _by_portion(repeats: Iterable[bytes]) -> dict[int, NumberedKeys]:
    blocks: dict[int, list[NumberedKeys]] = defaultdict(list)
    for block in map(decode_numbered_keys, repeats):
        blocks[block.portion].append(block)
    return {portion: join_repeats(of) for portion, of in blocks.items()}
