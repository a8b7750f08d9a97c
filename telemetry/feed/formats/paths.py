"""Compile paths into records, so that a value is looked up in less than a microsecond."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from telemetry.feed.formats.body import decode_base64
from telemetry.feed.formats.json_text import parse_any
from telemetry.feed.formats.path_steps import PathMark, PathStep, parse_path


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()
"""Result of a path that leads to nothing; None is a value."""
Lookup: TypeAlias = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class RecordPath:
    """A compiled path.

    Attributes:
        text: as it was given.
        steps: its steps.
        get: returns the value of a record at the path, or `MISSING`. A step ``*`` stays where it is: the record is
            taken as one that `telemetry.feed.formats.explode` made, with one element in the place of all.
    """

    text: str
    steps: tuple[PathStep, ...]
    get: Lookup

    def __reduce__(self) -> tuple[Callable[[str], "RecordPath"], tuple[str]]:
        """Pickle the text, because compiled functions cannot be pickled."""
        return compile_path, (self.text,)

    @property
    def explodes(self) -> bool:
        """Return whether the path has a step ``*``."""
        return PathMark.EACH in self.steps


def compile_path(text: str) -> RecordPath:
    """Return a compiled path.

    Raises:
        FeedFormatError: if the text is no path; see `parse_path`.
    """
    steps = parse_path(text)
    return RecordPath(text, steps, _compile([step for step in steps if step is not PathMark.EACH]))


def _compile(steps: Sequence[PathStep]) -> Lookup:
    match list(steps):
        case [str() as a]:
            return lambda record: record.get(a, MISSING)
        case [str() as a, str() as b]:

            def two(record: dict[str, Any]) -> Any:
                try:
                    return record[a][b]
                except (KeyError, TypeError, IndexError):
                    return MISSING

            return two
        case [str() as a, str() as b, str() as c]:

            def three(record: dict[str, Any]) -> Any:
                try:
                    return record[a][b][c]
                except (KeyError, TypeError, IndexError):
                    return MISSING

            return three
        case several:
            return _walk(several)


def _walk(steps: Sequence[PathStep]) -> Lookup:
    def get(record: dict[str, Any]) -> Any:
        value: Any = record
        for step in steps:
            value = take_step(value, step)
            if value is MISSING:
                break
        return value

    return get


def take_step(value: Any, step: PathStep) -> Any:
    """Return what one step leads to from a value, or `MISSING`; ``*`` leads nowhere."""
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(step, int):
        inside = isinstance(value, list) and -len(value) <= step < len(value)
        return value[step] if inside else MISSING
    if step is PathMark.JSON:
        return _read_json(value)
    return _read_base64(value) if step is PathMark.BASE64 else MISSING


def _read_json(value: Any) -> Any:
    """Return the value of JSON in a text; what is decoded already stays."""
    if isinstance(value, dict | list):
        return value
    if not isinstance(value, str | bytes):
        return MISSING
    try:
        return parse_any(value.encode() if isinstance(value, str) else value)
    except (ValueError, RecursionError, msgspec.DecodeError):
        return MISSING


def _read_base64(value: Any) -> Any:
    """Return the bytes of base64 text, as text if they are UTF-8; what is decoded already stays."""
    if isinstance(value, dict | list):
        return value
    if not isinstance(value, str) or not value.isascii():
        return MISSING
    try:
        content = decode_base64(value.encode())
    except ValueError:
        return MISSING
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
