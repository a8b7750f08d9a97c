"""Lines in chunks: each in exactly one, wherever ranges and blocks are cut."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.files.chunk import FileChunk
from telemetry.feed.files.cut import cut_file
from telemetry.feed.files.shape import Cutting, FileShape

LINE = st.binary(max_size=12).map(lambda content: content.replace(b"\n", b" "))


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(LINE, max_size=20),
    ends=st.booleans(),
    before=st.sampled_from([b"", b"ts,device\n", b"\xef\xbb\xbf", b"x\n\ny\n"]),
    size=st.integers(1, 60),
    block=st.integers(1, 30),
)
def test_ranges_together_are_the_whole(lines: list[bytes], ends: bool, before: bytes, size: int, block: int) -> None:
    body = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    content = before + body
    shape = FileShape(rows_begin=len(before))
    found = b""
    for start in range(0, len(content), size):
        for chunk in cut_file(io.BytesIO(content), shape, start, min(start + size, len(content)), block_bytes=block):
            assert chunk.offset == len(before) + len(found)
            assert chunk.payload.endswith(b"\n") or len(before + found + chunk.payload) == len(content)
            found += chunk.payload
    assert found == body


def test_a_line_that_is_too_long_is_a_chunk_of_its_beginning() -> None:
    content = b"a\n" + b"x" * 1_000 + b"\nb\n"
    chunks = list(cut_file(io.BytesIO(content), FileShape(most_bytes=100), block_bytes=64))
    assert chunks == [
        FileChunk(b"a\n", 0),
        FileChunk(b"x" * 101, 2, "1000"),
        FileChunk(b"b\n", 1_003),
    ]


@pytest.mark.parametrize("block", [1, 5, 100])
def test_each_line_can_be_a_chunk(block: int) -> None:
    shape = FileShape("json", Cutting.EACH_LINE, rows_begin=2)
    chunks = list(cut_file(io.BytesIO(b"--YWJj\n\n \nZA==\r\nZQ=="), shape, block_bytes=block))
    assert [(chunk.payload, chunk.offset) for chunk in chunks] == [(b"YWJj", 2), (b"ZA==\r", 10), (b"ZQ==", 16)]


def test_lines_of_a_file_in_order_are_not_read_in_ranges() -> None:
    content = b"1\n2\n3\n"
    shape = FileShape(in_order=True)
    assert [chunk.payload for chunk in cut_file(io.BytesIO(content), shape, 2, 4)] == [content]
