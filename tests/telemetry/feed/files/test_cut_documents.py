"""JSON between documents and elements: all of them, whole, in bounded memory."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.files.chunk import FileChunk
from telemetry.feed.files.cut import cut_file
from telemetry.feed.files.shape import Cutting, FileShape
from telemetry.feed.formats.json_documents import JsonReader

TEXT = st.text(alphabet='a"\\{}[],\n:é', max_size=6)
VALUE = st.recursive(
    st.one_of(st.integers(-9, 99), TEXT, st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, VALUE, max_size=3)
SHAPE = FileShape("json", Cutting.DOCUMENTS)


def cut(content: bytes, block: int, shape: FileShape = SHAPE) -> list[FileChunk]:
    return list(cut_file(io.BytesIO(content), shape, block_bytes=block))


def in_place(chunks: list[FileChunk], size: int) -> bytes:
    """Return the bytes of chunks where they are in the file, all others as blanks, as are commas and line breaks."""
    found = bytearray(b" " * size)
    for chunk in chunks:
        found[chunk.offset : chunk.offset + len(chunk.payload)] = chunk.payload
    assert len(found) == size
    return bytes(found).translate(bytes.maketrans(b",\n", b"  "))


def values(payload: bytes) -> list[object]:
    records, bad = JsonReader().read(payload)
    assert bad == []
    return [record.value for record in records]


@settings(max_examples=100, deadline=None)
@given(
    objects=st.lists(OBJECT, min_size=1, max_size=8),
    layout=st.sampled_from(["array", "pretty array", "arrays", "pretty", "lines", "one line"]),
    ascii_only=st.booleans(),
    block=st.integers(1, 80),
)
def test_chunks_are_whole_values(objects: list[dict[str, object]], layout: str, ascii_only: bool, block: int) -> None:
    one = [json.dumps(value, ensure_ascii=ascii_only) for value in objects]
    text = {
        "array": json.dumps(objects, ensure_ascii=ascii_only),
        "pretty array": json.dumps(objects, indent=2, ensure_ascii=ascii_only),
        "arrays": "".join(f"[{value}]\n" for value in one),
        "pretty": "\n".join(json.dumps(value, indent=1, ensure_ascii=ascii_only) for value in objects),
        "lines": "".join(f"{value}\n" for value in one),
        "one line": "".join(one),
    }[layout]
    content = text.encode()
    chunks = cut(content, block)
    assert [value for chunk in chunks for value in values(chunk.payload)] == objects
    assert sum(chunk.rows for chunk in chunks) == len(objects)
    assert in_place(chunks, len(content)) == in_place(cut(content, 10_000), len(content))


@settings(max_examples=100, deadline=None)
@given(content=st.text(alphabet='{}[]",\\ \na', max_size=60).map(str.encode), block=st.integers(1, 70))
def test_no_byte_of_a_broken_file_is_lost(content: bytes, block: int) -> None:
    """Each byte is in its place, except for brackets, blanks and commas."""
    found = in_place(cut(content, block), len(content))
    differ = {(new, old) for new, old in zip(found, content, strict=True) if new != old}
    assert differ <= {(32, ord(old)) for old in "[],\n"}


def test_an_array_is_cut_between_its_elements() -> None:
    chunks = cut(b'[{"a":1}, {"a":[2,{"b":"]"}]},\n3,\n{"a":4}]\n', 20)
    assert chunks == [
        FileChunk(b' {"a":1},', 0, rows=1),
        FileChunk(b' {"a":[2,{"b":"]"}]},\n3,', 9, rows=1),
        FileChunk(b'\n{"a":4} ', 33, rows=1),
    ]


def test_a_pack_is_not_opened() -> None:
    shape = FileShape("senml", Cutting.DOCUMENTS, opens_arrays=False)
    packs = [b'[{"bn":"a"},{"n":"t"}]', b'\n[{"n":"u"}]']
    assert [chunk.payload for chunk in cut(b"".join(packs), 5, shape)] == packs


@pytest.mark.parametrize("block", [16, 64, 1_000])
def test_an_element_that_is_too_long_is_a_chunk_of_its_beginning(block: int) -> None:
    long = b'{"a":"' + b"x" * 300 + b'"}'
    content = b'[{"a":1},' + long + b',{"a":2},{"a":3}]'
    shape = FileShape("json", Cutting.DOCUMENTS, most_bytes=100)
    chunks = cut(content, block, shape)
    if block < 1_000:
        assert [(chunk.payload, chunk.offset) for chunk in chunks if chunk.too_long] == [(long[:101], 9)]
        assert [chunk.too_long for chunk in chunks if chunk.too_long] == ["308"]
        assert max(len(chunk.payload) for chunk in chunks) <= 101
    kept = b"".join(chunk.payload for chunk in chunks if not chunk.too_long)
    assert values(kept.replace(long, b"")) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert sum(chunk.rows for chunk in chunks) == 4


@pytest.mark.parametrize("is_array", [True, False])
def test_a_document_without_an_end_does_not_take_those_behind_it(is_array: bool) -> None:
    good = [json.dumps({"n": number, "inner": {"x": [1, 2]}}, indent=2).encode() for number in range(40)]
    documents = [*good[:3], good[3].rstrip(b"}\n"), *good[4:]]
    if is_array:
        documents = [document.replace(b"\n", b"\n  ") for document in documents]
        content = b"[\n  " + b",\n  ".join(documents) + b"\n]"
    else:
        content = b"\n".join(documents)
    shape = FileShape("json", Cutting.DOCUMENTS, most_bytes=300)
    chunks = cut(content, 128, shape)
    assert not [chunk for chunk in chunks if chunk.too_long]
    whole = [chunk for chunk in chunks if documents[3].strip() not in chunk.payload]
    found = [value["n"] for chunk in whole for value in values(chunk.payload) if isinstance(value, dict)]
    assert found[:2] == [0, 1]
    assert found[-30:] == [*range(10, 40)]
    assert sum(chunk.rows for chunk in chunks) == 40
