"""Plan which dead letters are resent, and in which order, before the first is sent.

The files are read twice. Duplicates, order and run id depend on all letters, so the first pass keeps a few numbers
and a digest of 16 bytes for each letter: a million letters take 400 MB, whatever their size. The second pass reads the
payloads in order and keeps each file in memory from its first letter to its last. Files of the job are partitioned
by the time that orders the letters, so few files overlap: memory holds at most the letters of one hour (or those
without a time), and a batch of files prefetched from a bucket.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from publisher.reprocess.letter_feed import LetterFeed
from publisher.reprocess.letters import INPUT, Letter, LetterFile, read_letter_files
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError

TELEMETRY_STAGES: Final = frozenset({"decode", "aggregate"})
"""Stages whose letters are telemetry."""
STAGES: Final = ("decode", "aggregate", "bigquery", "alerts")
_SCHEMA: Final = pa.schema(
    [
        ("time", pa.int64()),
        ("message", pa.string()),
        ("line", pa.int64()),
        ("identity", pa.binary(16)),
        ("file", pa.int32()),
        ("row", pa.int32()),
        ("reason", pa.dictionary(pa.int32(), pa.string())),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
    ]
)
_SORT_KEYS: Final = [(name, "ascending") for name in ("time", "message", "line", "identity")]
_TABLE_ROWS: Final = 10_000  # entries collected before they are packed into a table


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """Selection of letters.

    Attributes:
        stages: selected stages.
        reasons: selected reasons; empty for all reasons.
    """

    stages: frozenset[str] = TELEMETRY_STAGES
    reasons: frozenset[str] = frozenset()

    def includes(self, reason: str, stage: str) -> bool:
        """Return whether a letter is selected."""
        return stage in self.stages and (not self.reasons or reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Plan:
    """Letters to send, in order.

    Attributes:
        files: paths of all files.
        letters: one row per letter in sending order: ``file`` (index in `files`), ``row``, ``reason``, and the number
            of ``rows`` and ``bytes`` of its payload.
        run_id: hash of the letters and of the feed, independent of where they are stored.
        read: number of letters in the files.
        duplicate: number of selected letters that repeat another one.
        skipped: number of letters that are not selected.
        complete: whether all files were read.
        feed: says how the payloads of letters become readings; None if they are sent as they are.
    """

    files: Sequence[str]
    letters: pa.Table
    run_id: str
    read: int
    duplicate: int
    skipped: int
    complete: bool
    feed: LetterFeed | None = None

    @property
    def by_reason(self) -> dict[str, int]:
        """Number of letters to send by reason, in descending order."""
        return dict(Counter(self.letters["reason"].to_pylist()).most_common())

    def total(self, column: Literal["rows", "bytes"]) -> int:
        """Return the number of rows or bytes in all letters as they are sent; with a feed, they are read for it."""
        if self.feed is None:
            return int(self.letters[column].to_numpy().sum())
        return sum(letter.rows if column == "rows" else len(letter.payload) for letter in self.in_order())

    def examples(self) -> Iterator[Letter]:
        """Yield the first letter of each reason; raise the errors of `in_order`."""
        reasons = self.letters["reason"].to_pylist()
        firsts = pa.array([reasons.index(reason) for reason in dict.fromkeys(reasons)], pa.int64())
        yield from self._sent(_read(self.files, self.letters.take(firsts)))

    def in_order(self) -> Iterator[Letter]:
        """Yield the letters in sending order.

        Raises:
            StorageError: if a file can no longer be read.
        """
        yield from self._sent(_read(self.files, self.letters))

    def _sent(self, letters: Iterator[Letter]) -> Iterator[Letter]:
        return letters if self.feed is None else self.feed.rewrite(letters)


def make_plan(
    files: Sequence[str], choice: LetterChoice, stopped: Callable[[], bool], feed: LetterFeed | None = None
) -> Plan:
    """Read all letters and plan their order.

    Args:
        files: paths of the files.
        choice: selection of letters.
        stopped: returns whether to end before all files are read.
        feed: says how the payloads of letters become readings; None to send them as they are.

    Raises:
        ConfigError: if a file does not contain dead letters, or a selected letter is damaged.
    """
    tables = [_SCHEMA.empty_table()]
    entries: list[tuple[Any, ...]] = []
    read = skipped = done = 0
    try:
        for number, file in enumerate(read_letter_files(files)):
            for row, stored in enumerate(file.rows()):
                read += 1
                if not choice.includes(stored["reason"], stored["stage"]):
                    skipped += 1
                    continue
                letter = file.open(row, stored)
                size = len(letter.payload)
                entries.append((*letter.sort_key, letter.identity, number, row, letter.reason, letter.rows, size))
                if len(entries) >= _TABLE_ROWS:
                    tables.append(_table(entries))
                    entries = []
            done += 1
            if stopped():
                break
    except StorageError as error:
        raise ConfigError(INPUT, error.path, error.problem) from error
    selected = pa.concat_tables([*tables, _table(entries)]).unify_dictionaries().sort_by(_SORT_KEYS)
    letters = selected.take(_first_indices(selected["identity"]))
    return Plan(
        files=files,
        letters=letters.select(["file", "row", "reason", "rows", "bytes"]),
        run_id=_name_run(letters["identity"], b"" if feed is None else feed.identity),
        read=read,
        duplicate=len(selected) - len(letters),
        skipped=skipped,
        complete=done == len(files),
        feed=feed,
    )


def _table(entries: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*entries, strict=True)) or [()] * len(_SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], _SCHEMA)


def _first_indices(identities: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the index of the first occurrence of each identity, in ascending order."""
    codes = identities.combine_chunks().dictionary_encode().indices.to_numpy()  # assigned in order of appearance
    return np.unique(codes, return_index=True)[1]


def _name_run(identities: pa.ChunkedArray, feed: bytes) -> str:
    digest = blake2b(feed, digest_size=8)
    for identity in sorted(identities.to_pylist()):
        digest.update(identity)
    return f"reprocess-{digest.hexdigest()}"


def _read(files: Sequence[str], letters: pa.Table) -> Iterator[Letter]:
    file_numbers = letters["file"].to_numpy().tolist()
    letters_left = Counter(file_numbers)
    opened = read_letter_files(files[number] for number in letters_left)  # in order of first use
    in_memory: dict[int, LetterFile] = {}
    for number, row in zip(file_numbers, letters["row"].to_numpy().tolist(), strict=True):
        if number not in in_memory:
            in_memory[number] = next(opened)
        yield in_memory[number].letter(row)
        letters_left[number] -= 1
        if not letters_left[number]:
            del in_memory[number]
