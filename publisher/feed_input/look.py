"""See how an input is read: plain CSV in the canonical form as ever, all else as a feed says."""

import gzip
import io
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from publisher.csv_blocks import STDIN, InputError, open_input
from publisher.csv_input import parse_header
from publisher.feed_input.streams import PipeStream
from telemetry.errors import ConfigError
from telemetry.feed.feed import CSV, Feed, is_canonical
from telemetry.feed.files.blocks import BinaryStream, begun
from telemetry.feed.files.file_format import SUFFIXES
from telemetry.feed.files.look import LOOK_BYTES, look_at_beginning
from telemetry.feed.files.shape import Cutting, FileShape
from telemetry.storage.paths import StorageError
from telemetry.storage.unpacking import inner_name

_BROKEN: Final = (EOFError, zlib.error, gzip.BadGzipFile)
_UNKNOWN_NAME: Final = ".txt"  # of which the content tells the format


@dataclass(frozen=True, slots=True)
class InputLook:
    """How an input is read.

    Attributes:
        path: of the file, or ``-``.
        shape: how it is cut.
        is_plain: whether it is CSV that needs no feed: canonical names, commas, and rows of single lines.
        beginning: of standard input, which was read already; b"" for a file.
        rest: of standard input; None for a file.
    """

    path: str
    shape: FileShape
    is_plain: bool
    beginning: bytes = b""
    rest: PipeStream | None = None

    def open(self, stack: ExitStack) -> io.BufferedIOBase:
        """Open the input at its beginning, unpacked; `stack` closes it. Standard input can be read only once.

        Raises:
            OSError: if it cannot be opened any more.
        """
        return open_input(self.path, stack) if self.rest is None else begun(self.beginning, self.rest)

    def open_beginning(self, stack: ExitStack) -> BinaryStream:
        """Open the input to look at its first rows; of standard input, nothing more is read."""
        if self.rest is None:
            return self.open(stack)
        return io.BytesIO(self.beginning[: self.beginning.rfind(b"\n") + 1] or self.beginning)


def look_at_input(path: str, feed: Feed) -> InputLook:
    """Return how an input is read; of standard input, a few lines are awaited.

    Raises:
        ConfigError: if it cannot be opened, or lacks the columns of time and device.
        InputError: if it is damaged at its beginning.
    """
    with ExitStack() as stack:
        try:
            stream = open_input(path, stack)
            name = path if path == STDIN else _inner_name(path)
            lines = feed.csv.header + feed.csv.skip + 2 if path == STDIN else 0
            beginning, is_all = _read_beginning(path, stream, lines)
        except StorageError as error:
            raise ConfigError("INPUT", path, error.problem) from error
        except OSError as error:
            raise ConfigError("INPUT", path, f"cannot be read: {error.strerror or error}") from error
        if path != STDIN and not feed.format and not name.lower().endswith(tuple(SUFFIXES)):
            name += _UNKNOWN_NAME
        shape = look_at_beginning(beginning, name, feed, flag="INPUT", path=path, is_all=is_all)
        if path == STDIN and shape.names_file:
            raise ConfigError("INPUT", path, "has no name, from which the feed takes the device (`device.file`)")
        is_plain = is_canonical(feed) and _is_plain(beginning, path, shape)
        if path != STDIN:
            return InputLook(path, shape, is_plain)
        stack.pop_all()  # it stays open
        return InputLook(path, shape, is_plain, beginning, PipeStream(stream))


def _inner_name(path: str) -> str:
    with open(path, "rb") as raw:
        return inner_name(raw, path)


def _read_beginning(path: str, stream: io.BufferedIOBase, lines: int) -> tuple[bytes, bool]:
    """Return the beginning of an input, at least so many lines if `lines` is given, and whether that is all of it."""
    parts: list[bytes] = []
    size = breaks = 0
    while size < LOOK_BYTES and not 0 < lines <= breaks:
        try:
            part = stream.read1(LOOK_BYTES - size)
        except _BROKEN as error:
            if not breaks:
                raise InputError(path, f"damaged: {error}") from error
            return b"".join(parts), False
        if not part:
            return b"".join(parts), True
        parts.append(part)
        size += len(part)
        breaks += part.count(b"\n")
    return b"".join(parts), False


def _is_plain(beginning: bytes, path: str, shape: FileShape) -> bool:
    if shape.format != CSV or shape.cutting is not Cutting.LINES or shape.encoding or shape.has_own_delimiter:
        return False
    lines = beginning.decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n")
    header = next((line for line in lines if line.strip()), "")
    try:
        return parse_header(header, path, {}) == shape.columns
    except ConfigError:
        return False
