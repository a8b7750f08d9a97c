"""Cut JSON between documents, and between the elements of arrays, in bounded memory."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from telemetry.feed.files.blocks import BinaryStream, read_block
from telemetry.feed.files.chunk import FileChunk, kept_bytes
from telemetry.feed.files.json_structure import JsonStructure, ScannedBlock

_SEPARATORS: Final = re.compile(rb"[\s,\x1e]*")
_BLANK: Final = ord(b" ")


def cut_documents(
    stream: BinaryStream, position: int, *, opens_arrays: bool, block_bytes: int, most_bytes: int
) -> Iterator[FileChunk]:
    """Yield JSON in chunks of about a block, each of which begins and ends between documents or elements.

    The brackets of arrays that are opened become blanks, so that a chunk is elements with commas between them. Each
    byte of the file is in one chunk, in its place; chunks of blanks and commas alone are left out. A document that is
    too long, and holds a line on which another one seems to begin, indented as it is, is taken for one without an end,
    and the chunk ends there. Otherwise it is not collected: a chunk of its own has its beginning.

    Args:
        stream: the text, at a place between documents.
        position: the offset of that place.
        opens_arrays: whether the elements of an array are documents.
        block_bytes: size of a block.
        most_bytes: longest document that is collected.
    """
    cutter = _Cutter(JsonStructure(opens_arrays=opens_arrays), position)
    while True:
        block, broken = read_block(stream, block_bytes)
        if broken:
            yield FileChunk(b"", cutter.position + cutter.size, is_damaged=True)
        if not block:
            yield from cutter.take()
            return
        yield from cutter.add(block)
        while cutter.size > most_bytes:
            begins = cutter.restart_line()
            if begins:
                yield from cutter.cut_short(begins)
                continue
            told, behind, broken = cutter.pass_long(stream, block_bytes)
            yield FileChunk(told.payload[: kept_bytes(most_bytes)], told.offset, told.too_long, rows=told.rows)
            if broken:
                yield FileChunk(b"", cutter.position, is_damaged=True)
            yield from cutter.add(behind)


class _Cutter:
    """Bytes of a document whose end is not known yet, and what comes before.

    Attributes:
        position: offset of the first byte that is in no chunk yet.
        size: how many bytes are.
    """

    def __init__(self, structure: JsonStructure, position: int) -> None:
        self._structure = structure
        self.position = position
        self.size = 0
        self._parts: list[bytes] = []
        self._objects = 0  # that begin in the parts
        self._in_array = False  # whether the parts begin in an array

    def add(self, block: bytes) -> Iterator[FileChunk]:
        """Add a block, and yield the chunk of what is complete."""
        scanned = self._structure.scan(block)
        content = _without_brackets(block, scanned)
        cut = int(scanned.cuts[-1]) if len(scanned.cuts) else 0
        if cut:
            self._parts.append(content[:cut])
            self._objects += int(np.searchsorted(scanned.objects, cut))
            yield from self.take()
            self._in_array = bool(scanned.in_array[-1])
        self._parts.append(content[cut:])
        self.size += len(content) - cut
        self._objects += int((scanned.objects >= cut).sum())

    def take(self) -> Iterator[FileChunk]:
        """Yield a chunk of the parts, unless nothing is in them but separators."""
        payload = self._join()
        if _SEPARATORS.fullmatch(payload) is None:
            yield FileChunk(payload, self.position, rows=self._objects)
        self._begin(self.position + len(payload))

    def restart_line(self) -> int:
        """Return where the last line begins in the parts that seems to begin a document; 0 if none does."""
        content = self._join()
        line = self._line_before(content)
        return content.rfind(line, len(line)) + 1 if line else 0

    def cut_short(self, end: int) -> Iterator[FileChunk]:
        """Yield a chunk of the parts up to an offset in them, and scan the rest as if a document began there."""
        content, in_array = self._join(), self._in_array
        rows = 1 + content.count(self._line_before(content), 1, end)
        yield FileChunk(content[:end], self.position, rows=rows)
        self._begin(self.position + end)
        self._structure.restart(in_array=in_array)
        self._in_array = in_array
        yield from self.add(content[end:])

    def pass_long(self, stream: BinaryStream, block_bytes: int) -> tuple[FileChunk, bytes, bool]:
        """Read to the end of the document without keeping it.

        Returns:
            Its chunk, of what was read of it before; the bytes behind it; and whether the file is broken there.
        """
        payload, length, in_array = self._join(), self.size, False
        while True:
            block, broken = read_block(stream, block_bytes)
            scanned = self._structure.scan(block)
            if len(scanned.cuts):
                end, in_array = int(scanned.cuts[0]), bool(scanned.in_array[0])
                self._structure.restart(in_array=in_array)
                break
            length += len(block)
            if not block:
                end = 0
                break
        length += end
        chunk = FileChunk(payload, self.position, f"{length}", rows=1)
        self._begin(self.position + length)
        self._in_array = in_array
        return chunk, block[end:], broken

    def _line_before(self, content: bytes) -> bytes:
        """Return the beginning of a line on which a document as the one in the parts would begin; b"" if unknown."""
        between = _SEPARATORS.match(content)
        blanks = content[: between.end()] if between else b""
        feed = blanks.rfind(b"\n")
        if feed < 0 and (self._in_array or blanks.strip(b" \t")):
            return b""
        return b"\n" + blanks[feed + 1 :] + b"{"

    def _join(self) -> bytes:
        self._parts = [b"".join(self._parts)]
        return self._parts[0]

    def _begin(self, position: int) -> None:
        self.position, self.size = position, 0
        self._parts, self._objects = [], 0


def _without_brackets(block: bytes, scanned: ScannedBlock) -> bytes:
    if not len(scanned.brackets):
        return block
    content = np.frombuffer(block, np.uint8).copy()
    content[scanned.brackets] = _BLANK
    return content.tobytes()
