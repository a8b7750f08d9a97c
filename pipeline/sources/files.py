"""Read files as messages: chunks of whole rows, cut from byte ranges that are read in parallel where that can be.

The files alone decide which rows share batches and sums: they are divided into portions, each of which one worker reads
from its beginning to its end. Results are therefore the same for any number of workers.
"""

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from telemetry.errors import ConfigError
from telemetry.feed.feed import Feed
from telemetry.feed.files.file_format import SUFFIXES
from telemetry.feed.files.look import look_at
from telemetry.feed.files.messages import file_messages
from telemetry.feed.files.shape import FileShape
from telemetry.model.messages import Message
from telemetry.storage.buckets import check_extra
from telemetry.storage.paths import StorageError
from telemetry.storage.unpacking import SUFFIXES as PACKED
from telemetry.storage.unpacking import inner_name, is_packed, unpacked
from transforms.decode.collect_messages import CollectMessages
from transforms.decode.decode_spec import CANONICAL

_CHUNK: Final = 1 << 20
_RANGE: Final = 32 << 20
_BARE_GLOB: Final = re.compile(r"[^/\[*?]*[\[*?]")
"""Glob without a folder before its first wildcard: Beam lists no folder for it, not even the current one."""


class FileRange(NamedTuple):
    """Rows that begin in [start, end) of a file, and how it is read.

    A packed file is one range, whose end is not known and therefore None; so is a file that is not divisible, whose end
    is its size.
    """

    path: str
    start: int
    end: int | None
    shape: FileShape

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Return the columns of CSV; None for other formats."""
        return self.shape.columns


class Portion(NamedTuple):
    """Ranges that one worker reads together, and a number that identifies the portion."""

    number: int
    ranges: tuple[FileRange, ...]


class ReadFiles(beam.PTransform):
    """Read files as messages of whole rows.

    Bounded, in the global window, without timestamps. The rows of a file that changes while it is read are
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


def plan_portions(globs: Sequence[str], feed: Feed = CANONICAL) -> list[Portion]:
    """Return the input in portions of about 32 MB; each packed file, and each large one that is not divisible, is one.

    Args:
        globs: of files.
        feed: how their content becomes readings.

    Raises:
        ConfigError: see `plan_ranges`.
    """
    portions: list[list[FileRange]] = []
    room = 0
    for part in plan_ranges(globs, _RANGE, feed):
        size = _RANGE if part.end is None else part.end - part.start
        if size > room:
            portions.append([])
            room = _RANGE
        portions[-1].append(part)
        room -= size
    return [Portion(number, tuple(ranges)) for number, ranges in enumerate(portions)]


def is_input(path: str) -> bool:
    """Return whether a path or glob is one of files that the job reads, by its end."""
    return path.lower().endswith((*SUFFIXES, *PACKED))


def plan_ranges(globs: Sequence[str], range_bytes: int = _RANGE, feed: Feed = CANONICAL) -> list[FileRange]:
    """Return the ranges of the input.

    Args:
        globs: of files.
        range_bytes: size of a range.
        feed: how their content becomes readings.

    Raises:
        ConfigError: for a glob that matches nothing, a file of unknown format, or CSV without the columns of time and
            device.
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
            ranges.extend(_plan_file(metadata.path.removeprefix(here), metadata.size_in_bytes, range_bytes, feed))
    return ranges


def _plan_file(path: str, size: int, range_bytes: int, feed: Feed) -> list[FileRange]:
    try:
        with _open_raw(path) as raw:
            packed, name = is_packed(raw), inner_name(raw, path)
            shape = look_at(unpacked(raw, path), name, feed, path=path)
    except StorageError as error:
        raise ConfigError("--input", path, error.problem) from error
    except (OSError, EOFError, BeamIOError, zlib.error) as error:
        raise ConfigError("--input", path, f"cannot be read: {error}") from error
    if packed:
        return [FileRange(path, 0, None, shape)]
    if not shape.is_divisible:
        return [FileRange(path, 0, size, shape)] if size else []
    return [FileRange(path, start, min(start + range_bytes, size), shape) for start in range(0, size, range_bytes)]


def _open(path: str) -> io.BufferedIOBase:
    return unpacked(_open_raw(path), path)


def _open_raw(path: str) -> io.BufferedReader:
    raw = FileSystems.open(path, "application/octet-stream", "uncompressed")
    return raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)


def read_portion(portion: Portion) -> Iterator[Message]:
    """Yield the rows of a portion, range after range; see `read_range`."""
    for part in portion.ranges:
        yield from read_range(part, portion.number)


def read_range(part: FileRange, portion: int = 0) -> Iterator[Message]:
    """Yield the rows of a range as messages; see `file_messages`."""
    with _open(part.path) as file:
        yield from file_messages(file, part.path, part.shape, part.start, part.end, portion=portion, block_bytes=_CHUNK)
