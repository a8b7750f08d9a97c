"""Cut lines, or rows of lines, into chunks of about a block."""

import sys
from collections.abc import Callable, Iterator

from telemetry.feed.files.blocks import BLOCK_BYTES, BinaryStream, pass_bytes, read_block
from telemetry.feed.files.chunk import FileChunk, kept_bytes


def first_line(stream: BinaryStream, rows_begin: int, start: int, end: int | None) -> int:
    """Go to the first line that begins in a range, and return its offset.

    Args:
        stream: the file at its beginning; it must be seekable unless `start` is 0.
        rows_begin: where the first row of the file begins.
        start: first byte of the range.
        end: byte after its last one; None for the end of the file.
    """
    if start <= rows_begin:
        return pass_bytes(stream, rows_begin)
    stream.seek(start - 1)
    return start - 1 + _skip_line(stream, sys.maxsize if end is None else end - start + 1)


def cut_lines(
    stream: BinaryStream,
    position: int,
    end: int | None,
    last_end: Callable[[bytes], int],
    *,
    block_bytes: int,
    most_bytes: int,
) -> Iterator[FileChunk]:
    """Yield the rows that begin before an offset in chunks of about a block.

    A row that is longer than any that is decoded is not collected: a chunk of its own has its beginning.

    Args:
        stream: the file, at the beginning of a row.
        position: offset of that row.
        end: offset at which rows belong to the next range; None for the end of the file.
        last_end: returns where the last row ends that is complete in a content, which begins with a row; 0 if none
            does. Without `end` only: rows that are more than one line.
        block_bytes: size of a block.
        most_bytes: longest row that is collected.
    """
    rest = b""
    while end is None or position < end:
        block, broken = read_block(stream, block_bytes)
        if broken:
            yield FileChunk(b"", position + len(rest), is_damaged=True)
        content = rest + block
        cut = last_end(content) if block else len(content)
        if block and end is not None and position + cut > end:
            cut = content.find(b"\n", max(end - position - 1, 0)) + 1  # the line across the end belongs here
        if cut:
            yield FileChunk(content[:cut], position)
        position, rest = position + cut, content[cut:]
        if not block:
            return
        begins_here = end is None or position < end  # else the rest is of the next range
        if begins_here and len(rest) > most_bytes:
            most = None if end is None else end - position
            length, behind, broken = _pass_line(stream, len(rest), most, block_bytes)
            told = f"{length}" if behind or not most else f"at least {length}"
            yield FileChunk(rest[: kept_bytes(most_bytes)], position, told)
            position, rest = position + length + 1, behind
            if broken:
                yield FileChunk(b"", position, is_damaged=True)


def line_end(content: bytes) -> int:
    """Return where the last complete line of a content ends; 0 if there is none."""
    return content.rfind(b"\n") + 1


def _pass_line(stream: BinaryStream, length: int, most: int | None, block_bytes: int) -> tuple[int, bytes, bool]:
    """Read to the end of a line without keeping it.

    Args:
        stream: to read from.
        length: bytes of the line that were read.
        most: length of the line at which its end does not matter any more.
        block_bytes: size of a block.

    Returns:
        The length of the line as far as it was read, the bytes behind it, and whether the file is broken.
    """
    while most is None or length < most:
        block, broken = read_block(stream, block_bytes)
        end = block.find(b"\n")
        if end >= 0:
            return length + end, block[end + 1 :], False
        length += len(block)
        if not block:
            return length, b"", broken
    return length, b"", False


def _skip_line(stream: BinaryStream, most: int) -> int:
    """Read to the end of a line, or at least this many bytes of it, without keeping them; return their number."""
    size = 0
    while size < most:
        piece = stream.readline(BLOCK_BYTES)
        size += len(piece)
        if not piece or piece.endswith(b"\n"):
            break
    return size
