import base64
import bz2
import gzip
import json
import lzma
import zlib

import pytest
import zstandard

from telemetry.feed.formats.body import decode_base64
from telemetry.feed.formats.inflate import InflateError, inflate
from telemetry.feed.formats.readers import record_reader
from telemetry.feed.formats.records import BadPart, FeedFormatError, FeedRecord

CONTENT = b'{"temp": 21.5}\n' * 50
COMPRESS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "deflate": lambda content: zlib.compress(content, wbits=-15),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("codec", COMPRESS)
def test_members_in_a_row_are_joined(codec):
    packed = COMPRESS[codec](CONTENT)
    assert inflate(codec, packed) == CONTENT
    assert inflate(codec, packed * 40) == (CONTENT if codec == "deflate" else CONTENT * 40)
    assert inflate(codec, COMPRESS[codec](b"")) == b""


@pytest.mark.parametrize("codec", COMPRESS)
def test_bytes_that_do_not_inflate_are_refused(codec):
    packed = COMPRESS[codec](CONTENT)
    for wrong in (b"", b"hello", packed[:-3], packed[:5], *(() if codec == "deflate" else (packed + b"hello",))):
        with pytest.raises(InflateError, match=codec):
            inflate(codec, wrong)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_bomb_is_refused(codec):
    packed = COMPRESS[codec](bytes(300_000))
    assert inflate(codec, packed, 300_000) == bytes(300_000)
    with pytest.raises(InflateError, match="inflates past 299999 bytes"):
        inflate(codec, packed, 299_999)


@pytest.mark.parametrize(
    "text",
    [b"eyJhIjoxfQ==", b"eyJhIjoxfQ", b" eyJh\r\nIjox\nfQ==\n"],
)
def test_base64_is_read_with_and_without_padding_and_over_lines(text):
    assert decode_base64(text) == b'{"a":1}'


def test_both_alphabets_of_base64():
    assert decode_base64(b"-_-_") == decode_base64(b"+/+/") == b"\xfb\xff\xbf"


@pytest.mark.parametrize("text", [b"{}", b"a", b"YQ=b", b"\xff\xff"])
def test_other_text_is_no_base64(text):
    with pytest.raises(ValueError, match="not base64"):
        decode_base64(text)


@pytest.mark.parametrize(
    ("body", "wrap"),
    [
        ("base64", base64.b64encode),
        ("gzip", gzip.compress),
        ("zlib", zlib.compress),
        ("zstd", zstandard.compress),
        ("json-string", lambda content: json.dumps(content.decode()).encode()),
        ("base64|gzip", lambda content: base64.b64encode(gzip.compress(content))),
    ],
)
def test_a_body_is_unwrapped_before_its_format_is_read(body, wrap):
    payload = wrap(b'{"a": 1}\n{"a": 2}')
    assert record_reader("json", body=body).read(payload) == (
        [FeedRecord({"a": 1}, 0, len(payload)), FeedRecord({"a": 2}, 0, len(payload))],
        [],
    )
    assert record_reader("json", body=body).read(b"!")[1][0].end == 1


def test_bad_parts_inside_are_the_whole_payload():
    payload = base64.b64encode(b'{"a": 1}\nx\n{"a": 2}\ny')
    records, bad = record_reader("json", body="base64").read(payload)
    assert [record.value for record in records] == [{"a": 1}, {"a": 2}]
    problem = "bytes 10 to 10 inside: not JSON: no object or array begins here, and 1 more parts"
    assert bad == [BadPart(0, len(payload), problem)]
    blank = base64.b64encode(b" ")
    assert record_reader("json", body="base64").read(blank) == ([], [BadPart(0, len(blank), "holds no record")])


@pytest.mark.parametrize("body", ["zip", "base64||gzip", "gzip|gzip|gzip|gzip|gzip"])
def test_unknown_wrappers_are_refused(body):
    with pytest.raises(FeedFormatError, match="body"):
        record_reader("json", body=body)
