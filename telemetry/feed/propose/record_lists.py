"""Find the list within records whose elements are the readings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from telemetry.feed.formats.explode import TooManyElementsError, explode
from telemetry.feed.formats.path_steps import PathMark, PathStep, write_path
from telemetry.feed.formats.paths import compile_path
from telemetry.feed.propose.columns import SampleColumn
from telemetry.feed.propose.names import is_quantity, metric_name_score, time_score, tokens, value_rank
from telemetry.feed.propose.record_values import Steps, columns_of, opened, walk
from telemetry.feed.propose.vocabulary import word_set

_LOOKED_AT: Final = 50  # records
_READINGS: Final = word_set(
    "readings data values measurements records items points samples entries feeds results sensors observations metrics "
    "telemetry events payload series body rows datapoints list states devices nodes stations channels messages e "
    "measures messwerte dps params properties uplinks features"
)
METADATA: Final = word_set(
    "rx tx rxinfo txinfo rxmetadata gateways gateway metadata meta uplinktoken links errors warnings "
    "correlation settings network version permissions attachments annotations headers fields_info schema"
)
_SAME_SHAPE: Final = 0.6


@dataclass(frozen=True, slots=True)
class FoundList:
    """List of readings within records.

    Attributes:
        records: its path, as a feed writes it.
        path: to an element.
        rows: the records that its elements become.
        reason: one line.
        confidence: that its elements are the readings.
    """

    records: str
    path: Steps
    rows: list[dict[str, Any]]
    reason: str
    confidence: float


def find_list(records: Sequence[dict[str, Any]]) -> FoundList | None:
    """Return the list whose elements are readings; None if each record is one."""
    paths = list(dict.fromkeys(path for record in records[:_LOOKED_AT] for path in _lists(record, ())))
    outer = columns_of(records[:_LOOKED_AT])
    best: FoundList | None = None
    best_score = 0.0
    for path in paths:
        rows = _exploded(records, path)
        if rows is None or len(rows) < 1:
            continue
        score = _score(path, rows, outer)
        if score > best_score:
            best_score = score
            sure = round(min(0.5 + score / 10, 0.95), 2)
            best = FoundList(_text(path), path, rows, _reason(len(records), len(rows)), sure)
    return best


def is_metadata(name: str) -> bool:
    """Return whether a step of a path leads to what the network or the envelope says of itself."""
    words = tokens(name)
    return "".join(words) in METADATA or bool(words and words[0] in ("rx", "tx", "correlation", "gateway", "gateways"))


def _lists(value: Any, steps: Steps) -> Iterator[Steps]:
    """Yield the paths to the elements of lists of objects or of lists, and of objects with values of one shape."""
    value, steps = opened(value, steps)
    if isinstance(value, Mapping):
        if _is_map(value):
            yield (*steps, PathMark.EACH)
            yield from _inside(list(value.values()), (*steps, PathMark.EACH))
        for name, inner in value.items():
            if not is_metadata(name):
                yield from _lists(inner, (*steps, name))
    elif isinstance(value, list) and steps and any(isinstance(one, Mapping | list) for one in value):
        yield (*steps, PathMark.EACH)
        yield from _inside(value, (*steps, PathMark.EACH))


def _inside(elements: Sequence[Any], steps: Steps) -> Iterator[Steps]:
    for element in elements[:3]:
        if isinstance(element, Mapping):
            for name, inner in element.items():
                if not is_metadata(name):
                    yield from _lists(inner, (*steps, name))
        elif isinstance(element, list) and any(isinstance(one, Mapping) for one in element):
            yield (*steps, PathMark.EACH)


def _is_map(value: Mapping[str, Any]) -> bool:
    """Return whether an object is a list with names: its values have the same fields, or are lists of objects."""
    inner = list(value.values())
    if len(inner) >= 1 and all(isinstance(one, list) and one and isinstance(one[0], Mapping) for one in inner):
        return len(inner) >= 2 or any(map(is_quantity, value))
    if len(inner) < 2 or not all(isinstance(one, Mapping) and one for one in inner):
        return False
    if any(is_quantity(name) for name in value) or any(is_metadata(name) for name in value):
        return False
    every, some = set(inner[0]), set(inner[0])
    for one in inner[1:]:
        every &= set(one)
        some |= set(one)
    return len(every) >= _SAME_SHAPE * len(some)


def _exploded(records: Sequence[dict[str, Any]], path: Steps) -> list[dict[str, Any]] | None:
    try:
        compiled = compile_path(write_path(path))
        return [row for record in records for row in explode(record, compiled)][:5000]
    except TooManyElementsError:
        return None


def _score(path: Steps, rows: Sequence[dict[str, Any]], outer: Sequence[SampleColumn]) -> float:
    """Return how much elements look like readings; 0 if they do not."""
    root = next((place for place, step in enumerate(path) if step is PathMark.EACH), 0)
    names = tuple(step for step in path[:root] if isinstance(step, str))
    columns = columns_of(rows[:_LOOKED_AT])
    inside = [column for column in columns if column.steps[: len(names)] == names] if names else list(columns)
    numbers = [column for column in inside if column.finite]
    if not numbers:
        return 0.0
    timed = any(time_score(column.word) > 0 and column.texts for column in inside)
    listed = any(column.place is not None for column in inside)
    long = any(metric_name_score(c.word) for c in inside) and any(value_rank(c.steps[-1]) >= 0 for c in numbers)
    known = any(is_quantity(column.word) for column in numbers)
    readings = any(isinstance(step, str) and "".join(tokens(step)) in _READINGS for step in path) or not names
    outside = any(is_quantity(c.word) and c.finite for c in outer if c.steps[: len(names)] != names)
    if outside and not (long or (timed and (known or readings))):
        return 0.0
    depth = 0.5 * path.count(PathMark.EACH)
    return (
        2.0 * timed + 1.5 * long + 1.0 * known + 1.0 * readings + 0.5 * listed + depth
        if timed or long or readings or known
        else 0.0
    )


def _text(path: Steps) -> str:
    """Return a path as `records` has it: that of the list, without a step to its elements where that is clear."""
    plain: tuple[PathStep, ...] = path[:-1]
    return write_path(plain if plain and PathMark.EACH not in plain else path)


def _reason(records: int, rows: int) -> str:
    kind = "element" if records == rows == 1 else "elements"
    return f"{rows:,} {kind} in {records:,} {'record' if records == 1 else 'records'} look like readings"


__all__ = ["METADATA", "FoundList", "find_list", "is_metadata", "walk"]
