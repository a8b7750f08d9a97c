"""Find and read files of dead letters, and identify each letter."""

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
"""Name of the input argument of the command line."""
_KIND: Final = "dead_letters"
_FORMATS: Final = (".jsonl", ".parquet")
_OTHER_KINDS: Final = KINDS.keys() - {_KIND}
_COLUMNS: Final = [field.name for field in msgspec.structs.fields(DeadLetter)]
_TIMES: Final = ("publish_time", "event_time")
_CONVERTED_ROWS: Final = 256  # letters converted to Python objects together
_IDENTITY_BYTES: Final = 16
_MOST_DIGITS: Final = 9  # of the attribute that states the number of rows


@dataclass(frozen=True, slots=True)
class Letter:
    """A decoded dead letter.

    Attributes:
        reason: reason of the rejection, one of `telemetry.model.dead_letters.Reason`.
        error: error text of the rejection.
        stage: stage that rejected it.
        payload: received bytes: one line, or the whole message.
        attributes: message attributes that fit the payload.
        message_id: id of the message.
        line: line number in the message, from 1; None for the whole message.
        publish_us: publish time, microseconds UTC; None for files.
        event_us: event time, microseconds UTC; None if it is not known.
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
        """Number of rows stated by the attributes, else 1."""
        stated = self.attributes.get(ROWS, "")
        return int(stated) if stated.isascii() and stated.isdecimal() and len(stated) <= _MOST_DIGITS else 1

    @property
    def identity(self) -> bytes:
        """Digest of 16 bytes that identifies the received content.

        The digest excludes reason and error, because a retried bundle can reject the same line at another watermark
        and with another text.
        """
        digest = blake2b(digest_size=_IDENTITY_BYTES)
        attributes = msgspec.json.encode(self.attributes, order="sorted")
        origin = f"{self.message_id} {self.line} {self.publish_us}".encode()
        for field in (origin, attributes, self.payload):
            digest.update(len(field).to_bytes(8, "big") + field)
        return digest.digest()

    @property
    def sort_key(self) -> tuple[int | None, str, int | None]:
        """Time, message id and line; a number at the end of the message id is padded to sort by value."""
        time_us = self.event_us if self.publish_us is None else self.publish_us
        return time_us, re.sub(r"[0-9]+\Z", lambda found: found[0].zfill(20), self.message_id), self.line


def find_files(paths: Iterable[str]) -> list[str]:
    """Return the files of dead letters at or below `paths` without duplicates, sorted within each path.

    A path is the output of a job (files of other kinds are ignored), a folder at or below dead_letters, or one file.

    Raises:
        ConfigError: if a path has no dead letters or cannot be listed.
    """
    found: dict[str, None] = {}
    for path in paths:
        try:
            files = _files_at(path)
            if not files:
                problem = f"contains no dead letters, no {' or '.join(_FORMATS)} file"
                raise ConfigError(INPUT, path, problem if exists(path) else "does not exist")
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
    # Whether a single object exists is known when it is read, because buckets only list what is below a path.
    return [path] if path.endswith(_FORMATS) and (scheme_of(path) or exists(path)) else []


class LetterFile:
    """Contents of a file of dead letters.

    Attributes:
        path: path of the file.
    """

    def __init__(self, path: str, table: pa.Table) -> None:
        """Keep the records of a file.

        Raises:
            ConfigError: if a text is not UTF-8.
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
        """Yield the stored records, with times in microseconds; `open` decodes them."""
        for batch in self._table.to_batches(max_chunksize=_CONVERTED_ROWS):
            yield from batch.to_pylist()

    def letter(self, row: int) -> Letter:
        """Return a letter by its row number, from 0; raise the errors of `open`."""
        return self.open(row, {name: column[row].as_py() for name, column in self._columns.items()})

    def open(self, row: int, stored: dict[str, Any]) -> Letter:
        """Decode a record.

        Raises:
            ConfigError: if the payload is not base64, or the attributes are not a JSON object of strings.
        """
        try:
            payload = base64.b64decode(stored["payload"], validate=True)
        except ValueError as error:
            raise ConfigError(INPUT, self.path, f"letter {row + 1}: its payload is not base64: {error}") from error
        try:
            attributes = msgspec.json.decode(stored["attributes"], type=dict[str, str])
        except msgspec.DecodeError as error:
            problem = f"letter {row + 1}: its attributes are not a JSON object of strings: {error}"
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
    """Yield the contents of files of dead letters in order.

    Raises:
        StorageError: if a file cannot be read or does not contain dead letters.
        ConfigError: if a file contains text that is not UTF-8.
    """
    for path, table in read_tables(_KIND, list(files), _COLUMNS):
        yield LetterFile(path, table)
