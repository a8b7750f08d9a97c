"""Put the fields of a feed together from the columns of a sample."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from telemetry.feed.feed import DeviceFields, LongFields, MetricFields, MissingCode, TimeFields
from telemetry.feed.propose.canonical_times import unit_to_say
from telemetry.feed.propose.choose_device import DeviceChoice, choose_device, file_stem
from telemetry.feed.propose.choose_long import LongChoice, choose_long
from telemetry.feed.propose.choose_metrics import MetricChoices, choose_metrics, metric_fields, unit_of
from telemetry.feed.propose.choose_time import TimeChoice, ambiguous_example, choose_time
from telemetry.feed.propose.choose_zone import choose_zone
from telemetry.feed.propose.columns import SampleColumn, SampleTable
from telemetry.feed.propose.names import device_score, is_quantity, time_score
from telemetry.feed.propose.no_time import make_times
from telemetry.feed.propose.proposal import Decision
from telemetry.feed.propose.sentinels import common_sentinels, find_sentinels, find_texts, written
from telemetry.feed.propose.unit_names import known_unit
from telemetry.feed.times.spec import TimeSpec


@dataclass(slots=True)
class FeedParts:
    """Fields of a feed that say what columns mean, with their reasons."""

    time: TimeFields = field(default_factory=TimeFields)
    device: DeviceFields = field(default_factory=DeviceFields)
    metrics: dict[str, MetricFields | None] = field(default_factory=dict)
    long: LongFields | None = None
    missing: tuple[MissingCode, ...] = ()
    decisions: list[Decision] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def decide(self, field_name: str, confidence: float, reason: str, question: str = "") -> None:
        """Note a decision, and its question if it has one."""
        self.decisions.append(Decision(field_name, confidence, reason))
        self.questions += [question] if question else []


def assemble(table: SampleTable, name: str, publish_us: int | None, bases: Sequence[str] | None = None) -> FeedParts:
    """Return what the columns of a sample mean.

    Args:
        table: the sample.
        name: of the file.
        publish_us: when a file was written, or messages were published, microseconds UTC; None if not known.
        bases: beginnings of names in SenML; None for other formats.
    """
    if not table.rows:
        return _by_names(table, name)
    parts = FeedParts()
    times = choose_time(table)
    used = list(times.columns) if times is not None else []
    if times is not None:
        _put_time(parts, times, table)
    else:
        made = make_times(table, name, publish_us)
        parts.time = made.fields
        used += made.columns
        where = "time.publish" if made.fields.publish else "time.start" if made.fields.start else "time.column"
        parts.decide(where, made.confidence, made.reason, made.question)
        if made.fields.zone:
            parts.decide("time.zone", 0.2, "the parts of the time name no zone: this is an assumption")
    long = choose_long(table, used, bases)
    if long is not None:
        names = [one for one in table.columns if one.name in (long.fields.name, long.fields.value)]
        _put_long(parts, long)
        used += names
    if long is None and bases is not None:
        table = _with_words(table, used)
    if long is None or long.device is None:
        used += _put_device(parts, choose_device(table, used, name))
    rest = [column for column in table.columns if not any(column is other for other in used)]
    choices = long.metrics if long is not None else choose_metrics(rest)
    _put_metrics(parts, choices)
    return parts


def _by_names(table: SampleTable, name: str) -> FeedParts:
    """Return what the columns of a header without rows may mean."""
    parts = FeedParts()
    columns = list(table.columns)
    time = max(columns, key=lambda column: time_score(column.word), default=None)
    if time is not None and time_score(time.word) >= 1.5:
        parts.time = TimeFields(column=time.name)
        parts.decide("time.column", 0.4, "its name says so")
        columns.remove(time)
    device = max(columns, key=lambda column: device_score(column.word), default=None)
    if device is not None and device_score(device.word) >= 2.0:
        parts.device = DeviceFields(column=device.name)
        parts.decide("device.column", 0.4, "its name says so")
        columns.remove(device)
    elif file_stem(name):
        parts.device = DeviceFields(file=True)
        parts.decide("device.file", 0.4, "no column names a device")
    for column in columns:
        if is_quantity(column.word):
            parts.metrics[column.name] = metric_fields(column.name, column.name, unit_of(column, column.word))
            parts.decide(f"metrics.{column.name}", 0.3, "its name says so")
    return parts


def _with_words(table: SampleTable, used: Sequence[SampleColumn]) -> SampleTable:
    """Return a table of SenML in which each name is a device: its labels get the names that they stand for."""
    units = {known_unit(unit) or unit for column in table.columns if column.name == "u" for unit in column.distinct}
    unit = units.pop() if len(units) == 1 else ""
    meanings = {"n": ("device", ""), "v": ("value", unit), "vb": ("value", "")}
    columns = []
    for column in table.columns:
        if column.name == "relative_t":
            continue
        word, unit = meanings.get(column.name, (column.name, ""))
        known = any(column is other for other in used)
        columns.append(column if known else replace(column, steps=(word,), unit=unit))
    return replace(table, columns=tuple(columns))


def _put_time(parts: FeedParts, times: TimeChoice, table: SampleTable) -> None:
    spec, first = times.recognition.spec, times.columns[0]
    names = tuple(column.name for column in times.columns)
    zone = ""
    where = "time.attribute" if first.attribute else "time.column"
    parts.decide(where, times.confidence, times.reason)
    if spec.unit or spec.formats:
        parts.decide("time.unit" if spec.unit else "time.format", times.recognition.confidence, _form(spec))
    if spec.day_first is not None:
        _decide_order(parts, times)
    if times.recognition.needs_zone:
        choice = choose_zone(times, table)
        zone = choice.zone
        parts.decide("time.zone", choice.confidence, choice.reason, choice.question)
    unit = spec.unit
    if names == ("ts",) and not (first.attribute or zone or unit or spec.formats or spec.day_first is not None):
        unit = unit_to_say(first.values)
        if unit:
            parts.decide("time.unit", times.recognition.confidence, "the canonical form would not read these times")
    parts.time = TimeFields(
        column="ts" if first.attribute else names[0] if len(names) == 1 else names,
        attribute=first.name if first.attribute else "",
        format=spec.formats if len(spec.formats) != 1 else spec.formats[0],
        zone=zone,
        unit=unit or None,  # type: ignore[arg-type] # the names of units are those of feeds
        day_first=spec.day_first,
    )


def _form(spec: TimeSpec) -> str:
    return f"numbers that are times as {spec.unit}" if spec.unit else f"the times fit {spec.formats[0]}"


def _decide_order(parts: FeedParts, times: TimeChoice) -> None:
    other = next((one for one in times.recognition.alternatives if one.day_first is not None), None)
    example = ambiguous_example(times)
    first = "the day" if times.recognition.spec.day_first else "the month"
    if other is None:
        parts.decide(
            "time.day_first", 0.95, f"{first} comes first: the other way gives no dates, or dates out of order"
        )
        return
    question = f"Does {example} begin with the day or with the month? Both make dates; {first} is assumed."
    parts.decide(
        "time.day_first", 0.5, f"dates such as {example} can be read both ways; {first} first leaps less", question
    )


def _put_device(parts: FeedParts, choice: DeviceChoice) -> list[SampleColumn]:
    parts.device = choice.fields
    set_field = next(name for name in ("attribute", "file", "name", "column") if getattr(choice.fields, name))
    parts.decide(f"device.{set_field}", choice.confidence, choice.reason, choice.question)
    return [] if choice.column is None else [choice.column]


def _put_long(parts: FeedParts, choice: LongChoice) -> None:
    parts.long = choice.fields
    if choice.device is not None:
        parts.device = choice.device
        sure = 0.7 if not choice.question else 0.3
        where = "device.match" if choice.device.match else "device.name"
        parts.decide(where, sure, f"the names in {choice.fields.name} hold it", choice.question)
    parts.decide("long.name", choice.confidence, choice.reason)
    if choice.fields.match:
        parts.decide("long.match", 0.7, "names of several devices end with the same metrics")


def _put_metrics(parts: FeedParts, choices: MetricChoices) -> None:
    sentinels = find_sentinels([column for column in choices.columns.values() if column.finite])
    common = common_sentinels(sentinels, len(choices.columns))
    texts = find_texts(list(choices.columns.values()))
    parts.missing = (*common, *texts)
    if common:
        listed = ", ".join(map(written, common))
        parts.decide("missing", 0.9, f"{listed} in several columns, far from all other values")
    if texts:
        parts.decide("missing", 0.8, f"{', '.join(texts)} in place of numbers, more than once")
    for name, fields in choices.metrics.items():
        column = choices.columns[name]
        codes = tuple(code for code in sentinels.get(column.name, ()) if code not in common)
        reason, sure = choices.reasons[name], choices.confidence[name]
        if codes:
            listed = ", ".join(map(written, codes))
            fields = _with_missing(fields, codes)
            reason, sure = f"{reason}; {listed} is far from all others, as a code for a missing value", min(sure, 0.7)
        parts.metrics[name] = fields
        parts.decide(f"metrics.{name}", sure, reason)
    parts.left_out = choices.left_out


def _with_missing(fields: MetricFields | None, codes: tuple[MissingCode, ...]) -> MetricFields:

    return msgspec.structs.replace(fields or MetricFields(), missing=codes)
