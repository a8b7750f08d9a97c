"""Append records to a journal, and read them again after a crash.

A journal is a row of segments, ``journal-<number of the first record>``. A record is its length and a checksum, four
bytes each, and its content. It counts once it is whole and on the disk; a crash leaves at most one torn record, the
last of its segment, of which nobody was told.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.local.state.files import StateError, state_error
from pipeline.local.state.records import Record, decode_record, encode_record
from telemetry.storage.sync import sync_path

_PREFIX: Final = "journal-"
_HEAD: Final = struct.Struct("<II")


class Journal:
    """The segment that is written; a new one for each process and each snapshot.

    Attributes:
        number: of the next record.
        size: bytes written to the segment.
    """

    def __init__(self, folder: Path, number: int) -> None:
        """Begin no segment yet; `number` is that of the first record to write."""
        self._folder = folder
        self._descriptor: int | None = None
        self.number = number
        self.size = 0

    def append(self, record: Record) -> None:
        """Write a record; when this returns it survives a loss of power.

        Raises:
            StateError: if it cannot be written.
        """
        content = encode_record(record)
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            _write_all(self._descriptor, _HEAD.pack(len(content), zlib.crc32(content)) + content)
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise state_error(self._folder, error) from error
        self.number += 1
        self.size += _HEAD.size + len(content)

    def cut(self) -> int:
        """End the segment, and return the number of the first record that the next one will hold."""
        self.close()
        return self.number

    def close(self) -> None:
        """Close the segment."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self.size = None, 0

    def _open(self) -> int:
        path = self._folder / f"{_PREFIX}{self.number:016d}"
        # A segment of this number can only hold a torn record: it would have another number otherwise.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        sync_path(self._folder)
        return descriptor


def segments_of(folder: Path) -> dict[int, Path]:
    """Return the segments of a folder by the number of their first records, in order."""
    found = ((path.name.removeprefix(_PREFIX), path) for path in folder.glob(f"{_PREFIX}*"))
    return dict(sorted((int(number), path) for number, path in found if number.isdigit()))


def read_journal(folder: Path, first: int) -> Iterator[tuple[int, Record]]:
    """Yield (number, record) for each record from the one with the number `first` on.

    Raises:
        StateError: if a record in between is missing or damaged.
        FormatError: if a record was written by another version of the job.
    """
    expected = first
    for start, path in segments_of(folder).items():
        number = start
        for content in _read_segment(path):
            if number >= first:
                if number != expected:
                    raise StateError(f"--state {folder}: records {expected} to {number - 1} are missing")
                yield number, decode_record(content)
                expected += 1
            number += 1


def _read_segment(path: Path) -> Iterator[bytes]:
    """Yield the records of a segment up to the first that is not whole.

    Raises:
        StateError: if a whole one follows it.
    """
    with open(path, "rb") as file:
        while (content := _read_record(file)) is not None:
            yield content
        if _read_record(file) is not None:  # only the last record can be torn
            raise StateError(f"--state {path.parent}: a record in {path.name} is damaged")


def _read_record(file: BinaryIO) -> bytes | None:
    """Read the next record; None if it is not whole."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, checksum = _HEAD.unpack(head)
    content = file.read(size)
    return content if size and len(content) == size and zlib.crc32(content) == checksum else None


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # a nearly full disk takes a part
        rest = rest[os.write(descriptor, rest) :]
