"""Which dead letters are sent, and in which order: known before the first of them leaves.

The files are read twice. The first time every letter is looked at, and what is kept of it is a few numbers and a digest
of 16 bytes, for duplicates, the order and the id of the run depend on all of them: a million letters take 400 MB,
whatever their size. The second time payloads are read in that order; a file is held from its first letter to its last.
The job partitions its files by the same time by which letters are ordered here, so that few files overlap: what is held
is at most the letters of an hour (or those without any time), and a batch of files that are read ahead from a bucket.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pyarrow as pa

from publisher.reprocess.letters import INPUT, Letter, LetterFile, read_letter_files
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError

TELEMETRY_STAGES: Final = frozenset({"decode", "aggregate"})
"""Stages whose letters are lines of telemetry."""
STAGES: Final = ("decode", "aggregate", "bigquery", "alerts")
_ENTRY: Final = pa.schema(
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
_ORDER: Final = [(name, "ascending") for name in ("time", "message", "line", "identity")]
_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class LetterChoice:
    """Which letters are wanted.

    Attributes:
        stages: of these stages.
        reasons: for these reasons; every reason if there is none.
    """

    stages: frozenset[str] = TELEMETRY_STAGES
    reasons: frozenset[str] = frozenset()

    def takes(self, reason: str, stage: str) -> bool:
        """Return whether a letter is wanted."""
        return stage in self.stages and (not self.reasons or reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Plan:
    """The letters that are to be sent.

    Attributes:
        files: all files.
        letters: where each letter is (``file``, its number in `files`, and ``row``), its ``reason``, and its size in
            ``rows`` and ``bytes`` of payload; in the order in which they are sent.
        run_id: known by the letters alone: the same letters have it again, wherever they are read from.
        read: letters in the files.
        duplicate: of them, wanted and stored more than once.
        skipped: of them, not wanted.
        complete: whether all files were read.
    """

    files: Sequence[str]
    letters: pa.Table
    run_id: str
    read: int
    duplicate: int
    skipped: int
    complete: bool

    @property
    def by_reason(self) -> dict[str, int]:
        """How many letters are to be sent, by reason, the most frequent first."""
        return dict(Counter(self.letters["reason"].to_pylist()).most_common())

    def total(self, column: str) -> int:
        """Return the ``rows`` or ``bytes`` of all letters."""
        return int(self.letters[column].to_numpy().sum())

    def examples(self) -> Iterator[Letter]:
        """Yield the first letter of each reason; raises what `in_order` raises."""
        reasons = self.letters["reason"].to_pylist()
        firsts = pa.array([reasons.index(reason) for reason in dict.fromkeys(reasons)], pa.int64())
        yield from _read(self.files, self.letters.take(firsts))

    def in_order(self) -> Iterator[Letter]:
        """Yield the letters.

        Raises:
            StorageError: if a file cannot be read any more.
        """
        yield from _read(self.files, self.letters)


def make_plan(files: Sequence[str], choice: LetterChoice, stopped: Callable[[], bool]) -> Plan:
    """Look at all letters.

    Args:
        files: where they are.
        choice: which of them are wanted.
        stopped: whether to end before all files are read.

    Raises:
        ConfigError: if a file is none of dead letters, or a wanted letter is damaged.
    """
    parts = [_ENTRY.empty_table()]
    entries: list[tuple[Any, ...]] = []
    read = skipped = done = 0
    try:
        for number, file in enumerate(read_letter_files(files)):
            for row, stored in enumerate(file.rows()):
                read += 1
                if not choice.takes(stored["reason"], stored["stage"]):
                    skipped += 1
                    continue
                letter = file.open(row, stored)
                size = len(letter.payload)
                entries.append((*letter.place, letter.identity, number, row, letter.reason, letter.rows, size))
                if len(entries) >= _AT_ONCE:
                    parts.append(_table(entries))
                    entries = []
            done += 1
            if stopped():
                break
    except StorageError as error:
        raise ConfigError(INPUT, error.path, error.problem) from error
    wanted = pa.concat_tables([*parts, _table(entries)]).unify_dictionaries().sort_by(_ORDER)
    letters = wanted.take(_firsts(wanted["identity"]))
    return Plan(
        files=files,
        letters=letters.select(["file", "row", "reason", "rows", "bytes"]),
        run_id=_name_run(letters["identity"]),
        read=read,
        duplicate=len(wanted) - len(letters),
        skipped=skipped,
        complete=done == len(files),
    )


def _table(entries: list[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*entries, strict=True)) or [()] * len(_ENTRY)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, _ENTRY, strict=True)], _ENTRY)


def _firsts(identities: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the index of the first of each identity, ascending."""
    codes = identities.combine_chunks().dictionary_encode().indices.to_numpy()  # numbered as they are met
    return np.unique(codes, return_index=True)[1]


def _name_run(identities: pa.ChunkedArray) -> str:
    digest = blake2b(digest_size=8)
    for identity in sorted(identities.to_pylist()):
        digest.update(identity)
    return f"reprocess-{digest.hexdigest()}"


def _read(files: Sequence[str], letters: pa.Table) -> Iterator[Letter]:
    where = letters["file"].to_numpy().tolist()
    left = Counter(where)
    opened = read_letter_files(files[number] for number in left)  # which counts in the order of first use
    held: dict[int, LetterFile] = {}
    for number, row in zip(where, letters["row"].to_numpy().tolist(), strict=True):
        if number not in held:
            held[number] = next(opened)
        yield held[number].letter(row)
        left[number] -= 1
        if not left[number]:
            del held[number]
