"""Messages of files: what they tell of the file besides the rows."""

import gzip
import io
import tracemalloc
from typing import Any

import pytest

from telemetry.feed.feed import CsvFields, DeviceFields, Feed, TimeFields
from telemetry.feed.files.blocks import begun
from telemetry.feed.files.look import LOOK_BYTES, look_at_beginning
from telemetry.feed.files.messages import file_messages, file_name
from telemetry.model.messages import CONTENT_ENCODING, Message
from telemetry.storage.unpacking import unpacked

START = Feed(time=TimeFields(start="2020-01-01T00:00:00Z"), device=DeviceFields(column="device"))


def messages(content: bytes, feed: Feed, name: str = "in/rows.csv", block: int = 1 << 20) -> list[Message]:
    shape = look_at_beginning(content[:LOOK_BYTES], file_name(name), feed)
    return list(file_messages(io.BytesIO(content), name, shape, portion=3, block_bytes=block))


def test_the_canonical_form_tells_nothing() -> None:
    assert messages(b"ts,device\n1,a\n", Feed()) == [
        Message(b"1,a\n", {}, "in/rows.csv@10", columns=("ts", "device"), portion=3)
    ]


@pytest.mark.parametrize(
    ("content", "feed", "name", "attributes"),
    [
        (b"ts,t\n1,2\n", Feed(device=DeviceFields(file=True)), "in/attic.csv.gz", {"file": "attic.csv"}),
        (b"ts\tdevice\n1\ta\n", Feed(), "a.tsv", {"delimiter": "\t"}),
        (b'ts,device,n\n1,a,"x\ny"\n', Feed(), "a.csv", {"multiline": "true"}),
        (b"[{},{}]", Feed(), "a.json", {"multiline": "true"}),
        (b"device,t\na,2\n", START, "a.csv", {"first_row": "0"}),
        (b"ts;device\n1;a\n", Feed(csv=CsvFields(delimiter=";")), "a.csv", {}),
    ],
)
def test_attributes_tell_what_the_feed_does_not(
    content: bytes, feed: Feed, name: str, attributes: dict[str, Any]
) -> None:
    (message,) = messages(content, feed, name)
    assert dict(message.attributes) == attributes


@pytest.mark.parametrize("block", [1, 7, 30, 1_000])
def test_first_rows_are_counted(block: int) -> None:
    """Lines of which several are one row count once, and blank lines count as the reader of rows counts them."""
    rows = [b'"a",1\n', b"\n", b'"b\n\nb",2\n', b"a,3\n", b'"a,4\n', b"b,5"]
    content = b"device,t\n" + b"".join(rows)
    found = messages(content, START, block=block)
    assert b"".join(message.payload for message in found) == b"".join(rows)
    before = 0
    for message in found:
        assert message.attributes["first_row"] == str(before)
        before += sum(row in message.payload for row in rows[2:]) + message.payload.startswith(rows[0])
        before += message.payload.count(b"\n\n") - message.payload.count(b"b\n\nb") + (message.payload == b"\n")
    assert before == len(rows)


def test_first_rows_of_documents_are_counted() -> None:
    content = b'{"device":"a"}\n[{"device":"b"},{"device":"c"}]\n{"device":"d"}\n'
    found = messages(content, START, "a.json", block=16)
    assert [(message.payload.strip(b" \n,"), message.attributes["first_row"]) for message in found] == [
        (b'{"device":"a"}', "0"),
        (b'{"device":"b"}', "1"),
        (b'{"device":"c"}', "2"),
        (b'{"device":"d"}', "3"),
    ]


def test_a_row_that_is_too_long_tells_its_length() -> None:
    content = b"ts,device\n" + b"x" * 1_000_000 + b"\n1,a\n"
    found = messages(content, Feed(), block=1 << 16)
    assert [(len(message.payload), dict(message.attributes)) for message in found] == [
        (262_145, {"line_bytes": "1000000"}),
        (4, {}),
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.avro"])
def test_damage_is_a_message_that_cannot_be_opened(name: str) -> None:
    lines = b"".join(b'{"ts":%d,"device":"a"}\n' % number for number in range(100_000))
    content = {
        "a.csv": b"ts,device\n" + b"1,a\n" * 900_000,
        "a.json": b"[" + lines.replace(b"\n", b",\n"),
        "a.avro": lines,
    }
    packed = gzip.compress(content[name], 1)[:-40]
    feed = Feed(format="avro") if name == "a.avro" else Feed()
    shape = look_at_beginning(content[name][:LOOK_BYTES], name, feed)
    stream = unpacked(io.BufferedReader(io.BytesIO(packed)), name)
    found = list(file_messages(stream, name, shape, block_bytes=1 << 18))
    damaged = [message for message in found if message.attributes.get(CONTENT_ENCODING) == "gzip"]
    assert [message.payload for message in damaged] == [b""]
    assert (len(found) > 3) is (name != "a.avro")


def test_a_pipe_is_read_from_its_beginning() -> None:
    content = b"ts,device\n" + b"1,a\n" * 400_000
    pipe = io.BytesIO(content)
    beginning = pipe.read(LOOK_BYTES)
    shape = look_at_beginning(beginning, "-", Feed())
    found = list(file_messages(begun(beginning, pipe), "-", shape))
    assert b"".join(message.payload for message in found) == content[10:]
    assert [message.message_id for message in found] == ["-@10", "-@1048586"]


@pytest.mark.parametrize("element", [b'{"ts": 1, "device": "a", "temp": [20.5, "\\"]"]}, ', b"{}\n,"])
def test_memory_does_not_grow_with_the_length_of_an_array(element: bytes) -> None:
    class Endless(io.RawIOBase):
        """An array on one line of 16 MB."""

        left = (16 << 20) // len(element)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            count = min(self.left, len(buffer) // len(element))
            self.left -= count
            content = element * count
            buffer[: len(content)] = content
            return len(content)

    beginning = b"[" + element
    shape = look_at_beginning(beginning * 2, "a.json", Feed())
    tracemalloc.start()
    size = 0
    for message in file_messages(begun(beginning, io.BufferedReader(Endless())), "a.json", shape, block_bytes=1 << 16):
        size += len(message.payload)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 15 << 20
    assert peak < 6 << 20


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("gs://bucket/folder/kitchen.csv", "kitchen.csv"),
        ("kitchen.csv.gz", "kitchen.csv"),
        ("C:\\in\\kitchen.zip", "kitchen"),
        ("-", "-"),
    ],
)
def test_file_names(path: str, name: str) -> None:
    assert file_name(path) == name
