import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.shuffle.packing import pack, unpack
from transforms.shuffle.spill import spilling

LONG = b"0123456789" * 1_000


@given(st.binary(max_size=100), st.sampled_from([1, 100, 1_000]))
def test_what_is_unpacked_is_what_was_packed(content, times):
    assert unpack(pack(content * times)) == content * times
    assert unpack(memoryview(pack(content * times))) == content * times


def test_short_content_stays_as_it_is():
    assert pack(b"0123456789") == b"\x000123456789"


def test_long_content_is_compressed():
    packed = pack(LONG)
    assert packed[:9] == b"\x01" + (10_000).to_bytes(8, "little")
    assert len(packed) < 1_000


def test_spilled_content_is_read_only_within_its_job():
    with spilling():
        packed = pack(LONG)
        assert packed[0] == 2
        assert len(packed) < 100
        assert unpack(packed) == LONG
    with pytest.raises(RuntimeError, match="outside of its job"):
        unpack(packed)
