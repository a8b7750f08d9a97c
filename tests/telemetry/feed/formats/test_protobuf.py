import random
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as F

from telemetry.feed.formats.protobuf import ProtobufReader
from telemetry.feed.formats.records import BadPart, FeedFormatError, FeedRecord

NAME = "acme.Reading"


def field(
    name: str, number: int, kind: Any, type_name: str = "", label: Any = F.LABEL_OPTIONAL, optional: bool = False
) -> F:
    one = F(name=name, number=number, type=kind, label=label, type_name=type_name or None)
    if optional:
        one.proto3_optional = True
        one.oneof_index = 0
    return one


def descriptors() -> Any:
    """Return the descriptors of a small schema and its imports, as protoc would write them."""
    file = descriptor_pb2.FileDescriptorProto(name="reading.proto", package="acme", syntax="proto3")
    imported = timestamp_pb2, struct_pb2, wrappers_pb2
    file.dependency.extend(module.DESCRIPTOR.name for module in imported)
    file.enum_type.add(name="State").value.extend(
        [descriptor_pb2.EnumValueDescriptorProto(name=name, number=i) for i, name in enumerate(("OFF", "ON"))]
    )
    inner = file.message_type.add(name="Inner")
    inner.field.append(field("v", 1, F.TYPE_FLOAT))
    message = file.message_type.add(name="Reading")
    message.oneof_decl.add(name="_humidity")
    entry = message.nested_type.add(name="TagsEntry")
    entry.options.map_entry = True
    entry.field.extend([field("key", 1, F.TYPE_STRING), field("value", 2, F.TYPE_DOUBLE)])
    message.field.extend(
        [
            field("device_id", 1, F.TYPE_STRING),
            field("temp", 2, F.TYPE_DOUBLE),
            field("humidity", 3, F.TYPE_DOUBLE, optional=True),
            field("at", 4, F.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
            field("count", 5, F.TYPE_INT64),
            field("raw", 6, F.TYPE_BYTES),
            field("state", 7, F.TYPE_ENUM, ".acme.State"),
            field("list", 8, F.TYPE_MESSAGE, ".acme.Inner", F.LABEL_REPEATED),
            field("tags", 9, F.TYPE_MESSAGE, ".acme.Reading.TagsEntry", F.LABEL_REPEATED),
            field("more", 10, F.TYPE_MESSAGE, ".google.protobuf.Struct"),
            field("wrapped", 11, F.TYPE_MESSAGE, ".google.protobuf.Int64Value"),
            field("states", 12, F.TYPE_ENUM, ".acme.State", F.LABEL_REPEATED),
        ]
    )
    files = descriptor_pb2.FileDescriptorSet()
    for module in imported:
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().CopyFrom(file)
    return files


def encode(**fields) -> bytes:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptors().file:
        pool.Add(file)
    content: bytes = message_factory.GetMessageClass(pool.FindMessageTypeByName(NAME))(**fields).SerializeToString()
    return content


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "reading.desc"
    file.write_bytes(descriptors().SerializeToString())
    return str(file)


DEFAULTS = {
    "device_id": "", "temp": 0.0, "count": 0, "raw": "", "state": "OFF", "list": [], "tags": {}, "states": [],
}  # fmt: skip


def test_a_message_is_read_with_the_names_of_the_schema(path):
    payload = encode(
        device_id="a",
        temp=21.5,
        humidity=0.0,
        at={"seconds": 1594512094, "nanos": 500_000_000},
        count=2**62,
        raw=b"\x01",
        state=1,
        list=[{"v": 1.5}, {}],
        tags={"x": 2.0},
        more=struct_pb2.Struct(fields={"k": struct_pb2.Value(number_value=3)}),
        wrapped={"value": 7},
        states=[1, 0, 9],
    )
    assert ProtobufReader(path, NAME).read(payload) == (
        [
            FeedRecord(
                {
                    "device_id": "a",
                    "temp": 21.5,
                    "humidity": 0.0,
                    "at": "2020-07-12T00:01:34.500Z",
                    "count": 2**62,
                    "raw": "AQ==",
                    "state": "ON",
                    "list": [{"v": 1.5}, {"v": 0.0}],
                    "tags": {"x": 2.0},
                    "more": {"k": 3.0},
                    "wrapped": 7,
                    "states": ["ON", "OFF", 9],
                },
                0,
                len(payload),
            )
        ],
        [],
    )


def test_fields_that_are_not_sent_have_their_defaults(path):
    reader = ProtobufReader(path, NAME)
    assert reader.read(encode(device_id="a"))[0][0].value == {**DEFAULTS, "device_id": "a"}
    assert reader.read(b"")[0][0].value == DEFAULTS
    assert reader.read(b"\x28\x00")[0][0].value == DEFAULTS  # count is sent as 0


@pytest.mark.parametrize(
    "payload", [b"\n\x00\n\n\x0btemperature\n\n\n\n\x12\x02 \n", b"{}", b"\n\x05a", b"\xa0\x06\x01"]
)
def test_other_bytes_are_one_part(path, payload):
    records, (part,) = ProtobufReader(path, NAME).read(payload)
    assert records == []
    assert (part.first, part.end) == (0, len(payload))


def test_a_stream_of_messages(path):
    one, two = encode(device_id="a"), encode(device_id="b" * 200)
    payload = bytes([len(one)]) + one + bytes([len(two) & 0x7F | 0x80, len(two) >> 7]) + two
    reader = ProtobufReader(path, NAME, "length-delimited")
    records, bad = reader.read(payload)
    assert [record.value["device_id"] for record in records] == ["a", "b" * 200]
    assert [(record.first, record.end) for record in records] == [(0, 1 + len(one)), (1 + len(one), len(payload))]
    assert bad == []
    records, bad = reader.read(payload + b"\x01\xff" + payload + b"\x09a")
    assert [record.value["device_id"][0] for record in records] == ["a", "b", "a", "b"]
    assert [(part.first, part.end) for part in bad] == [
        (len(payload), len(payload) + 2),
        (2 * len(payload) + 2, 2 * len(payload) + 4),
    ]
    assert bad[1].problem == "the length of a message is wrong"
    for whole in (b"\xff\xff\xff\xff\xff\xff", b"\x05a"):
        assert reader.read(whole) == ([], [BadPart(0, len(whole), "the length of a message is wrong")])


def test_the_framing_of_confluent(path):
    one = encode(device_id="a")
    reader = ProtobufReader(path, NAME, "confluent")
    for prefix in (b"\0\0\0\0\x07\0", b"\0\0\0\0\x07\x02\x02", b"\0\0\0\0\x07\x04\x80\x01\x02"):
        assert reader.read(prefix + one)[0] == [FeedRecord({**DEFAULTS, "device_id": "a"}, 0, len(prefix + one))]
    for wrong in (one, b"", b"\0\0\0\0\x07", b"\0\0\0\0\x07\x04\x80"):
        assert reader.read(wrong)[1] == [BadPart(0, len(wrong), "no number of a schema before the message")]


def test_small_messages_with_many_fields_are_bounded(path):
    payload = bytes(300_000)  # each byte is an empty message of eight fields
    records, bad = ProtobufReader(path, NAME, "length-delimited").read(payload)
    assert len(records) < 130_000
    assert (bad[-1].end, bad[-1].problem) == (len(payload), "more than 1000000 values in a payload")


def test_options_are_checked(path, tmp_path):
    for options, problem in [
        ({}, "descriptor: protobuf needs the file"),
        ({"descriptor": path}, "message: protobuf needs the full name"),
        (
            {"descriptor": path, "message": "acme.Other"},
            r"acme.Other is not in .*, which has acme.Inner, acme.Reading, google",
        ),
        ({"descriptor": "nowhere/x", "message": NAME}, "descriptor: .*nowhere"),
        ({"descriptor": __file__, "message": NAME}, "is no FileDescriptorSet"),
        ({"descriptor": path, "message": NAME, "framing": "x"}, "framing: 'x' is none of"),
    ]:
        with pytest.raises(FeedFormatError, match=problem):
            ProtobufReader(**options)
    alone = tmp_path / "alone.desc"
    files = descriptors()
    del files.file[:3]
    alone.write_bytes(files.SerializeToString())
    with pytest.raises(FeedFormatError, match="include_imports"):
        ProtobufReader(str(alone), NAME)


def test_broken_messages_are_never_more_than_a_bad_part(path):
    seed = encode(device_id="a", temp=1.0, at={"seconds": 5}, list=[{"v": 1}], tags={"x": 1}, wrapped={"value": 1})
    reader = ProtobufReader(path, NAME)
    rng = random.Random(1)
    for _ in range(1000):
        content = bytearray(seed)
        for _ in range(rng.randint(1, 3)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        records, bad = reader.read(bytes(content))
        assert bool(records) != bool(bad)
