"""Read and write the file of shelves that lies beside a rules file: ``rules.shelved.json`` beside ``rules.yaml``."""

import posixpath
from typing import Final

import msgspec

from telemetry.rules.errors import RuleError
from telemetry.rules.fields import shown
from telemetry.rules.shelf import Shelf
from telemetry.storage.files import StorageError, exists, read_file, write_file
from telemetry.text.timestamps import format_time, parse_time

_FORMAT: Final = 1


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """The fields of a `Shelf`; the time as RFC 3339 text."""

    rule: str = ""
    device: str = "*"
    until: str
    reason: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    shelves: tuple[_Entry, ...] = ()


def shelves_path(rules_path: str) -> str:
    """Return the path of the file of shelves for a rules file, on the same filesystem."""
    return f"{posixpath.splitext(rules_path)[0]}.shelved.json"


def load_shelves(rules_path: str) -> tuple[Shelf, ...]:
    """Return the shelves beside a rules file, those that have ended among them; none if there is no such file.

    Raises:
        RuleError: if it cannot be read, or is no such file.
    """
    path = shelves_path(rules_path)
    try:
        if not exists(path):
            return ()
        plain = msgspec.json.decode(read_file(path), type=_File)
    except StorageError as error:
        raise RuleError(error.problem, file=path) from error
    except msgspec.MsgspecError as error:
        raise RuleError(f"not a file of shelves: {error}", file=path) from error
    if plain.format != _FORMAT:
        raise RuleError(f"format {plain.format} is that of another version", file=path)
    return tuple(_shelf(entry, path) for entry in plain.shelves)


def write_shelves(rules_path: str, shelves: tuple[Shelf, ...]) -> None:
    """Write the file of shelves beside a rules file.

    Raises:
        StorageError: if it cannot be written.
    """
    entries = tuple(
        _Entry(rule=shelf.rule, device=shelf.device, until=format_time(shelf.until_us), reason=shelf.reason)
        for shelf in shelves
    )
    content = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, entries)), indent=2)
    write_file(shelves_path(rules_path), content + b"\n", durable=True)


def _shelf(entry: _Entry, path: str) -> Shelf:
    try:
        until_us = parse_time(entry.until)
    except (ValueError, OverflowError) as error:
        raise RuleError(f"until: must be a time, not {shown(entry.until)} ({error})", file=path) from error
    return Shelf(until_us, entry.rule, entry.device, entry.reason)
