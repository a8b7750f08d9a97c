"""Read Avro: single data of a known schema, single-object encoding, Confluent's framing and object container files."""

import json
from typing import Any, Final

from telemetry.feed.formats.avro_container import MAGIC, read_blocks
from telemetry.feed.formats.avro_schema import AvroSchema, parse_avro_schema
from telemetry.feed.formats.plain import Budget, to_plain
from telemetry.feed.formats.records import (
    LIBRARY_ERRORS,
    BadPart,
    FeedFormatError,
    FeedRecord,
    describe,
    reject_whole,
)
from telemetry.storage.files import StorageError, read_file

FRAMINGS: Final = ("auto", "datum", "single-object", "confluent", "container")
_SINGLE_OBJECT: Final = b"\xc3\x01"
_SINGLE_OBJECT_BYTES: Final = 10  # marker and fingerprint
_CONFLUENT_BYTES: Final = 5  # a zero byte and the number of the schema in its registry


class AvroError(ValueError):
    """A payload that is not what its framing says."""


class AvroReader:
    """Reads each datum as a record; a record stands for its whole payload, which cannot be divided."""

    def __init__(self, schema: str = "", framing: str = "auto") -> None:
        """Read the schema.

        Args:
            schema: path of the schema as JSON; container files hold their own and need none.
            framing: one of `FRAMINGS`. ``auto`` tells container files and single-object encoding by their first bytes
                and takes everything else as a datum.

        Raises:
            FeedFormatError: if there is no such framing, or the schema cannot be read or bounded.
        """
        if framing not in FRAMINGS:
            raise FeedFormatError("framing", f"{framing!r} is none of {', '.join(FRAMINGS)}")
        try:
            import fastavro  # noqa: F401
        except ImportError as error:
            raise FeedFormatError("format", "avro needs the package fastavro: pip install fastavro") from error
        if not schema and framing not in ("auto", "container"):
            raise FeedFormatError("schema", f"framing {framing} needs the file of the schema")
        self._text = _read_schema(schema) if schema else b""
        self._framing = framing
        self._schema = _parse_schema(self._text, schema)

    def __getstate__(self) -> tuple[bytes, str]:
        """Pickle the text of the schema, so that its file is needed only where the job is started."""
        return self._text, self._framing

    def __setstate__(self, state: tuple[bytes, str]) -> None:
        """Parse the schema again."""
        self._text, self._framing = state
        self._schema = _parse_schema(self._text, "")

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload, or the payload as a bad part."""
        try:
            budget = Budget()
            values = [to_plain(value, budget) for value in self._data_of(payload)]
        except LIBRARY_ERRORS as error:
            return reject_whole(payload, f"not Avro of this schema: {describe(error)}")
        records = [FeedRecord(value, 0, len(payload)) for value in values if isinstance(value, dict)]
        if len(records) < len(values) or not records:
            return reject_whole(payload, "Avro without records")
        return records, []

    def _data_of(self, payload: bytes) -> list[Any]:
        framing = self._framing
        if framing == "auto":
            framing = "container" if payload.startswith(MAGIC) else "datum"
            framing = "single-object" if payload.startswith(_SINGLE_OBJECT) else framing
        if framing == "container":
            return read_blocks(payload)
        if self._schema is None:
            raise AvroError("no container file, and no schema is given")
        if framing == "single-object":
            if not payload.startswith(_SINGLE_OBJECT + self._schema.fingerprint):
                raise AvroError("the fingerprint of another schema, or none")
            return [self._schema.read_one(payload[_SINGLE_OBJECT_BYTES:])]
        if framing == "confluent":
            if not payload.startswith(b"\0") or len(payload) < _CONFLUENT_BYTES:
                raise AvroError("no number of a schema before the datum")
            return [self._schema.read_one(payload[_CONFLUENT_BYTES:])]
        return [self._schema.read_one(payload)]


def _read_schema(path: str) -> bytes:
    try:
        return read_file(path)
    except StorageError as error:
        raise FeedFormatError("schema", describe(error)) from error


def _parse_schema(text: bytes, path: str) -> AvroSchema | None:
    try:
        return parse_avro_schema(json.loads(text)) if text else None
    except LIBRARY_ERRORS as error:
        raise FeedFormatError("schema", f"{path}: no Avro schema: {describe(error)}") from error
