"""Make messages of the chunks of a file."""

from collections.abc import Iterator

from telemetry.feed.files.blocks import BLOCK_BYTES, BinaryStream
from telemetry.feed.files.chunk import FileChunk
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
    """Return the rows of a file as messages; ids are ``path@offset of the chunk``.

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
    chunks = cut_file(stream, shape, start, end, block_bytes=block_bytes)
    return map(_MessageMaker(path, shape, portion), chunks)  # a generator would hold each payload for too long


class _MessageMaker:
    """Makes the messages of one file."""

    def __init__(self, path: str, shape: FileShape, portion: int) -> None:
        self._path, self._shape, self._portion = path, shape, portion
        self._rows = 0  # in the chunks before
        self._same = {FILE: file_name(path)} if shape.names_file else {}
        if shape.cutting in (Cutting.ROWS, Cutting.DOCUMENTS):
            self._same[MULTILINE] = "true"
        if shape.has_own_delimiter:
            self._same[DELIMITER] = shape.delimiter

    def __call__(self, chunk: FileChunk) -> Message:
        name = f"{self._path}@{chunk.offset}"
        if chunk.is_damaged:
            return Message(b"", {CONTENT_ENCODING: "gzip"}, name, portion=self._portion)
        attributes = {**self._same, LINE_BYTES: chunk.too_long} if chunk.too_long else dict(self._same)
        if self._shape.counts_rows:
            attributes[FIRST_ROW] = str(self._rows)
            self._rows += chunk.rows
        return Message(chunk.payload, attributes, name, columns=self._shape.columns, portion=self._portion)


def file_name(path: str) -> str:
    """Return the name of a file without its folder, and without the ending of a packed one."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return next((name[: -len(end)] for end in SUFFIXES if name.lower().endswith(end)), name)
