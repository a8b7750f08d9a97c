"""Check that slices of a payload are its lines, byte for byte, however it is compressed."""

import gzip
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.dead_letters import RejectionError
from telemetry.model.messages import Message
from transforms.decode import payloads
from transforms.decode.payloads import Content, pieces_of, read_back, read_content, rows_of, slices_of

CONTENTS = st.lists(st.sampled_from([b"", b"a", b"bcd", b"{}", b" ", b"x" * 20]), max_size=8).map(b"\n".join)


def packed(content: bytes, cuts: list[int]) -> Message:
    """A message of several gzip members, some of them empty."""
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    members = (gzip.compress(content[a:b], mtime=0) for a, b in pairwise(edges))
    return Message(b"".join(members), {"content-encoding": "gzip"})


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, Message]:
    content = draw(CONTENTS)
    if draw(st.booleans()):
        return content, Message(content)
    return content, packed(content, draw(st.lists(st.integers(0, 60), max_size=4)))


@given(messages(), st.integers(1, 30), st.integers(1, 30))
def test_slices_are_whole_lines_in_order(drawn: tuple[bytes, Message], slice_bytes: int, piece_bytes: int) -> None:
    content, message = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "SLICE_BYTES", slice_bytes)
        patch.setattr(payloads, "_PIECE_BYTES", piece_bytes)
        assert b"".join(pieces_of(message)) == content
        slices = list(slices_of(message))
        found = {
            number: line for part in slices for number, line in enumerate(part.content.split(b"\n"), start=part.first)
        }
        lines = dict(enumerate(content.split(b"\n"), start=1))
        assert found == {number: line for number, line in lines.items() if line or number in found}
        assert len(lines) - len(found) in (0, 1), "nothing but an empty line at the end is left out"
        assert rows_of(message) == sum(bool(line.strip()) for line in lines.values())
        whole = content if len(content) <= slice_bytes else None
        assert read_content(message) == Content(whole, b"{" in content)


@given(messages(), st.data())
def test_lines_are_found_again_in_slices(drawn: tuple[bytes, Message], data: st.DataObject) -> None:
    content, message = drawn
    lines = [content, *content.split(b"\n")]
    usable = [number for number, line in enumerate(lines) if number == 0 or line]
    numbers = data.draw(st.lists(st.sampled_from(usable), max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "SLICE_BYTES", data.draw(st.integers(1, 30)))
        where = np.zeros(len(numbers), np.int32)
        found = list(read_back([message], where, np.array(numbers, np.int32)))
    assert found == [lines[number] for number in numbers]


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_what_is_broken_anywhere_is_rejected_as_a_whole(at: int, put: bytes) -> None:
    content = b"".join(b"%d\n" % number for number in range(100))
    payload = gzip.compress(content, mtime=0)
    broken = payload[:at] + put + payload[at + len(put) :]
    try:
        found = gzip.decompress(broken)
    except (OSError, EOFError, zlib.error):
        with pytest.raises(RejectionError):
            read_content(Message(broken, {"content-encoding": "gzip"}))
    else:
        assert found == content


def test_a_message_that_inflates_too_far_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_INFLATED_BYTES", 1_000)
    for size, fits in ((1_000, True), (1_001, False)):
        message = packed(b"x" * size, [400])
        if fits:
            assert read_content(message).whole == b"x" * size
        else:
            with pytest.raises(RejectionError, match="inflates past 1000 bytes"):
                read_content(message)
