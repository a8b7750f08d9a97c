"""Dead letters in files: where they are, what one says, and by what it is known."""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec
import pyarrow as pa

from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS
from telemetry.model.messages import ROWS
from telemetry.model.records import DeadLetter
from telemetry.storage.files import StorageError, exists, join, list_files, scheme_of
from telemetry.storage.result_store import read_tables

INPUT: Final = "DEAD_LETTERS"
"""How the command line calls what is read."""
_KIND: Final = "dead_letters"
_FORMATS: Final = (".jsonl", ".parquet")
_OTHER_KINDS: Final = KINDS.keys() - {_KIND}
_COLUMNS: Final = [field.name for field in msgspec.structs.fields(DeadLetter)]
_TIMES: Final = ("publish_time", "event_time")
_AT_ONCE: Final = 256  # letters turned into Python objects together
_IDENTITY_BYTES: Final = 16
_MOST_DIGITS: Final = 9  # of the number of rows in a message


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, opened.

    Attributes:
        reason: why it is dead, one of `telemetry.model.dead_letters.Reason`.
        error: the same for a person.
        stage: the step that gave it up.
        payload: what was received, byte for byte: one line, or the whole message.
        attributes: those with which the payload is a valid message.
        message_id: of the message it came in.
        line: its line in that message, from 1; None if it is all of it.
        publish_us: when Pub/Sub received it, microseconds UTC; None for files.
        event_us: its event time where it is known, microseconds UTC.
    """

    reason: str
    error: str
    stage: str
    payload: bytes
    attributes: dict[str, str]
    message_id: str
    line: int | None
    publish_us: int | None
    event_us: int | None

    @property
    def rows(self) -> int:
        """How many rows it stands for: as its attributes tell, else 1."""
        told = self.attributes.get(ROWS, "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS else 1

    @property
    def identity(self) -> bytes:
        """16 bytes by which what was received is known.

        The reason and the error are no part of it: a line that a retried bundle rejects again can meet another
        watermark, and with it another text, and is the same line.
        """
        digest = blake2b(digest_size=_IDENTITY_BYTES)
        attributes = msgspec.json.encode(self.attributes, order="sorted")
        origin = f"{self.message_id} {self.line} {self.publish_us}".encode()
        for part in (origin, attributes, self.payload):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    @property
    def place(self) -> tuple[int | None, str, int | None]:
        """Where it comes among others: its time, its message, its line. A number at the end of an id counts as one."""
        time_us = self.event_us if self.publish_us is None else self.publish_us
        return time_us, re.sub(r"[0-9]+\Z", lambda found: found[0].zfill(20), self.message_id), self.line


def find_files(paths: Iterable[str]) -> list[str]:
    """Return the files of dead letters at or below some paths, each once, sorted within a path.

    A path is a job's output (anomalies and what else lies there are passed over), a folder of dead letters or
    any folder of them, or one file.

    Raises:
        ConfigError: if there is none at one of them, or it cannot be listed.
    """
    found: dict[str, None] = {}
    for path in paths:
        try:
            files = _files_at(path)
            if not files:
                nothing = f"no dead letters in it, no {' or '.join(_FORMATS)} file"
                raise ConfigError(INPUT, path, nothing if exists(path) else "does not exist")
        except StorageError as error:
            raise ConfigError(INPUT, error.path, error.problem) from error
        found.update(dict.fromkeys(files))
    return list(found)


def _files_at(path: str) -> list[str]:
    own = list_files(join(path, _KIND), _FORMATS)
    if own:
        return own
    below = list_files(path, _FORMATS)
    if below:
        return [file for file in below if not _OTHER_KINDS & set(file.removeprefix(path).split("/"))]
    # That a single object is there is seen when it is read: a bucket lists only what is below a path.
    return [path] if path.endswith(_FORMATS) and (scheme_of(path) or exists(path)) else []


class LetterFile:
    """A file of dead letters, read.

    Attributes:
        path: its path.
    """

    def __init__(self, path: str, table: pa.Table) -> None:
        """Keep its records.

        Raises:
            ConfigError: if a text in it is not UTF-8.
        """
        self.path = path
        try:
            table.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ConfigError(INPUT, path, str(error).splitlines()[0]) from error
        plain = [field.with_type(pa.int64()) if field.name in _TIMES else field for field in table.schema]
        self._table = table.cast(pa.schema(plain)).combine_chunks()
        self._columns = {name: self._table[name] for name in _COLUMNS}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each record as it is stored, times as microseconds; see `open`."""
        for batch in self._table.to_batches(max_chunksize=_AT_ONCE):
            yield from batch.to_pylist()

    def letter(self, row: int) -> Letter:
        """Return a letter by its number, from 0; raises what `open` raises."""
        return self.open(row, {name: column[row].as_py() for name, column in self._columns.items()})

    def open(self, row: int, stored: dict[str, Any]) -> Letter:
        """Return a record as a letter.

        Raises:
            ConfigError: if its payload is not base64, or its attributes are no JSON object of strings.
        """
        try:
            payload = base64.b64decode(stored["payload"], validate=True)
        except ValueError as error:
            raise ConfigError(INPUT, self.path, f"letter {row + 1}: its payload is not base64: {error}") from error
        try:
            attributes = msgspec.json.decode(stored["attributes"], type=dict[str, str])
        except msgspec.DecodeError as error:
            problem = f"letter {row + 1}: its attributes are no JSON object of strings: {error}"
            raise ConfigError(INPUT, self.path, problem) from error
        return Letter(
            reason=stored["reason"],
            error=stored["error"],
            stage=stored["stage"],
            payload=payload,
            attributes=attributes,
            message_id=stored["message_id"],
            line=stored["line"],
            publish_us=stored["publish_time"],
            event_us=stored["event_time"],
        )


def read_letter_files(files: Iterable[str]) -> Iterator[LetterFile]:
    """Yield files of dead letters in order, read.

    Raises:
        StorageError: at the first that cannot be read, or is none.
        ConfigError: at the first that holds text that is not UTF-8.
    """
    for path, table in read_tables(_KIND, list(files), _COLUMNS):
        yield LetterFile(path, table)
