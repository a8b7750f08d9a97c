"""Read feed files (YAML)."""

import datetime as dt
import difflib
import re
from typing import Any, Final

import msgspec

from telemetry.feed.checks import check_feed
from telemetry.feed.errors import FeedError
from telemetry.feed.feed import Feed
from telemetry.storage.files import StorageError, read_file
from telemetry.text.marked_yaml import MarkedList, MarkedMapping, YamlError, read_yaml

_PLACE: Final = re.compile(r"(?P<problem>.*?)(?: - at `(?P<path>.*)`)?", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
DELIMITERS: Final = {"tab": "\t", "\\t": "\t", "space": " "}
"""Delimiters by the names that people write for them."""
_KEYS: Final = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def load_feed(path: str) -> Feed:
    """Read a feed on any Beam filesystem.

    Raises:
        FeedError: if it cannot be read, or is no feed.
    """
    try:
        return parse_feed(read_file(path).decode("utf-8"))
    except StorageError as error:
        raise FeedError(error.problem) from error
    except UnicodeDecodeError as error:
        raise FeedError("not UTF-8 text") from error


def parse_feed(text: str) -> Feed:
    """Read a feed from YAML text; see `load_feed`."""
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise FeedError(error.problem, error.line) from error
    if not isinstance(document, MarkedMapping) or "version" not in document:
        raise FeedError("must be a mapping with `version: 1`")
    _refuse_repeated(document, "")
    _write_out_dates(document)
    dialect = document.get("csv")
    if isinstance(dialect, MarkedMapping) and str(dialect.get("delimiter")).lower() in DELIMITERS:
        dialect["delimiter"] = DELIMITERS[str(dialect["delimiter"]).lower()]
    try:
        feed = msgspec.convert(document, Feed)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), document) from error
    found = check_feed(feed, document)
    if found is not None:
        _, line = _walk(document, found.keys)
        raise FeedError(f"{'.'.join(found.keys)}: {found.problem}", line)
    return feed


def _refuse_repeated(node: Any, where: str) -> None:
    """Refuse a field that is written twice, wherever it is."""
    if isinstance(node, MarkedMapping) and node.repeated is not None:
        name, line = node.repeated
        raise FeedError(f"{where}{name} is written twice", line)
    if isinstance(node, MarkedMapping):
        for name, inner in node.items():
            _refuse_repeated(inner, f"{where}{name}.")


def _write_out_dates(node: Any) -> None:
    """Replace points in time, which YAML reads as such, by their texts."""
    pairs = node.items() if isinstance(node, MarkedMapping) else enumerate(node) if isinstance(node, MarkedList) else ()
    for key, inner in list(pairs):
        if isinstance(inner, dt.date):
            node[key] = inner.isoformat()
        else:
            _write_out_dates(inner)


def _refusal(message: str, document: MarkedMapping) -> FeedError:
    """Return the error about a field, with its line and the likely name of one that is not known."""
    found = _PLACE.fullmatch(message)
    if found is None:
        return FeedError(message)
    keys = [name or index for name, index in _KEYS.findall(found["path"] or "")]
    problem, unknown = found["problem"], _UNKNOWN.match(found["problem"])
    node, line = _walk(document, keys)
    if unknown is not None:
        name = unknown[1]
        known = difflib.get_close_matches(name, _fields_at(keys), n=1)
        problem = f"unknown field {name!r}" + (f", did you mean {known[0]}?" if known else "")
        line = node.lines.get(name, line) if isinstance(node, MarkedMapping) else line
    where = ".".join(key for key in keys if key != "...")
    return FeedError(f"{where}: {problem}" if where else problem, line)


def _walk(node: Any, keys: list[str]) -> tuple[Any, int]:
    """Return the value at a path, as far as it is known, and its line."""
    line = 1
    for key in keys:
        if isinstance(node, MarkedMapping) and key in node:
            node, line = node[key], node.lines.get(key, line)
        elif isinstance(node, MarkedList) and key.isdecimal() and int(key) < len(node):
            node, line = node[int(key)], node.lines[int(key)]
        else:
            break
    return node, line


def _fields_at(keys: list[str]) -> list[str]:
    """Return the fields of the mapping at a path."""
    kind: Any = Feed
    for key in keys:
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        kind = next((one for one in _types_in(fields.get(key, kind)) if hasattr(one, "__struct_fields__")), kind)
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _types_in(kind: Any) -> list[Any]:
    return [kind, *(one for part in getattr(kind, "__args__", ()) for one in _types_in(part))]
