"""Read streams of bytes in blocks, and know damage from an end."""

import gzip
import io
import zlib
from typing import Final, Protocol

BLOCK_BYTES: Final = 1 << 20
"""Size of the blocks in which files are read, and so about that of their messages."""
_BROKEN: Final = (EOFError, zlib.error, gzip.BadGzipFile)


class BinaryStream(Protocol):
    """Streams that files are read from: those of `io`, and Beam's."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, fewer only at the end."""
        ...

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to the end of a line, at most `size`."""
        ...

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to an offset."""
        ...


def read_block(stream: BinaryStream, size: int) -> tuple[bytes, bool]:
    """Return the next bytes, b"" at the end, and whether a packed file is broken here."""
    try:
        return stream.read(size), False
    except _BROKEN:
        return b"", True


def pass_bytes(stream: BinaryStream, size: int) -> int:
    """Read some bytes without keeping them, and return how many there were."""
    left = size
    while left:
        block = stream.read(min(left, BLOCK_BYTES))
        if not block:
            break
        left -= len(block)
    return size - left


class BegunStream(io.RawIOBase):
    """A stream whose beginning was read already, and is read once more: of a pipe, which cannot be rewound."""

    def __init__(self, beginning: bytes, rest: BinaryStream) -> None:
        """Take what was read, and the stream behind it."""
        super().__init__()
        self._beginning = io.BytesIO(beginning)
        self._rest = rest

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer, and return with how many bytes; 0 at the end."""
        content = self._beginning.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def begun(beginning: bytes, rest: BinaryStream) -> io.BufferedReader:
    """Return a stream from its beginning, which was read already."""
    return io.BufferedReader(BegunStream(beginning, rest), BLOCK_BYTES)
