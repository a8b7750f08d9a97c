"""Read Protocol Buffers with a descriptor file, as ``protoc --include_imports --descriptor_set_out=FILE`` writes it."""

from collections.abc import Iterator
from typing import Any, Final

from telemetry.feed.formats.plain import Budget, PlainValueError
from telemetry.feed.formats.protobuf_fields import MessageReader
from telemetry.feed.formats.records import (
    LIBRARY_ERRORS,
    BadPart,
    FeedFormatError,
    FeedRecord,
    describe,
    keep_whole_if_nothing_read,
    reject_whole,
)
from telemetry.storage.files import StorageError, read_file

FRAMINGS_OF_PROTOBUF: Final = ("message", "length-delimited", "confluent")
_MOST_BYTES_OF_LENGTH: Final = 5
_CONFLUENT_BYTES: Final = 5  # a zero byte and the number of the schema in its registry


class ProtobufReader:
    """Reads each message as a record with the names of fields in the schema.

    Fields without presence that are not sent have their default: a temperature of exactly zero is never on the wire.
    """

    def __init__(self, descriptor: str = "", message: str = "", framing: str = "message") -> None:
        """Read the descriptor file.

        Args:
            descriptor: path of a FileDescriptorSet, with all imports.
            message: full name of the message, such as ``acme.sensors.Reading``.
            framing: ``message`` if a payload is one message; ``length-delimited`` if it is a stream of them, each
                behind its length as a varint; ``confluent`` if the number of a schema and the position of the message
                in it are before each message.

        Raises:
            FeedFormatError: if an option or the file cannot be used.
        """
        if framing not in FRAMINGS_OF_PROTOBUF:
            raise FeedFormatError("framing", f"{framing!r} is none of {', '.join(FRAMINGS_OF_PROTOBUF)}")
        if not descriptor:
            raise FeedFormatError("descriptor", "protobuf needs the file of its descriptors")
        if not message:
            raise FeedFormatError("message", "protobuf needs the full name of the message")
        try:
            self._descriptors = read_file(descriptor)
        except StorageError as error:
            raise FeedFormatError("descriptor", describe(error)) from error
        self._name, self._framing = message, framing
        self._class, self._errors = _load_class(self._descriptors, descriptor, message)

    def __getstate__(self) -> tuple[bytes, str, str]:
        """Pickle the descriptors, so that their file is needed only where the job is started."""
        return self._descriptors, self._name, self._framing

    def __setstate__(self, state: tuple[bytes, str, str]) -> None:
        """Make the class again."""
        self._descriptors, self._name, self._framing = state
        self._class, self._errors = _load_class(self._descriptors, "", self._name)

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload and the bytes that are no message."""
        budget = Budget()
        if self._framing != "length-delimited":
            content = _without_prefix(payload) if self._framing == "confluent" else payload
            if content is None:
                return reject_whole(payload, "no number of a schema before the message")
            problem, value = self._parse(content, budget)
            return ([FeedRecord(value, 0, len(payload))], []) if not problem else reject_whole(payload, problem)
        records: list[FeedRecord] = []
        bad: list[BadPart] = []
        for first, begin, end in _frames(payload):
            problem, value = ("the length of a message is wrong", {}) if begin < 0 else ("", {})
            if not problem:
                problem, value = self._parse(payload[begin:end], budget)
            if problem:
                bad.append(BadPart(first, end, problem))
            else:
                records.append(FeedRecord(value, first, end))
        return (records, bad) if records else keep_whole_if_nothing_read(payload, records, bad)

    def _parse(self, content: bytes, budget: Budget) -> tuple[str, dict[str, Any]]:
        """Return the problem with a message, or "" and its fields."""
        try:
            message = self._class.FromString(content)
            if content and not message.ListFields() and not _is_default(message, content):
                return f"holds no field of {self._name}", {}
            return "", MessageReader(budget).fields_of(message)
        except PlainValueError as error:
            return describe(error), {}
        except self._errors as error:
            return f"no {self._name}: {describe(error)}", {}


def _is_default(message: Any, content: bytes) -> bool:
    """Return whether a message without fields is one whose fields were all sent with their defaults."""
    return bool(message.ByteSize() != len(content))


def _frames(payload: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (first byte, first byte of the message, end) of messages; the second is -1 for a rest that is none."""
    position = 0
    while position < len(payload):
        first, length = position, 0
        for index, byte in enumerate(payload[position : position + _MOST_BYTES_OF_LENGTH]):
            length |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                position += index + 1
                break
        if position == first or length > len(payload) - position:
            yield first, -1, len(payload)
            return
        yield first, position, position + length
        position += length


def _without_prefix(payload: bytes) -> bytes | None:
    """Return a message without a zero byte, four of the schema and the path to its type; None if they are not there."""
    position = _CONFLUENT_BYTES
    if not payload.startswith(b"\0") or len(payload) <= position:
        return None
    for _ in range(payload[position] // 2):  # positions are in zigzag encoding, and a single zero is the first type
        position += 1
        while position < len(payload) and payload[position] >= 0x80:
            position += 1
    return payload[position + 1 :] if position < len(payload) else None


def _load_class(content: bytes, path: str, name: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return the class of a message, and the errors with which its payloads can fail."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise FeedFormatError("format", "protobuf needs the package protobuf: pip install protobuf") from error
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(content).file
    except DecodeError as error:
        raise FeedFormatError("descriptor", f"{path} is no FileDescriptorSet: {describe(error)}") from error
    pool = descriptor_pool.DescriptorPool()
    try:
        for file in files:
            pool.Add(file)
        found = pool.FindMessageTypeByName(name)
        return message_factory.GetMessageClass(found), (*LIBRARY_ERRORS, DecodeError, json_format.Error)
    except KeyError as error:
        names = [f"{file.package}.{one.name}".lstrip(".") for file in reversed(files) for one in file.message_type]
        raise FeedFormatError("message", f"{name} is not in {path}, which has {', '.join(names[:8])}") from error
    except LIBRARY_ERRORS as error:
        raise FeedFormatError(
            "descriptor", f"{path}: {describe(error)} (was it written with --include_imports?)"
        ) from error
