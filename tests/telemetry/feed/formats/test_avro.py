import datetime
import decimal
import io
import json
import random
from typing import Any

import fastavro
import pytest
import zstandard

from telemetry.feed.formats.avro import AvroReader
from telemetry.feed.formats.avro_schema import parse_avro_schema
from telemetry.feed.formats.records import FeedFormatError, FeedRecord

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Reading",
    "namespace": "acme",
    "fields": [
        {"name": "device", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "temp", "type": ["null", "double"]},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
        {"name": "raw", "type": "bytes"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}},
        {
            "name": "list",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "P", "fields": [{"name": "v", "type": "float"}]},
            },
        },
    ],
}
VALUE = {
    "device": "a",
    "at": datetime.datetime(2020, 7, 12, 0, 1, 34, 500_000, datetime.UTC),
    "temp": 21.5,
    "tags": {"site": "x"},
    "raw": b"\x01",
    "price": decimal.Decimal("1.25"),
    "state": "OFF",
    "list": [{"v": 1.5}],
}
PLAIN = {**VALUE, "at": "2020-07-12T00:01:34.500000+00:00", "raw": "AQ==", "price": 1.25}
FINGERPRINT = bytes.fromhex(
    fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(SCHEMA), "CRC-64-AVRO")
)


def datum() -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(SCHEMA), VALUE)
    return stream.getvalue()


def container(codec: str, values: list[Any], schema: dict[str, Any] = SCHEMA) -> bytes:
    stream = io.BytesIO()
    fastavro.writer(stream, fastavro.parse_schema(schema), values, codec, sync_interval=100)
    return stream.getvalue()


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "reading.avsc"
    path.write_text(json.dumps(SCHEMA))
    return str(path)


def test_a_datum_is_read(schema):
    content = datum()
    for framing in ("datum", "auto"):
        assert AvroReader(schema, framing).read(content) == ([FeedRecord(PLAIN, 0, len(content))], [])
    assert AvroReader(schema).read(content + b"\0")[1][0].problem.endswith("bytes are left over behind the datum")


def test_single_object_encoding(schema):
    content = b"\xc3\x01" + FINGERPRINT + datum()
    assert AvroReader(schema).read(content)[0] == [FeedRecord(PLAIN, 0, len(content))]
    assert AvroReader(schema).read(b"\xc3\x01" + bytes(8) + datum())[0] == []


def test_the_fingerprint_of_the_specification():
    # 0x7275d51a3f395c8f is the CRC-64-AVRO of "int" in the Java library; single-object encoding has the lowest first
    assert parse_avro_schema("int").fingerprint.hex() == "8f5c393f1ad57572"


def test_the_framing_of_confluent(schema):
    content = b"\0\0\0\0\x07" + datum()
    assert AvroReader(schema, "confluent").read(content)[0] == [FeedRecord(PLAIN, 0, len(content))]
    assert AvroReader(schema, "confluent").read(datum())[0] == []


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_container_files_need_no_schema(codec):
    content = container(codec, [VALUE] * 9)
    assert AvroReader().read(content) == ([FeedRecord(PLAIN, 0, len(content))] * 9, [])
    assert AvroReader().read(content[:-1])[0] == []
    assert AvroReader().read(content[:40])[0] == []


def test_a_container_with_zstandard():
    """fastavro needs another package to write one, so that its block is packed here."""
    plain = container("null", [VALUE])
    header = plain[: plain.index(b"\x08null") + 5]
    sync = plain[-16:]
    packed = zstandard.compress(datum())
    size = 2 * len(packed)
    block = b"\x02" + bytes([size & 0x7F | 0x80, size >> 7]) + packed + sync
    content = header.replace(b"\x08null", b"\x12zstandard") + plain[len(header) : plain.index(sync) + 16] + block
    assert AvroReader().read(content) == ([FeedRecord(PLAIN, 0, len(content))], [])


def test_a_container_that_inflates_too_much_is_refused():
    one = {"type": "record", "name": "R", "fields": [{"name": "b", "type": "bytes"}]}
    content = container("deflate", [{"b": bytes(33 << 20)}] * 2, one)
    (part,) = AvroReader().read(content)[1]
    assert "inflates past" in part.problem


def test_a_container_with_more_data_than_bytes_is_refused():
    empty = {"type": "record", "name": "R", "fields": []}
    content = container("null", [{}], empty)
    assert AvroReader().read(content)[1][0].problem == "not Avro of this schema: 1 data in 0 bytes"


def test_data_that_are_no_records_are_refused(tmp_path):
    path = tmp_path / "number.avsc"
    path.write_text('"long"')
    assert AvroReader(str(path)).read(b"\x02")[1][0].problem == "Avro without records"


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ('{"type": "array", "items": "null"}', "an array of elements that have no bytes"),
        (
            '{"type": "array", "items": {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}}',
            "an array of elements that have no bytes",
        ),
        ('{"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}', "elements that have no bytes"),
        (
            '{"type": "record", "name": "N", "fields": [{"name": "n", "type": ["null", "N"]}]}',
            "the type N holds itself",
        ),
        ('{"type": "record", "name": "N"}', "no Avro schema"),
        ('{"type": "wrong"}', "no Avro schema"),
        ("{", "no Avro schema"),
        ("[" * 5000, "no Avro schema"),
        ("5", "a type is int"),
    ],
)
def test_schemas_that_cannot_be_read_within_bounds_are_refused(tmp_path, schema, problem):
    path = tmp_path / "reading.avsc"
    path.write_text(schema)
    with pytest.raises(FeedFormatError, match=problem):
        AvroReader(str(path))


def test_options_are_checked(schema):
    with pytest.raises(FeedFormatError, match="framing: 'x' is none of"):
        AvroReader(schema, "x")
    with pytest.raises(FeedFormatError, match="schema: framing datum needs"):
        AvroReader(framing="datum")
    with pytest.raises(FeedFormatError, match=r"schema: .*nowhere"):
        AvroReader("nowhere/x.avsc")
    assert AvroReader().read(datum())[1][0].problem.endswith("no container file, and no schema is given")


def test_broken_data_are_never_more_than_a_bad_part(schema):
    readers = AvroReader(schema), AvroReader()
    seeds = [datum(), container("null", [VALUE] * 3), container("deflate", [VALUE] * 3)]
    rng = random.Random(1)
    for _ in range(600):
        content = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            content[rng.randrange(len(content))] = rng.choice([0, 1, 2, 127, 128, 255, rng.randrange(256)])
        for reader in readers:
            records, bad = reader.read(bytes(content))
            assert bool(records) != bool(bad)
