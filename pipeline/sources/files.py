"""Read files as messages: chunks of whole lines, cut from byte ranges that can be read in parallel.

The files alone decide which rows share batches and sums: they are divided into portions, each of which one worker reads
from its beginning to its end. Results are therefore the same for any number of workers.
"""

import codecs
import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from telemetry.errors import ConfigError
from telemetry.model.messages import CONTENT_ENCODING, LINE_BYTES, MAX_LINE_BYTES, Message
from telemetry.storage.buckets import check_extra
from telemetry.storage.paths import StorageError
from telemetry.storage.unpacking import SUFFIXES as PACKED
from telemetry.storage.unpacking import inner_name, is_packed, unpacked
from transforms.decode.collect_messages import CollectMessages

_CHUNK: Final = 1 << 20
MAX_HEADER_BYTES: Final = 65_536
"""Longest header of a CSV file."""
_RANGE: Final = 32 << 20
_BARE_GLOB: Final = re.compile(r"[^/\[*?]*[\[*?]")
"""Glob without a folder before its first wildcard: Beam lists no folder for it, not even the current one."""
_SUFFIXES: Final = {".csv": True, ".jsonl": False, ".ndjson": False, ".json": False}


class FileRange(NamedTuple):
    """Lines that begin in [start, end) of a file; `columns` is the header of CSV.

    A packed file is one range, whose end is not known and therefore None.
    """

    path: str
    start: int
    end: int | None
    columns: tuple[str, ...] | None


class Portion(NamedTuple):
    """Ranges that one worker reads together, and a number that identifies the portion."""

    number: int
    ranges: tuple[FileRange, ...]


class ReadFiles(beam.PTransform):
    """Read files as messages of whole lines.

    Bounded, in the global window, without timestamps. The lines of a file that changes while it is read are
    undefined.
    """

    def __init__(self, portions: Sequence[Portion], *, spread: bool = False) -> None:
        """Read these portions (see `plan_portions`); `spread` distributes them among several workers."""
        super().__init__()
        self.portions = list(portions)
        self.spread = spread

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        """Return a PCollection of MessageBatch."""
        portions = pbegin | "Portions" >> beam.Create(self.portions, reshuffle=self.spread)
        chunks = portions | "Read" >> beam.FlatMap(read_portion).with_output_types(Message)
        return chunks | "Chunks" >> CollectMessages()


def plan_portions(globs: Sequence[str]) -> list[Portion]:
    """Return the input in portions of about 32 MB; each compressed file is one portion.

    Raises:
        ConfigError: see `plan_ranges`.
    """
    portions: list[list[FileRange]] = []
    room = 0
    for part in plan_ranges(globs, _RANGE):
        size = _RANGE if part.end is None else part.end - part.start
        if size > room:
            portions.append([])
            room = _RANGE
        portions[-1].append(part)
        room -= size
    return [Portion(number, tuple(ranges)) for number, ranges in enumerate(portions)]


def is_input(path: str) -> bool:
    """Return whether a path or glob is one of files that the job reads, by its end."""
    return path.lower().endswith((*_SUFFIXES, *PACKED))


def plan_ranges(globs: Sequence[str], range_bytes: int = _RANGE) -> list[FileRange]:
    """Return the ranges of the input.

    Raises:
        ConfigError: for a glob that matches nothing, a file of unknown kind, or CSV without ts and device.
    """
    ranges: list[FileRange] = []
    for glob in globs:
        here = "./" if _BARE_GLOB.match(glob) else ""
        try:
            check_extra(glob)
            (found,) = FileSystems.match([here + glob])
        except StorageError as error:
            raise ConfigError("--input", glob, error.problem) from error
        except (BeamIOError, ValueError) as error:
            raise ConfigError("--input", glob, f"cannot be listed: {error}") from error
        if not found.metadata_list:
            raise ConfigError("--input", glob, "no such file")
        for metadata in sorted(found.metadata_list, key=lambda entry: str(entry.path)):
            ranges.extend(_plan_file(metadata.path.removeprefix(here), metadata.size_in_bytes, range_bytes))
    return ranges


def _plan_file(path: str, size: int, range_bytes: int) -> list[FileRange]:
    packed, name = _look_at(path)
    is_csv = next((known for suffix, known in _SUFFIXES.items() if name.lower().endswith(suffix)), None)
    if is_csv is None:
        raise ConfigError("--input", path, f"not one of {', '.join(_SUFFIXES)}, plain or packed ({', '.join(PACKED)})")
    columns = _read_header(path) if is_csv else None
    if packed:
        return [FileRange(path, 0, None, columns)]
    return [FileRange(path, start, min(start + range_bytes, size), columns) for start in range(0, size, range_bytes)]


def _look_at(path: str) -> tuple[bool, str]:
    """Return whether a file is packed, by its content, and the name of what it holds."""
    try:
        with _open_raw(path) as raw:
            return is_packed(raw), inner_name(raw, path)
    except StorageError as error:
        raise ConfigError("--input", path, error.problem) from error
    except (OSError, BeamIOError) as error:
        raise ConfigError("--input", path, f"cannot be read: {error}") from error


def _read_header(path: str) -> tuple[str, ...]:
    try:
        with _open(path) as file:
            line = file.readline(MAX_HEADER_BYTES + 1)
    except (OSError, EOFError, BeamIOError, zlib.error) as error:
        raise ConfigError("--input", path, f"cannot be read: {error}") from error
    if len(line) > MAX_HEADER_BYTES:
        raise ConfigError("--input", path, f"its header is longer than {MAX_HEADER_BYTES:,} bytes")
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError as error:
        raise ConfigError("--input", path, "its header is not UTF-8") from error
    try:
        columns = tuple(next(csv.reader([text]), []))
    except csv.Error as error:
        raise ConfigError("--input", path, f"its header is no line of CSV: {error}") from error
    for needed in ("ts", "device"):
        if columns.count(needed) != 1:
            shown = ", ".join(columns)[:200] or "nothing"
            raise ConfigError("--input", path, f"its header needs one column {needed!r}, it has: {shown}")
    if len(set(columns)) != len(columns):
        raise ConfigError("--input", path, "its header names a column twice")
    return columns


def _open(path: str) -> io.BufferedIOBase:
    return unpacked(_open_raw(path), path)


def _open_raw(path: str) -> io.BufferedReader:
    raw = FileSystems.open(path, "application/octet-stream", "uncompressed")
    return raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)


def read_portion(portion: Portion) -> Iterator[Message]:
    """Yield the lines of a portion, range after range; see `read_range`."""
    for part in portion.ranges:
        yield from read_range(part, portion.number)


def read_range(part: FileRange, portion: int = 0) -> Iterator[Message]:
    """Yield the lines of a range in chunks of about a megabyte; ids are ``path@offset of the chunk``.

    A line that is longer than any that is decoded is not collected: a message of its own has its beginning, and its
    length in the attribute `LINE_BYTES`.
    """
    with _open(part.path) as file:
        position = _first_line(file, part)
        rest = b""
        while part.end is None or position < part.end:
            block, broken = _read_block(file)
            if broken:
                yield _broken(part, position + len(rest), portion)
            content = rest + block
            cut = len(content) if not block else content.rfind(b"\n") + 1
            if block and part.end is not None and position + cut > part.end:
                cut = content.find(b"\n", max(part.end - position - 1, 0)) + 1  # the line across the end belongs here
            if cut:
                yield Message(content[:cut], {}, f"{part.path}@{position}", columns=part.columns, portion=portion)
            position, rest = position + cut, content[cut:]
            if not block:
                return
            begins_here = part.end is None or position < part.end  # else the rest is of the next range
            if begins_here and len(rest) > MAX_LINE_BYTES:
                most = None if part.end is None else part.end - position
                length, behind, broken = _pass_line(file, len(rest), most)
                told = {LINE_BYTES: f"{length}" if behind or not most else f"at least {length}"}
                yield Message(
                    rest[: MAX_LINE_BYTES + 1], told, f"{part.path}@{position}", columns=part.columns, portion=portion
                )
                position, rest = position + length + 1, behind
                if broken:
                    yield _broken(part, position, portion)


def _broken(part: FileRange, position: int, portion: int) -> Message:
    """Return a message that cannot be opened, for a compressed file that is broken there."""
    return Message(b"", {CONTENT_ENCODING: "gzip"}, f"{part.path}@{position}", portion=portion)


def _pass_line(file: io.BufferedIOBase, length: int, most: int | None) -> tuple[int, bytes, bool]:
    """Read to the end of a line without keeping it.

    Args:
        file: to read from.
        length: bytes of the line that were read.
        most: length of the line at which its end does not matter any more.

    Returns:
        The length of the line as far as it was read, the bytes behind it, and whether the file is broken.
    """
    while most is None or length < most:
        block, broken = _read_block(file)
        end = block.find(b"\n")
        if end >= 0:
            return length + end, block[end + 1 :], False
        length += len(block)
        if not block:
            return length, b"", broken
    return length, b"", False


def _read_block(file: io.BufferedIOBase) -> tuple[bytes, bool]:
    """Return the next bytes, and whether the compressed file is broken here."""
    try:
        return file.read(_CHUNK), False
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return b"", True


def _first_line(file: io.BufferedIOBase, part: FileRange) -> int:
    """Go to the first line that begins in the range, after the header of CSV, and return its offset."""
    if part.start:
        file.seek(part.start - 1)
        most = sys.maxsize if part.end is None else part.end - part.start + 1
        return part.start - 1 + _skip_line(file, most)
    mark = file.read(len(codecs.BOM_UTF8))
    rest = b"" if mark == codecs.BOM_UTF8 else mark
    if part.columns is not None:
        return len(mark) + (0 if rest.endswith(b"\n") else _skip_line(file, sys.maxsize))
    if rest:
        file.seek(0)
        return 0
    return len(mark)


def _skip_line(file: io.BufferedIOBase, most: int) -> int:
    """Read to the end of a line, or at least this many bytes of it, without keeping them; return their number."""
    size = 0
    while size < most:
        piece = file.readline(_CHUNK)
        size += len(piece)
        if not piece or piece.endswith(b"\n"):
            break
    return size
