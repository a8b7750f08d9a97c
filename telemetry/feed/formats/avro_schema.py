"""Parse Avro schemas, and refuse those whose data could not be read within bounds."""

import io
from typing import Any, Final

_MAX_DEPTH: Final = 32


class AvroSchemaError(ValueError):
    """A schema that cannot be used, or a datum that does not end where its bytes end."""


class AvroSchema:
    """One parsed schema."""

    def __init__(self, schema: Any) -> None:
        """Parse a schema; fastavro raises errors of many kinds for one that is wrong."""
        from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

        if isinstance(schema, str):
            schema = {"type": schema}
        _check(schema, {}, ())
        self._schema = parse_schema(schema)
        self.fingerprint = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
        """Eight bytes that single-object encoding puts before a datum, the lowest first, as fastavro has them."""

    def read(self, stream: io.BytesIO) -> Any:
        """Return the next datum of a stream."""
        from fastavro import schemaless_reader

        return schemaless_reader(stream, self._schema, None)

    def read_one(self, content: bytes) -> Any:
        """Return the datum that fills some bytes.

        Raises:
            AvroSchemaError: if bytes are left over.
        """
        stream = io.BytesIO(content)
        value = self.read(stream)
        if stream.read(1):
            raise AvroSchemaError("bytes are left over behind the datum")
        return value

    def read_many(self, content: bytes, count: int) -> list[Any]:
        """Return data that follow each other and fill some bytes.

        Raises:
            AvroSchemaError: if there can be no such number, or bytes are left over.
        """
        if not 0 <= count <= len(content):
            raise AvroSchemaError(f"{count} data in {len(content)} bytes")
        stream = io.BytesIO(content)
        values = [self.read(stream) for _ in range(count)]
        if stream.read(1):
            raise AvroSchemaError("bytes are left over behind the data")
        return values


def parse_avro_schema(schema: Any) -> AvroSchema:
    """Return a schema that is given as JSON; see `AvroSchema`."""
    return AvroSchema(schema)


def _check(schema: Any, named: dict[str, bool], open_names: tuple[str, ...]) -> bool:
    """Return whether a datum has at least one byte, for certain.

    Refused are recursive schemas, because a datum can be nested so deeply that the library's parser crashes, and
    arrays of elements without bytes, because a few bytes could announce any number of them.

    Raises:
        AvroSchemaError: if the schema is refused.
    """
    if len(open_names) > _MAX_DEPTH:
        raise AvroSchemaError("nested too deeply")
    if isinstance(schema, list):
        for one in schema:
            _check(one, named, (*open_names, ""))
        return True
    if isinstance(schema, str):
        name = schema.rpartition(".")[2]
        if name in open_names:
            raise AvroSchemaError(f"the type {name} holds itself")
        return named.get(name, schema != "null")
    if not isinstance(schema, dict):
        raise AvroSchemaError(f"a type is {type(schema).__name__}")
    kind, name = schema.get("type"), str(schema.get("name", "")).rpartition(".")[2]
    inside = (*open_names, name)
    if kind in ("record", "error"):
        filled = [_check(field["type"], named, inside) for field in schema["fields"]]
        named[name] = any(filled)
        return named[name]
    if kind == "fixed":
        named[name] = bool(schema.get("size"))
        return named[name]
    if kind == "array" and not _check(schema.get("items"), named, inside):
        raise AvroSchemaError("an array of elements that have no bytes")
    if kind == "map":
        _check(schema.get("values"), named, inside)
    if kind in ("array", "map", "enum"):
        return True
    return _check(kind, named, inside)
