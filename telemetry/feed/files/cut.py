"""Cut a file into chunks as its shape says."""

from collections.abc import Iterator

from telemetry.feed.files.blocks import BLOCK_BYTES, BinaryStream
from telemetry.feed.files.chunk import FileChunk
from telemetry.feed.files.count_rows import count_rows
from telemetry.feed.files.csv_row_finder import CsvRowFinder
from telemetry.feed.files.cut_documents import cut_documents
from telemetry.feed.files.cut_lines import cut_lines, first_line, line_end
from telemetry.feed.files.cut_whole import cut_whole
from telemetry.feed.files.encodings import as_utf8
from telemetry.feed.files.shape import Cutting, FileShape


def cut_file(
    stream: BinaryStream, shape: FileShape, start: int = 0, end: int | None = None, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[FileChunk]:
    """Yield the rows of a file in chunks of about a block, in order.

    Args:
        stream: the file, unpacked, at its beginning; it must be seekable for a range that begins later.
        shape: how it is read.
        start: first byte of the range in which the rows begin that are read. A file that is not divisible is always
            read from its beginning to its end.
        end: byte after the range; None for the end of the file.
        block_bytes: size of the blocks in which it is read.
    """
    if shape.cutting is Cutting.WHOLE:
        return cut_whole(stream, block_bytes=block_bytes, most_bytes=shape.most_bytes)
    if not shape.is_divisible:
        start, end = 0, None
    text = as_utf8(stream, shape.encoding)
    position = first_line(text, shape.rows_begin, start, end)
    if shape.cutting is Cutting.DOCUMENTS:
        return cut_documents(
            text, position, opens_arrays=shape.opens_arrays, block_bytes=block_bytes, most_bytes=shape.most_bytes
        )
    rows = CsvRowFinder(shape.delimiter, shape.quote, shape.most_bytes) if shape.cutting is Cutting.ROWS else None
    last_end = rows.last_end if rows else line_end
    chunks = cut_lines(text, position, end, last_end, block_bytes=block_bytes, most_bytes=shape.most_bytes)
    if shape.cutting is Cutting.EACH_LINE:
        return (line for chunk in chunks for line in _lines_of(chunk))
    return _counted(chunks, rows) if shape.counts_rows else chunks


def _counted(chunks: Iterator[FileChunk], rows: CsvRowFinder | None) -> Iterator[FileChunk]:
    for chunk in chunks:
        yield chunk._replace(rows=1 if chunk.too_long else count_rows(chunk.payload, rows))


def _lines_of(chunk: FileChunk) -> Iterator[FileChunk]:
    """Yield each line that is not blank as a chunk, without its line break."""
    if chunk.too_long or chunk.is_damaged:
        yield chunk
        return
    offset = chunk.offset
    for line in chunk.payload.split(b"\n"):
        if line.strip():
            yield FileChunk(line, offset, rows=1)
        offset += len(line) + 1
