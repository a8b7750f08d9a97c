"""Find the readings to be within records: elements of lists, objects within others, and columns of lists."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from telemetry.errors import TelemetryError
from telemetry.feed.formats.explode import KEY, TooManyElementsError, explode
from telemetry.feed.formats.path_steps import PathMark, PathStep, write_path
from telemetry.feed.formats.paths import MISSING, RecordPath, compile_path, take_step
from telemetry.feed.readings.record_fields import FieldLookup, compile_field

ELEMENT: Final = "value"
"""Field of an element that is no object."""

MOST_TIMES: Final = 200_000
"""Longest list of times of one record: each of them becomes a row."""


class NoElementsError(TelemetryError):
    """A record whose list of readings is empty."""


class RecordPart(NamedTuple):
    """One reading to be, as a part of a record.

    Attributes:
        fields: where its values are looked up first.
        around: the objects around it, the innermost first, where they are looked up then.
        alone: the record with this element alone, where others were in it; None for a whole record.
        steps: the path of the element in `alone`.
        place: index of its values in lists of all values of a field; -1 if fields have one value each.
        size: length of those lists.
    """

    fields: dict[str, Any]
    around: tuple[dict[str, Any], ...] = ()
    alone: dict[str, Any] | None = None
    steps: tuple[PathStep, ...] = ()
    place: int = -1
    size: int = 0

    def value(self, look_up: FieldLookup) -> Any:
        """Return the value of a field; None if there is none."""
        value = look_up(self.fields)
        for fields in self.around:
            if value is not None:
                break
            value = look_up(fields)
        is_column = self.place >= 0 and isinstance(value, list) and len(value) == self.size
        return value[self.place] if is_column else value

    def written(self) -> Any:
        """Return what is read as this reading alone, if it is a part of its record; else None."""
        whole = self.alone
        if self.place >= 0:
            whole = _cut(whole or (self.around[-1] if self.around else self.fields), self.place, self.size)
        if whole is None or not self.steps or self.steps[0] is not PathMark.EACH or KEY not in whole:
            return None if whole is None else _wrap(whole, self.steps)
        inner = {name: value for name, value in whole.items() if name != KEY}
        return {whole[KEY]: _wrap(inner, self.steps[1:])}


def compile_element_field(name: str) -> FieldLookup:
    """Return the lookup of a field, as `compile_field`; ``[0]`` is the first one of an element that is a list."""
    return compile_field(f"{ELEMENT}{name}" if name.startswith("[") else name)


class RecordParts:
    """Divides records into the parts that are readings.

    Args:
        records: path of the list whose elements are readings, or of an object that is one; "" for the record itself.
        time: column or path of the time, which may be a list of the times of all readings; "" if there is none.
        by_name: whether the values of an object at the path are the readings, because their names matter.
    """

    def __init__(self, records: str, time: str, *, by_name: bool = False) -> None:
        """Compile the path."""
        self._path = compile_path(records) if records else None
        if self._path is not None and by_name and self._path.steps[-1] is not PathMark.EACH:
            self._path = compile_path(write_path((*self._path.steps, PathMark.EACH)))
        self._time = compile_element_field(time) if time else None
        names = () if self._path is None else tuple(one for one in self._path.steps if one is not PathMark.EACH)
        self._steps: tuple[PathStep, ...] = names
        self._each = None if self._path is None else compile_path(write_path((*names, PathMark.EACH)))

    def of(self, record: dict[str, Any]) -> list[RecordPart]:
        """Return the parts of a record.

        Raises:
            TooManyElementsError: if there are too many to hold.
            NoElementsError: if there are none.
        """
        parts = [RecordPart(record)] if self._path is None else self._elements(record, self._path)
        if self._time is None:
            return parts
        found: list[RecordPart] = []
        for part in parts:
            times = part.value(self._time)
            if isinstance(times, list) and len(times) > MOST_TIMES:
                raise TooManyElementsError(f"a list of {len(times)} times, at most {MOST_TIMES} are read")
            if isinstance(times, list):
                found += [part._replace(place=place, size=len(times)) for place in range(len(times))]
            else:
                found.append(part)
        if not found:
            raise NoElementsError(f"{self._path.text if self._path else 'the time'} holds nothing")
        return found

    def _elements(self, record: dict[str, Any], path: RecordPath) -> list[RecordPart]:
        assert self._each is not None
        found: list[RecordPart] = []
        for one in explode(record, path):
            element = path.get(one)
            if isinstance(element, list) and path.steps[-1] is not PathMark.EACH:
                found += [self._part(inner, (*path.steps, PathMark.EACH)) for inner in explode(one, self._each)]
            else:  # the element of a list on the way, or the one of the record, which may also have none
                part = self._part(one, path.steps)
                found.append(part._replace(alone=None, steps=()) if one is record else part)
        return found

    def _part(self, alone: dict[str, Any], steps: tuple[PathStep, ...]) -> RecordPart:
        around: list[dict[str, Any]] = [alone]
        value: Any = alone
        for step in self._steps:
            value = take_step(value, step)
            if isinstance(value, dict):
                around.append(value)
        if not isinstance(value, dict):
            return RecordPart({ELEMENT: None if value is MISSING else value}, tuple(reversed(around)), alone, steps)
        fields = around.pop()
        return RecordPart(fields, tuple(reversed(around)), alone, steps)


def _wrap(record: Any, steps: Sequence[PathStep]) -> Any:
    """Return a record of one element with that element in a list again, so that it can be read again."""
    if not steps:
        return record
    step, rest = steps[0], steps[1:]
    if step is PathMark.EACH:
        return [_wrap(record, rest)]
    if isinstance(step, PathMark):
        return _wrap(record, rest)
    if take_step(record, step) is MISSING:  # the record has no such list, and is its own element
        return record
    inner: Any = dict(record) if isinstance(record, dict) else list(record)
    inner[step] = _wrap(inner[step], rest)
    return inner


def _cut(value: Any, place: int, size: int) -> Any:
    """Return a value in which lists of a length have one element only."""
    if isinstance(value, Mapping):
        return {name: _cut(inner, place, size) for name, inner in value.items()}
    if isinstance(value, list) and len(value) == size:
        return [value[place]]
    return value
