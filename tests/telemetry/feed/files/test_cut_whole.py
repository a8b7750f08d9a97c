"""Files that cannot be cut."""

import io

import pytest

from telemetry.feed.files.chunk import FileChunk
from telemetry.feed.files.cut import cut_file
from telemetry.feed.files.shape import Cutting, FileShape

SHAPE = FileShape("avro", Cutting.WHOLE, most_bytes=100)


@pytest.mark.parametrize("block", [1, 30, 99, 1_000])
@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 250])
def test_a_file_is_one_chunk_or_its_beginning(size: int, block: int) -> None:
    content = bytes(range(256))[:size]
    chunks = list(cut_file(io.BytesIO(content), SHAPE, 5, 9, block_bytes=block))
    whole = [FileChunk(content, 0, rows=1)] if size else []
    assert chunks == (whole if size <= 100 else [FileChunk(content[:101], 0, f"{size}", rows=1)])
