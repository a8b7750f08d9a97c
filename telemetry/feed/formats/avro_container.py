"""Read object container files of Avro block by block; the library would inflate blocks without a bound."""

import json
from typing import Any, Final

from telemetry.feed.formats.avro_schema import AvroSchemaError, parse_avro_schema
from telemetry.feed.formats.inflate import MAX_INFLATED_BYTES, inflate

MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16
_CODECS: Final = {"deflate": "deflate", "bzip2": "bzip2", "xz": "xz", "zstandard": "zstd"}
_MOST_BYTES_OF_LONG: Final = 10


def read_blocks(payload: bytes) -> list[Any]:
    """Return the data of a container file.

    Raises:
        ValueError: if it is none, is cut off, or holds more than can be read; the library raises other errors as well.
    """
    if not payload.startswith(MAGIC):
        raise AvroSchemaError("no container file")
    metadata, position = _read_metadata(payload, len(MAGIC))
    schema = parse_avro_schema(json.loads(metadata.get("avro.schema", b"")))
    codec = metadata.get("avro.codec", b"null").decode()
    if codec != "null" and codec not in _CODECS:
        raise AvroSchemaError(f"the codec {codec[:40]} is none of null, {', '.join(_CODECS)}")
    sync, position = _take(payload, position, _SYNC_BYTES)
    values: list[Any] = []
    left = MAX_INFLATED_BYTES
    while position < len(payload):
        count, position = _read_long(payload, position)
        size, position = _read_long(payload, position)
        block, position = _take(payload, position, size)
        end, position = _take(payload, position, _SYNC_BYTES)
        if end != sync:
            raise AvroSchemaError("a block without its mark at the end")
        content = block if codec == "null" else inflate(_CODECS[codec], block, left)
        left -= len(content)
        values += schema.read_many(content, count)
    return values


def _read_metadata(payload: bytes, position: int) -> tuple[dict[str, bytes], int]:
    found: dict[str, bytes] = {}
    while True:
        count, position = _read_long(payload, position)
        if count == 0:
            return found, position
        if count < 0:  # then the size of the entries follows, which is of no use here
            count = -count
            _, position = _read_long(payload, position)
        for _ in range(count):
            size, position = _read_long(payload, position)
            name, position = _take(payload, position, size)
            size, position = _read_long(payload, position)
            found[name.decode()], position = _take(payload, position, size)


def _take(payload: bytes, position: int, size: int) -> tuple[bytes, int]:
    if not 0 <= size <= len(payload) - position:
        raise AvroSchemaError("the container file is cut off")
    return payload[position : position + size], position + size


def _read_long(payload: bytes, position: int) -> tuple[int, int]:
    """Return a number in zigzag encoding of variable length, and the position after it."""
    number = 0
    for index, byte in enumerate(payload[position : position + _MOST_BYTES_OF_LONG]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position + index + 1
    raise AvroSchemaError("a number that does not end")
