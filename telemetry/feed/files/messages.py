"""Make messages of the chunks of a file."""

from collections.abc import Iterator

from telemetry.feed.files.blocks import BLOCK_BYTES, BinaryStream
from telemetry.feed.files.cut import cut_file
from telemetry.feed.files.shape import Cutting, FileShape
from telemetry.model.messages import CONTENT_ENCODING, DELIMITER, FILE, FIRST_ROW, LINE_BYTES, MULTILINE, Message
from telemetry.storage.unpacking import SUFFIXES


def file_messages(
    stream: BinaryStream,
    path: str,
    shape: FileShape,
    start: int = 0,
    end: int | None = None,
    *,
    portion: int = 0,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Message]:
    """Yield the rows of a file as messages; ids are ``path@offset of the chunk``.

    A row that is too long is a message of its beginning, with its length in the attribute `LINE_BYTES`. Where a packed
    file is broken, there is a message that cannot be opened.

    Args:
        stream: as for `cut_file`; so are `start`, `end` and `block_bytes`.
        path: of the file.
        shape: how it is read.
        start: first byte of a range.
        end: byte after it.
        portion: number of the portion of input that the messages belong to.
        block_bytes: size of the blocks in which it is read.
    """
    same = {FILE: file_name(path)} if shape.names_file else {}
    if shape.cutting is Cutting.ROWS:
        same[MULTILINE] = "true"
    if shape.has_own_delimiter:
        same[DELIMITER] = shape.delimiter
    rows = 0
    for chunk in cut_file(stream, shape, start, end, block_bytes=block_bytes):
        name = f"{path}@{chunk.offset}"
        if chunk.is_damaged:
            yield Message(b"", {CONTENT_ENCODING: "gzip"}, name, portion=portion)
            continue
        attributes = {**same, LINE_BYTES: chunk.too_long} if chunk.too_long else dict(same)
        if shape.counts_rows:
            attributes[FIRST_ROW] = str(rows)
            rows += chunk.rows
        yield Message(chunk.payload, attributes, name, columns=shape.columns, portion=portion)


def file_name(path: str) -> str:
    """Return the name of a file without its folder, and without the ending of a packed one."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return next((name[: -len(end)] for end in SUFFIXES if name.lower().endswith(end)), name)
