import json
import pickle

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from telemetry.feed.formats.readers import FORMATS, options_of, record_reader
from telemetry.feed.formats.records import FeedFormatError, RecordReader

SCHEMA = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "device", "type": "string"}, {"name": "temp", "type": "double"}],
}
PAYLOADS = {
    "empty": b"",
    "blank": b" \r\n\t\n",
    "line feeds": b"\n\x00\n\n\x0btemperature\n\n\n\n\x12\x02 \n",
    "object": b'{"device": "a", "temp": 21.5}',
    "lines": b'{"temp": 1}\n\n{"temp": \n{"temp": 3}\r\n',
    "array": b'[{"temp": 1}, 2, [3], null, {"temp": 4}]',
    "cut off": b'[{"temp": 1}, {"temp"',
    "numbers": b"1 2 3\n4",
    "literals": b"{'temp': 21.5}\n{'temp': nan}\nx",
    "line protocol": b'm,a=b f=1 5\nm f="x\ny"\nbad\n# comment\n',
    "pack": b'[{"bn": "a", "v": 1}, {"v": "x"}, {}]',
    "latin-1": "température=21\n".encode("latin-1"),
    "UTF-16": '{"temp": 1}\n'.encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00" + bytes(20),
    "magic of Avro": b"Obj\x01" + bytes(30),
    "single object of Avro": b"\xc3\x01" + bytes(30),
    "deep JSON": b"[" * 50_000,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep literal": b"(" * 50_000,
    "long number": b'{"a": ' + b"9" * 50_000 + b"}",
    "exponent": b'{"a": 1e999999999}',
    "quotes": b'"' * 5_001,
    "escapes": b'{"\\' + b'\\"' * 5_000,
    "NULs": bytes(1_000),
    "ones": b"\xff" * 1_000,
    "separators": b",\x1e,\n,",
}


@pytest.fixture(scope="module")
def readers(tmp_path_factory) -> dict[str, RecordReader]:
    folder = tmp_path_factory.mktemp("schemas")
    schema, descriptor = folder / "r.avsc", folder / "r.desc"
    schema.write_text(json.dumps(SCHEMA))
    files = descriptor_pb2.FileDescriptorSet()
    message = files.file.add(name="r.proto", syntax="proto3").message_type.add(name="R")
    message.field.add(name="device", number=1, type=9, label=1)
    message.field.add(name="r", number=2, type=11, label=3, type_name=".R")
    descriptor.write_bytes(files.SerializeToString())
    protobuf = {"descriptor": str(descriptor), "message": "R"}
    return {
        **{name: record_reader(name) for name in FORMATS if name != "protobuf"},
        **{
            f"{name} in {body}": record_reader(name, body=body)
            for name in ("json", "senml")
            for body in ("base64", "zstd")
        },
        "gzip in base64": record_reader("line-protocol", body="base64|gzip"),
        "avro of a schema": record_reader("avro", schema=str(schema)),
        "protobuf": record_reader("protobuf", **protobuf),
        "stream": record_reader("protobuf", **protobuf, framing="length-delimited"),
        "own": record_reader("json:loads"),
    }


def check_nothing_is_lost(name: str, reader: RecordReader, payload: bytes) -> None:
    records, bad = reader.read(payload)
    kept = bytearray(payload)
    for first, end in [(one.first, one.end) for one in records] + [(one.first, one.end) for one in bad]:
        assert 0 <= first <= end <= len(payload)
        kept[first:end] = b" " * (end - first)
    passed_over = b" \t\r\n\v\f"
    if name in ("json", "senml"):
        passed_over += b",\x1e\0\xef\xbb\xbf" + (b"[]" if records else b"")
    rest = bytes(kept)
    if name == "line-protocol":  # but not a comment, beside records
        rest = b"\n".join(line for line in rest.split(b"\n") if not line.lstrip().startswith(b"#"))
    assert not rest.strip(passed_over) or not rest.translate(None, passed_over)
    assert bad or records or not payload.strip()
    assert all(isinstance(part.problem, str) and part.problem and "\n" not in part.problem for part in bad)
    assert all(isinstance(record.value, dict) for record in records)
    assert [part.first for part in bad] == sorted(part.first for part in bad)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_no_payload_is_lost_or_raises(readers, kind):
    for name, reader in readers.items():
        check_nothing_is_lost(name, reader, PAYLOADS[kind])


PIECES = st.sampled_from(
    [
        b'{"a": 1}',
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"\\",
        b"\n",
        b",",
        b" ",
        b"NaN",
        b"m f=1",
        b",t=x",
        b"'a': ",
        b"#",
        b"\xff",
        b"\x00",
        b"1e9",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join))
def test_any_bytes_are_kept(readers, payload):
    for name, reader in readers.items():
        check_nothing_is_lost(name, reader, payload)


def test_a_reader_can_be_pickled(readers):
    payload = b'{"temp": 21.5}'
    for reader in readers.values():
        assert pickle.loads(pickle.dumps(reader)).read(payload) == reader.read(payload)


def test_options_are_those_of_the_format():
    assert {name: options_of(name) for name in FORMATS} == {
        "json": (),
        "line-protocol": ("precision",),
        "senml": (),
        "avro": ("schema", "framing"),
        "protobuf": ("descriptor", "message", "framing"),
        "python-literal": (),
    }
    assert options_of("json:loads") == ()


@pytest.mark.parametrize(
    ("format", "options", "problem"),
    [
        ("xml", {}, "format: 'xml' is none of json, line-protocol, .*, and not module:function"),
        ("json", {"schema": "x"}, "schema: json has only the option body"),
        ("line-protocol", {"unit": "s"}, "unit: line-protocol has only the options precision, body"),
        ("line-protocol", {"precision": 3}, "precision: 3 is not text"),
        ("json:loads", {"x": "y"}, "x: json:loads has only the option body"),
        ("json", {"body": "zip"}, "body: 'zip' is none of base64, json-string, gzip, zlib, zstd"),
    ],
)
def test_other_formats_and_options_are_refused(format, options, problem):
    with pytest.raises(FeedFormatError, match=problem):
        record_reader(format, **options)
