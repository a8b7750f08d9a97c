"""Look fields up in records, by name or by path."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from telemetry.feed.formats.path_steps import PathStep, parse_path
from telemetry.feed.formats.paths import MISSING, compile_path
from telemetry.feed.formats.records import FeedFormatError

FieldLookup: TypeAlias = Callable[[dict[str, Any]], Any]
"""Returns the value of a field of a record; None if it has no such field."""
_OF_PATHS: Final = frozenset('."[|*')


def compile_field(name: str) -> FieldLookup:
    """Return the lookup of a field: by its name as it is, if a record has it, else by the path that the name is."""
    steps = steps_of(name)
    if len(steps) < 2:
        only = str(steps[0]) if steps else name
        return lambda record: record.get(only, record.get(name))
    get = compile_path(name).get

    def look_up(record: dict[str, Any]) -> Any:
        value = record.get(name, MISSING)
        if value is MISSING:
            value = get(record)
        return None if value is MISSING else value

    return look_up


def steps_of(name: str) -> tuple[PathStep, ...]:
    """Return the steps of a name that is a path; () if it is none, but perhaps a name all the same."""
    if not _OF_PATHS.intersection(name):
        return (name,)
    try:
        return parse_path(name)
    except FeedFormatError:
        return ()
