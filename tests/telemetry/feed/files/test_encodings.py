"""Text in other encodings, read as UTF-8 wherever its blocks are cut."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.feed.files import encodings
from telemetry.feed.files.encodings import as_utf8, encoding_of, is_usable_encoding


@pytest.mark.parametrize(
    ("beginning", "told", "encoding"),
    [
        (b"a", "", ""),
        (b"", "", ""),
        (b"\xef\xbb\xbfa", "", ""),
        (b"\xff\xfea\0", "", "utf-16"),
        (b"\xfe\xff\0a", "", "utf-16"),
        (b"\xff\xfe\0\0a\0\0\0", "", "utf-32"),
        (b"a", "latin-1", "iso8859-1"),
        (b"\xff\xfea\0", "latin-1", "iso8859-1"),
        (b"a\0", "UTF-16", "utf-16-le"),
        (b"a", "utf8", ""),
        (b"\xef\xbb\xbfa", "utf-8-sig", ""),
    ],
)
def test_the_mark_tells_the_encoding_unless_the_feed_does(beginning: bytes, told: str, encoding: str) -> None:
    assert encoding_of(beginning, told) == encoding


@settings(deadline=None)
@given(
    text=st.text(alphabet="aé€😀\n", max_size=30),
    encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis"]),
    read=st.integers(1, 20),
)
def test_text_becomes_utf8(text: str, encoding: str, read: int) -> None:
    raw = text.encode(encoding, "replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "_READ_BYTES", read)
        assert as_utf8(io.BytesIO(raw), encoding).read() == raw.decode(encoding).encode()


def test_bytes_that_cannot_be_decoded_are_replaced() -> None:
    assert as_utf8(io.BytesIO(b"\xff\xfea\0\x00\xd8b\0c"), "utf-16").read().decode() == "a\ufffdb\ufffd"
    stream = io.BytesIO(b"\xff")
    assert as_utf8(stream, "") is stream


@pytest.mark.parametrize("name", ["hex", "zlib", "rot13", "idna", "undefined", "no-such"])
def test_codecs_that_read_no_text_are_refused(name: str) -> None:
    assert not is_usable_encoding(name)


@pytest.mark.parametrize("name", ["utf-8", "latin-1", "UTF-16", "utf_32", "cp1252", "shift_jis"])
def test_encodings_of_text_are_usable(name: str) -> None:
    assert is_usable_encoding(name)
