"""Find lists of times within records, beside which their values lie in other lists."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from telemetry.feed.propose.columns import SampleColumn
from telemetry.feed.propose.names import time_score
from telemetry.feed.propose.record_values import Steps
from telemetry.feed.times.recognise import recognise

_LOOKED_AT: Final = 20  # records
_SAMPLES: Final = 50
_MOST_ROWS: Final = 5_000
_LEAST_READ: Final = 0.9
_MOST_STEPS: Final = 8


def spread_times(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return a record for each time of the lists of times in records; None if they have no such list.

    Each has one element in the place of every list that is as long as that of the times.
    """
    path = next((path for record in records[:_LOOKED_AT] if (path := _times_of(record))), None)
    if path is None:
        return None
    rows: list[dict[str, Any]] = []
    for record in records:
        times = _at(record, path)
        if not isinstance(times, list):
            rows.append(record)
            continue
        rows += [_element(record, place, len(times)) for place in range(min(len(times), _MOST_ROWS - len(rows)))]
        if len(rows) >= _MOST_ROWS:
            break
    return rows


def _times_of(record: dict[str, Any]) -> Steps | None:
    """Return the path of the list of times that looks most like it."""
    lists = list(_lists(record, ()))
    best, best_score = None, 0.0
    for path, values in lists:
        score = time_score(str(path[-1]))
        if score > best_score and _are_times(values) and any(_goes_with(values, other) for _, other in lists):
            best, best_score = path, score
    return best


def _lists(value: Mapping[str, Any], steps: Steps) -> Iterator[tuple[Steps, list[Any]]]:
    """Yield the lists of texts and numbers in an object, with their paths."""
    for name, inner in value.items():
        if isinstance(inner, Mapping) and len(steps) < _MOST_STEPS:
            yield from _lists(inner, (*steps, name))
        elif isinstance(inner, list) and inner and not any(isinstance(one, Mapping | list) for one in inner):
            yield (*steps, name), inner


def _are_times(values: list[Any]) -> bool:
    texts = SampleColumn("", tuple(values[:_SAMPLES]), ()).texts
    return recognise(texts).confidence >= _LEAST_READ


def _goes_with(times: list[Any], other: list[Any]) -> bool:
    """Return whether another list has a number, or nothing, for each time."""
    if other is times or len(other) != len(times):
        return False
    return SampleColumn("", tuple(other[:_SAMPLES]), ()).number_share > 0


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _element(value: Any, place: int, size: int) -> Any:
    """Return a value with the elements at one place of its lists of a length."""
    if isinstance(value, Mapping):
        return {name: _element(inner, place, size) for name, inner in value.items()}
    return value[place] if isinstance(value, list) and len(value) == size else value
