"""Make one record of each element of a list within a record, or of each value of an object."""

from collections.abc import Mapping
from typing import Any, Final

from telemetry.errors import TelemetryError
from telemetry.feed.formats.path_steps import PathMark, PathStep
from telemetry.feed.formats.paths import MISSING, RecordPath, take_step

KEY: Final = "*"
"""Name of the field that keeps the name of a value: in ``{"a": {…}, "b": {…}}`` it often is the device."""
MAX_COPIED: Final = 10_000_000
"""Most fields in the records that one record becomes; a list beside many fields would be too much for the memory."""


class TooManyElementsError(TelemetryError):
    """A record whose elements cannot be held with a copy of the fields around them each."""


def explode(record: dict[str, Any], path: RecordPath) -> list[dict[str, Any]]:
    """Return a record for each element at the steps ``*`` of a path, with the fields around it kept.

    Each record has the element in the place of its list. The values of an object are elements as well; their name
    is then the field `KEY`. Texts that the path decodes are replaced by their value on the way.

    Returns:
        The records; [] for an empty list, and the record as it is if the path leads to neither a list nor an object.

    Raises:
        TooManyElementsError: if they would hold too many fields.
    """
    if not path.explodes:
        return [record]
    last = len(path.steps) - 1 - path.steps[::-1].index(PathMark.EACH)
    found = _expand(record, path.steps[: last + 1], _Copies())
    if found is None:
        return [record]
    return [_as_record(value, key) for value, key in found]


def _as_record(value: Any, key: str | None) -> dict[str, Any]:
    """Return an element as a record; one of the whole record that is no object is the field `value`."""
    fields = value if isinstance(value, dict) else {"value": value}
    return fields if key is None else {**fields, KEY: key}


class _Copies:
    """Counts the fields that are copied for one record."""

    def __init__(self) -> None:
        self._left = MAX_COPIED

    def spend(self, fields: int) -> None:
        self._left -= fields
        if self._left < 0:
            raise TooManyElementsError(f"a record that becomes more than {MAX_COPIED} fields")


def _expand(value: Any, steps: tuple[PathStep, ...], copies: _Copies) -> list[tuple[Any, str | None]] | None:
    """Return (value with one element, name of the element) for each element; None if the path leads to none."""
    if not steps:
        return [(value, None)]
    step, rest = steps[0], steps[1:]
    if step is PathMark.EACH:
        return _elements(value, rest, copies)
    inner = take_step(value, step)
    found = None if inner is MISSING else _expand(inner, rest, copies)
    if found is None or isinstance(step, PathMark):
        return found
    copies.spend(len(found) * len(value))
    return [(_put(value, step, one), key) for one, key in found]


def _elements(value: Any, rest: tuple[PathStep, ...], copies: _Copies) -> list[tuple[Any, str | None]] | None:
    if isinstance(value, Mapping):
        pairs: list[tuple[str | None, Any]] = list(value.items())
    elif isinstance(value, list):
        pairs = [(None, element) for element in value]
    else:
        return None
    found: list[tuple[Any, str | None]] = []
    for name, element in pairs:
        inside = _expand(element, rest, copies)
        # An element without the list that the path goes on to stays one record, so that it is not lost.
        found += [(one, name if key is None else key) for one, key in ([(element, None)] if inside is None else inside)]
    return found


def _put(value: Any, step: PathStep, inner: Any) -> Any:
    """Return a copy of an object or a list, with another value at a step that leads to one."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = inner
    return copy
