"""Read packed files, whatever their names say: gzip, zip, zstd, bzip2 and xz are known by their first bytes."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any, Final, cast

from telemetry.storage.paths import StorageError

SUFFIXES: Final = (".gz", ".zip", ".zst", ".bz2", ".xz")
"""Ends of names of packed files."""
PLAIN_OR_PACKED: Final = "plain or packed (gzip, zip, zstd, bzip2, xz)"
"""How a help text names the files that can be read."""
_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MOST_BYTES: Final = 10  # of the beginning of a file, by which it is known
_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06")  # the second one is empty
_MOST_NAMED: Final = 3
_BROKEN: Final = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)  # pa.ArrowInvalid, too


class DamagedError(EOFError):
    """A packed file that cannot be unpacked to its end, as one that ends too early."""


def unpacked(raw: io.BufferedReader, path: str) -> io.BufferedIOBase:
    """Return the content of a file, unpacked if its first bytes are those of a packed one.

    A packed one can be rewound (``seek(0)``) where the file can. Damage shows when it is read, as an EOFError, a
    ``zlib.error`` or a ``gzip.BadGzipFile``.

    Args:
        raw: the file, at its beginning.
        path: its name, for messages.

    Raises:
        StorageError: for a zip that does not hold exactly one file, or of which the directory cannot be read.
    """
    begins = raw.peek(_MOST_BYTES)
    if begins.startswith(_GZIP):
        return gzip.GzipFile(fileobj=raw)
    if _is_bzip2(begins):
        return _buffered(raw, lambda: bz2.BZ2File(raw))
    if begins.startswith(_XZ):
        return _buffered(raw, lambda: lzma.LZMAFile(raw))
    if begins.startswith(_ZSTD):
        return _buffered(raw, lambda: _zstd(raw))
    if begins.startswith(_ZIPS):
        member = _only_member(raw, path)
        return _buffered(raw, lambda: zipfile.ZipFile(raw).open(member))
    return raw


def _zstd(raw: io.BufferedReader) -> IO[bytes]:
    import pyarrow as pa  # heavy, and few files need it

    return cast("IO[bytes]", pa.CompressedInputStream(_LeftOpen(raw), "zstd"))


def is_packed(raw: io.BufferedReader) -> bool:
    """Return whether a file, at its beginning, is packed."""
    begins = raw.peek(_MOST_BYTES)
    return begins.startswith((_GZIP, _XZ, _ZSTD, *_ZIPS)) or _is_bzip2(begins)


def _is_bzip2(begins: bytes) -> bool:
    """Return whether a level and the mark of a block, or of the end, follow three letters that a text may have."""
    return begins.startswith(b"BZh") and begins[4:10] in (b"1AY&SY", b"\x17rE8P\x90")


def inner_name(raw: io.BufferedReader, path: str) -> str:
    """Return the name of what a packed file holds: that in a zip, else its own without a known end.

    Raises:
        StorageError: as `unpacked`.
    """
    if raw.peek(_MOST_BYTES).startswith(_ZIPS):
        return _only_member(raw, path)
    return next((path[: -len(end)] for end in SUFFIXES if path.lower().endswith(end)), path)


def _only_member(raw: io.BufferedReader, path: str) -> str:
    if not raw.seekable():
        raise StorageError(path, "is a zip, which cannot be read from a pipe; unzip it")
    try:
        names = [entry.filename for entry in zipfile.ZipFile(raw).infolist() if not entry.is_dir()]
    except _BROKEN as error:
        raise StorageError(path, f"is a damaged zip: {error}") from error
    finally:
        raw.seek(0)
    files = [name for name in names if not name.startswith("__MACOSX/")]
    if len(files) != 1:
        shown = ", ".join(files[:_MOST_NAMED]) + (", …" if len(files) > _MOST_NAMED else "")
        raise StorageError(path, f"is a zip of {len(files)} files{f' ({shown})' if shown else ''}; unzip it")
    return files[0]


def _buffered(raw: io.BufferedReader, begin: Callable[[], IO[bytes]]) -> io.BufferedIOBase:
    return io.BufferedReader(_Unpacked(raw, begin), 1 << 18)


class _LeftOpen:
    """A file that a stream of Arrow reads, which closes it when the stream is forgotten; it may be rewound then."""

    closed = False

    def __init__(self, raw: io.BufferedReader) -> None:
        self.read = raw.read

    def close(self) -> None:
        """Leave the file to its owner."""


class _Unpacked(io.RawIOBase):
    """A stream that unpacks another one, and says of all damage that it is damage."""

    def __init__(self, raw: io.BufferedReader, begin: Callable[[], IO[bytes]]) -> None:
        super().__init__()
        self._raw, self._begin = raw, begin
        self._stream = begin()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only to the beginning")
        self._raw.seek(0)
        self._stream = self._begin()
        return 0

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._stream.read(len(buffer))
        except _BROKEN as error:
            raise DamagedError(str(error)) from error
        buffer[: len(content)] = content
        return len(content)
