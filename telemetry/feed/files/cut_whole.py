"""Take a file as one message."""

from collections.abc import Iterator

from telemetry.feed.files.blocks import BinaryStream, read_block
from telemetry.feed.files.chunk import FileChunk, kept_bytes


def cut_whole(stream: BinaryStream, *, block_bytes: int, most_bytes: int) -> Iterator[FileChunk]:
    """Yield a file as one chunk; of a file that is too long, only the beginning.

    Args:
        stream: the file at its beginning.
        block_bytes: size of a block.
        most_bytes: longest file that is taken whole.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        block, broken = read_block(stream, block_bytes)
        if not block:
            break
        size += len(block)
        if size <= most_bytes:
            parts.append(block)
        elif size - len(block) <= most_bytes:
            parts = [b"".join([*parts, block])[: kept_bytes(most_bytes)]]
    if broken:
        yield FileChunk(b"", size, is_damaged=True)
    elif size:
        yield FileChunk(b"".join(parts), 0, f"{size}" if size > most_bytes else "", rows=1)
