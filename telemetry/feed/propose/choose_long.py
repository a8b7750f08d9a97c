"""Recognise tables in which each row holds one value and the name of its metric."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry.feed.feed import DeviceFields, LongFields, MetricFields
from telemetry.feed.propose.choose_metrics import MetricChoices, metric_fields
from telemetry.feed.propose.columns import SampleColumn, SampleTable
from telemetry.feed.propose.compound_names import CompoundNames, split_names
from telemetry.feed.propose.names import (
    are_quantities,
    device_score,
    is_envelope,
    is_quantity,
    metric_name_score,
    other_meaning,
    tokens,
    value_rank,
)
from telemetry.feed.propose.unit_names import known_unit, split_unit, unit_in_words
from telemetry.text.yaml_texts import counted

_STRONG: Final = 2.0
_LEAST_NUMBERS: Final = 0.3
_MOST_NUMBERS: Final = 0.1  # among names
_CERTAIN_DEVICE: Final = 3.0
_MOST_NAMES: Final = 200
_UNIT_COLUMNS: Final = frozenset(("unit", "units", "uom", "unitofmeasurement", "unitofmeasure", "einheit", "u"))


@dataclass(frozen=True, slots=True)
class LongChoice:
    """A table of one value a row.

    Attributes:
        fields: of a feed.
        metrics: the names that have numbers.
        device: the device within the names, if they hold one; None if a column says it.
        confidence: that it is such a table.
        reason: one line.
        question: for a person; "" if it is clear.
    """

    fields: LongFields
    metrics: MetricChoices
    device: DeviceFields | None
    confidence: float
    reason: str
    question: str = ""


def choose_long(
    table: SampleTable, used: Sequence[SampleColumn], bases: Sequence[str] | None = None
) -> LongChoice | None:
    """Return how a table of one value a row is read; None if each row holds several metrics.

    Args:
        table: the sample.
        used: columns that have another meaning, such as the time.
        bases: beginnings of the names in SenML; None for other formats.
    """
    columns = [column for column in table.columns if not any(column is other for other in used)]
    value = _value_column(columns)
    if value is None:
        return None
    names = _name_column(columns, value, certain=bases is not None)
    if names is None or len(names.distinct) > _MOST_NAMES:
        return None
    others = [one for one in columns if one is not names and device_score(one.word) >= _CERTAIN_DEVICE and one.present]
    certain = bases is not None or metric_name_score(names.word) >= _STRONG or names.name == "*"
    if any(_is_metric(column) for column in columns if column not in (names, value, *others)) and not certain:
        return None
    devices = None if others else split_names(sorted(names.distinct), bases or ())
    if bases is not None and devices is not None and not any(metric for _, metric in devices.parts.values()):
        return None  # the names are devices, and each has one value
    match = devices.name_match if devices is not None else ""
    metrics = _metrics(names, value, _units(columns, names), devices)
    if not metrics.metrics:
        return None
    reason = f"{value.name} has values of {counted(len(names.distinct), 'name')} in {names.name}"
    sure = 0.9 if certain else 0.75
    device, question = _device(names, devices) if not others else (None, "")
    return LongChoice(LongFields(names.name, value.name, match), metrics, device, sure, reason, question)


def _device(names: SampleColumn, devices: CompoundNames | None) -> tuple[DeviceFields | None, str]:
    if devices is None:
        return None, ""
    if devices.device_match:
        return DeviceFields(column=names.name, match=devices.device_match), ""
    return DeviceFields(
        name=devices.only
    ), "" if devices.only in devices.known else "Which device do these names belong to?"


def _value_column(columns: Sequence[SampleColumn]) -> SampleColumn | None:
    ranked = [
        (value_rank(column.steps[-1]), place, column)
        for place, column in enumerate(columns)
        if value_rank(column.steps[-1]) >= 0 and (column.number_share >= _LEAST_NUMBERS or column.is_boolean)
    ]
    return min(ranked)[2] if ranked else None


def _name_column(columns: Sequence[SampleColumn], value: SampleColumn, certain: bool) -> SampleColumn | None:
    best: SampleColumn | None = None
    best_score = 0.0
    for column in columns:
        beside = column.steps[:-1] == value.steps[:-1] and column.number_share <= _MOST_NUMBERS
        if column is value or not column.present or not (beside or column.name == "*"):
            continue
        score = 3.0 if column.name == "*" else metric_name_score(column.word)
        is_thing = score < _STRONG and device_score(column.word) >= _CERTAIN_DEVICE
        quantities = sum(map(are_quantities if is_thing else is_quantity, column.distinct))
        if score < _STRONG and not (certain and column.name == "n") and 2 * quantities < len(column.distinct):
            continue
        if column.name == "*" and not quantities:
            continue
        score += quantities / max(len(column.distinct), 1) * (1.0 if score else 0.0)
        if score > best_score:
            best, best_score = column, score
    return best


def _is_metric(column: SampleColumn) -> bool:
    return (
        bool(column.finite)
        and column.number_share > 0.5
        and not other_meaning(column.word)
        and not known_unit(column.word)
        and not is_envelope(column.word)
    )


def _units(columns: Sequence[SampleColumn], names: SampleColumn) -> dict[str, str]:
    """Return the unit of each name, if a column says one and always the same."""
    column = next((one for one in columns if "".join(tokens(one.word)) in _UNIT_COLUMNS and one.present), None)
    found: dict[str, set[str]] = {}
    for name, unit in zip(names.texts, column.texts if column else (), strict=bool(column)):
        if name is not None and unit is not None:
            found.setdefault(name, set()).add(unit)
    return {name: known_unit(unit) or unit for name, units in found.items() if len(units) == 1 for unit in units}


def _metrics(
    names: SampleColumn, value: SampleColumn, units: dict[str, str], devices: CompoundNames | None
) -> MetricChoices:
    choices = MetricChoices()
    parts: dict[str, list[object]] = {}
    for name, one in zip(names.texts, value.values, strict=True):
        if name is not None:
            parts.setdefault(name, []).append(one)
    for text, values in parts.items():
        part = SampleColumn(text, tuple(values), (text,), value.decimal)
        if not part.is_boolean and part.number_share < 0.5:
            if part.present:
                choices.left_out.append((text, "its values are no numbers"))
            continue
        device, metric = devices.parts[text] if devices is not None else ("", split_unit(text).name)
        matched = bool(device) and devices is not None and bool(devices.name_match)
        if not metric or (metric in choices.metrics and not matched):
            metric = text
        unit = units.get(text, "") or split_unit(text).unit or unit_in_words(text)
        fields: MetricFields | None = metric_fields(metric, metric if matched else text, unit, part.is_boolean)
        choices.metrics[metric] = choices.metrics.get(metric) or fields
        choices.columns[metric] = part
        choices.confidence[metric] = 0.7 if part.is_boolean else round(min(part.number_share, 0.9), 2)
        choices.reasons[metric] = (
            "its values are on and off" if part.is_boolean
            else f"{len(part.finite):,} of {len(part.present):,} values are numbers"
        )  # fmt: skip
    return choices
