"""List the numbers in a record by their paths, to find out which metrics a feed has."""

from collections.abc import Mapping
from typing import Any, Final

from telemetry.feed.formats.path_steps import MAX_STEPS, PathStep, write_path

MAX_LEAVES: Final = 10_000
MAX_PATH_CHARACTERS: Final = 500
"""Longest path that is listed; a longer one is nobody's metric, and many of them would fill the memory."""


def flatten(record: Mapping[str, Any]) -> dict[str, float | int | bool]:
    """Return the numbers and booleans in a record by the path that `compile_path` takes, in their order.

    Deeper values than a path may go, longer paths, and more than `MAX_LEAVES` numbers are left out.
    """
    found: dict[str, float | int | bool] = {}
    open_values: list[tuple[tuple[PathStep, ...], int, Any]] = [((), 0, record)]
    while open_values and len(found) < MAX_LEAVES:
        steps, length, value = open_values.pop()
        if isinstance(value, bool | int | float):
            path = write_path(steps)
            if len(path) <= MAX_PATH_CHARACTERS:
                found[path] = value
        elif len(steps) < MAX_STEPS and isinstance(value, Mapping | list):
            inner = list(value.items() if isinstance(value, Mapping) else enumerate(value))
            for step, one in reversed(inner[:MAX_LEAVES]):
                longer = length + len(str(step))
                if longer <= MAX_PATH_CHARACTERS:
                    open_values.append(((*steps, step), longer, one))
    return found
