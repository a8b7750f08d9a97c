"""List the values in records by their paths, through texts that hold JSON or base64 of JSON."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from telemetry.feed.formats.path_steps import MAX_STEPS, PathMark, PathStep, write_path
from telemetry.feed.formats.paths import MISSING, take_step
from telemetry.feed.propose.columns import SampleColumn

Steps = tuple[PathStep, ...]
MAX_COLUMNS: Final = 2_000
_MOST_STEPS: Final = 12
_LONGEST_LIST: Final = 16  # numbers in a list that are values of their own, such as three axes
_LONGEST_NAME: Final = 200
_LONGEST_BASE64: Final = 100_000
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def walk(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield each value that is no object and no list, with its path, and lists of objects as they are."""
    value, steps = opened(value, steps)
    if len(steps) > min(_MOST_STEPS, MAX_STEPS) or any(
        isinstance(step, str) and len(step) > _LONGEST_NAME for step in steps
    ):
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from walk(inner, (*steps, name))
    elif isinstance(value, list):
        if any(isinstance(one, Mapping | list) for one in value):
            yield steps, value
        elif len(value) <= _LONGEST_LIST:
            yield from ((((*steps, place)), one) for place, one in enumerate(value))
    else:
        yield steps, value


def opened(value: Any, steps: Steps) -> tuple[Any, Steps]:
    """Return the object or list in a text of JSON, or of base64 of JSON, and its path; other values as they are."""
    if not isinstance(value, str) or not steps:
        return value, steps
    if value[:1] in ("{", "["):
        inner = take_step(value, PathMark.JSON)
        return (value, steps) if inner is MISSING else (inner, (*steps, PathMark.JSON))
    if len(value) <= _LONGEST_BASE64 and _BASE64.fullmatch(value):
        text = take_step(value, PathMark.BASE64)
        if isinstance(text, str) and text.strip()[:1] in ("{", "["):
            inner = take_step(text.strip(), PathMark.JSON)
            if inner is not MISSING:
                return inner, (*steps, PathMark.BASE64, PathMark.JSON)
    return value, steps


def columns_of(records: Sequence[Mapping[str, Any]], elements: Steps = ()) -> tuple[SampleColumn, ...]:
    """Return the values of records as columns, in the order in which they first come, at most `MAX_COLUMNS`.

    Args:
        records: nested.
        elements: path to what was an element of a list in each; its fields have their names there, as in a feed.
    """
    found: dict[Steps, list[Any]] = {}
    for row, record in enumerate(records):
        for steps, value in walk(record):
            if isinstance(value, list) or (steps not in found and len(found) >= MAX_COLUMNS):
                continue
            column = found.setdefault(steps, [])
            if len(column) <= row:
                column += [None] * (row - len(column))
                column.append(value)
    outside = tuple(step for step in elements if step is not PathMark.EACH)
    inside = {column_name(steps, outside) for steps in found if _is_inside(steps, outside)} if outside else set()
    return tuple(
        SampleColumn(
            column_name(steps, outside),
            (*values, *[None] * (len(records) - len(values))),
            tuple(step for step in steps if isinstance(step, str)),
            place=steps[-1] if isinstance(steps[-1], int) else None,
        )
        for steps, values in found.items()
        if not inside or _is_inside(steps, outside) or column_name(steps) not in inside
    )


def column_name(steps: Steps, outside: Steps = ()) -> str:
    """Return how a feed names the value at a path: a name of a record or element as it is, else the path."""
    if _is_inside(steps, outside):
        steps = steps[len(outside) :]
    return steps[0] if len(steps) == 1 and isinstance(steps[0], str) else write_path(steps)


def _is_inside(steps: Steps, outside: Steps) -> bool:
    """Return whether a path leads into an element, to a field with a name."""
    longer = len(outside) < len(steps) and steps[: len(outside)] == outside
    return bool(outside) and longer and isinstance(steps[len(outside)], str)
