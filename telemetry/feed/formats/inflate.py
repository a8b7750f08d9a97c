"""Decompress payloads whole, within a bound."""

import bz2
import lzma
import zlib
from typing import Any, Final

MAX_INFLATED_BYTES: Final = 64 << 20
"""Largest decompressed size of a payload; `transforms.decode.payloads` has the same bound."""
CODECS: Final = ("gzip", "zlib", "deflate", "bzip2", "xz", "zstd")
_ERRORS: Final = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, MemoryError)
_WINDOW: Final = {"gzip": 31, "zlib": 15, "deflate": -15}
_FIRST_STEP: Final = 4_096  # compressed bytes at first: the bytes behind a short member are copied back
_LARGEST_STEP: Final = 1 << 18
_ZSTD_STEP: Final = 512  # its objects know no bound, and four bytes of it can be 128 kB


class InflateError(ValueError):
    """Bytes that do not decompress, or to too many."""


def inflate(codec: str, content: bytes, most: int = MAX_INFLATED_BYTES) -> bytes:
    """Return decompressed bytes; several members in a row are joined.

    Args:
        codec: one of `CODECS`; deflate is zlib without a header, and bytes behind its end are passed over, because
            fastavro leaves some of a checksum there.
        content: the compressed bytes.
        most: largest size of the result.

    Raises:
        InflateError: if they do not decompress, end too early, or are larger than the bound.
    """
    parts: list[bytes] = []
    size = start = 0
    while start < len(content) or not parts:
        member, step = _decompressor(codec), _FIRST_STEP
        while not member.eof:
            given = content[start : start + (_ZSTD_STEP if codec == "zstd" else step)]
            part = _decompress(codec, member, given, most + 1 - size)
            size += len(part)
            if size > most:
                raise InflateError(f"{codec} that inflates past {most} bytes")
            if not given and not part and not member.eof:
                raise InflateError(f"{codec} that ends too early")
            start += len(given) - (len(member.unused_data) if member.eof else 0)
            step = min(4 * step, _LARGEST_STEP)
            parts.append(part)
        if codec == "deflate":
            break
    return b"".join(parts)


def _decompressor(codec: str) -> Any:
    if codec == "bzip2":
        return bz2.BZ2Decompressor()
    if codec == "xz":
        return lzma.LZMADecompressor(memlimit=2 * MAX_INFLATED_BYTES)
    if codec == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=MAX_INFLATED_BYTES).decompressobj()
    return zlib.decompressobj(wbits=_WINDOW[codec])


def _decompress(codec: str, member: Any, given: bytes, most: int) -> bytes:
    """Return what the next compressed bytes hold, at most as much as given, or more from zstd."""
    try:
        if codec != "zstd":
            return bytes(member.decompress(given, most))
        import zstandard

        try:
            return bytes(member.decompress(given)) if given else b""
        except zstandard.ZstdError as error:
            raise InflateError(f"{codec} that does not inflate: {error}") from error
    except InflateError:
        raise
    except _ERRORS as error:
        raise InflateError(f"{codec} that does not inflate: {error}") from error
