"""Choose the metrics among the columns of a sample, with their names and units."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from telemetry.feed.feed import MetricFields
from telemetry.feed.propose.choose_time import is_time
from telemetry.feed.propose.columns import SampleColumn
from telemetry.feed.propose.names import is_counter, is_envelope, is_quantity, other_meaning, tokens
from telemetry.feed.propose.record_lists import is_metadata
from telemetry.feed.propose.unit_names import split_unit, unit_behind, unit_in_words
from telemetry.feed.propose.vocabulary import word_set

MAX_METRICS: Final = 500
_LEAST_NUMBERS: Final = 0.5
_PAYLOADS: Final = word_set(
    "decodedpayload payload payloadfields data values fields measurements readings reading telemetry sensors metrics "
    "object body params reported decoded uplink message measurement state properties content"
)


@dataclass(slots=True)
class MetricChoices:
    """Metrics of a sample.

    Attributes:
        metrics: their fields by name; None for those of the name alone.
        columns: the column of each.
        confidence: that each is a metric.
        reasons: one line each.
        left_out: columns with numbers that are none, and why.
    """

    metrics: dict[str, MetricFields | None] = field(default_factory=dict)
    columns: dict[str, SampleColumn] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def choose_metrics(columns: Sequence[SampleColumn]) -> MetricChoices:
    """Return the metrics among columns that have no other meaning yet."""
    choices = MetricChoices()
    wanted: list[SampleColumn] = []
    for column in columns:
        if not _has_numbers(column):
            continue
        reason = _other_use(column)
        if reason:
            choices.left_out.append((column.name, reason))
        else:
            wanted.append(column)
    kept = _within_payload(wanted)
    choices.left_out += [(column.name, "beside the payload") for column in wanted if column not in kept]
    choices.left_out += [(column.name, f"the first {MAX_METRICS} are named") for column in kept[MAX_METRICS:]]
    for column, name in zip(kept, _names(kept[:MAX_METRICS]), strict=False):
        _add(choices, name, column)
    return choices


def metric_fields(name: str, column: str, unit: str, boolean: bool = False) -> MetricFields | None:
    """Return the fields of a metric; None if its name says everything."""
    fields = MetricFields(column="" if column == name else column, unit=unit, boolean=boolean)
    return None if fields == MetricFields() else fields


def unit_of(column: SampleColumn, name: str) -> str:
    """Return the unit that a row of units, the name of a column, or its cells say; "" if none does."""
    if column.unit:
        return column.unit
    unit = split_unit(name).unit or unit_in_words(name)
    if unit:
        return unit
    behind = Counter(unit_behind(value) for value in column.present if isinstance(value, str))
    unit, count = behind.most_common(1)[0] if behind else ("", 0)
    return unit if unit and 2 * count > len(column.present) else ""


def _add(choices: MetricChoices, name: str, column: SampleColumn) -> None:
    boolean = column.is_boolean
    unit = "" if boolean else unit_of(column, column.word)
    choices.metrics[name] = metric_fields(name, column.name, unit, boolean)
    choices.columns[name] = column
    if boolean:
        choices.confidence[name], choices.reasons[name] = 0.7, "all its values are true or false, or on or off"
    elif not column.present:
        choices.confidence[name], choices.reasons[name] = 0.3, "no value yet, only codes for a missing one"
    else:
        share = column.number_share
        choices.confidence[name] = round(min(share, 0.95 if is_quantity(column.word) or unit else 0.8), 2)
        choices.reasons[name] = f"{len(column.finite):,} of {len(column.present):,} values are numbers"


def _has_numbers(column: SampleColumn) -> bool:
    if column.empty:
        return False
    if column.is_boolean:
        return not any(map(is_metadata, column.steps[:-1]))
    return not column.present or column.number_share >= _LEAST_NUMBERS


def _other_use(column: SampleColumn) -> str:
    """Return why numbers are no metric; "" if they may be one."""
    if any(map(is_metadata, column.steps[:-1])):
        return "of the network"
    if len(column.steps) > 1 and column.steps[0].lower() in ("location", "coordinates", "geo", "position"):
        return "a coordinate"
    meaning = other_meaning(column.word)
    if meaning:
        return meaning
    if not column.finite:
        return ""
    if column.is_whole and is_counter(column.word) and _counts(column):
        return "a counter"
    return "another time" if not is_quantity(column.word) and is_time(column) else ""


def _counts(column: SampleColumn) -> bool:
    """Return whether whole numbers go up or down by one, or differ in all rows of a column without a name."""
    numbers = np.array(column.finite)
    if len(numbers) < 2:
        return bool(tokens(column.word)) and not is_quantity(column.word)
    steps = np.diff(numbers)
    return bool(max((steps == 1).mean(), (steps == -1).mean()) >= 0.8)


def _within_payload(columns: Sequence[SampleColumn]) -> list[SampleColumn]:
    """Return the columns of a payload and other quantities; all, if there is no payload within an envelope."""
    inside = [column for column in columns if any("".join(tokens(step)) in _PAYLOADS for step in column.steps[:-1])]
    if not inside:
        return [column for column in columns if len(columns) == 1 or not _is_envelope(column, columns)]
    return [
        column
        for column in columns
        if column in inside or (is_quantity(column.word) and not _is_envelope(column, columns))
    ]


def _is_envelope(column: SampleColumn, columns: Sequence[SampleColumn]) -> bool:
    """Return whether the name is one that networks and brokers use, where a better metric is known."""
    if not is_envelope(column.word):
        return False
    better = [other for other in columns if other is not column and is_quantity(other.word)]
    beside = any(other.steps[:-1] == column.steps[:-1] for other in better)
    return bool(better) and not beside


def _names(columns: Sequence[SampleColumn]) -> list[str]:
    """Return the names of metrics: those of the columns without their units, as far as they stay different."""
    short = [split_unit(column.word).name if not column.is_boolean else column.word for column in columns]
    full = [column.word for column in columns]
    counts, full_counts = Counter(short), Counter(full)
    names: list[str] = []
    for column, brief, word in zip(columns, short, full, strict=True):
        if counts[brief] == 1 and brief:
            name = brief
        elif full_counts[word] == 1 and word:
            name = word
        else:
            name = "_".join(step for step in column.steps if step != "*") or column.name
        if column.place is not None:
            name = f"{column.word}_{column.place}"
        names.append(name)
    taken: set[str] = set()
    for place, name in enumerate(names):
        names[place] = name if name not in taken and name else columns[place].name
        taken.add(names[place])
    return names
