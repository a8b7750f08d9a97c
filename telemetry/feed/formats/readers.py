"""Make the reader of a format by its name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from telemetry.feed.formats.avro import AvroReader
from telemetry.feed.formats.body import UnwrappingReader, parse_body
from telemetry.feed.formats.json_documents import JsonReader
from telemetry.feed.formats.line_protocol import LineProtocolReader
from telemetry.feed.formats.own_decoder import OwnReader
from telemetry.feed.formats.protobuf import ProtobufReader
from telemetry.feed.formats.python_literal import PythonLiteralReader
from telemetry.feed.formats.records import FeedFormatError, RecordReader
from telemetry.feed.formats.senml import SenmlReader

_READERS: Final[Mapping[str, Callable[..., RecordReader]]] = {
    "json": JsonReader,
    "line-protocol": LineProtocolReader,
    "senml": SenmlReader,
    "avro": AvroReader,
    "protobuf": ProtobufReader,
    "python-literal": PythonLiteralReader,
}
FORMATS: Final = tuple(_READERS)
"""Names of the formats; besides them, ``module:function`` is a decoder of the user's own."""


def options_of(format: str) -> tuple[str, ...]:
    """Return the names of the options of a format, besides `body`, which all have."""
    return tuple(inspect.signature(_READERS[format]).parameters) if format in _READERS else ()


def record_reader(format: str, **options: Any) -> RecordReader:
    """Return the reader of a format.

    Args:
        format: one of `FORMATS`, or ``module:function``.
        **options: of the format, by name, all texts; and `body`, the wrappers around each payload.

    Raises:
        FeedFormatError: if there is no such format or option, or a value, file or package cannot be used.
    """
    wrappers = parse_body(_text("body", options.pop("body", "")))
    if format not in FORMATS and ":" not in format:
        raise FeedFormatError("format", f"{format!r} is none of {', '.join(FORMATS)}, and not module:function")
    known = options_of(format)
    for name, value in options.items():
        if name not in known:
            raise FeedFormatError(name, f"{format} has {_listed(known)}")
        _text(name, value)
    reader = _READERS[format](**options) if format in FORMATS else OwnReader(format)
    return UnwrappingReader(wrappers, reader) if wrappers else reader


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise FeedFormatError(name, f"{value!r} is not text")
    return value


def _listed(known: tuple[str, ...]) -> str:
    return f"only the options {', '.join((*known, 'body'))}" if known else "only the option body"
