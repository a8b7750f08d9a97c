"""Propose times for samples that have none: from their rows, or the publish time of messages."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.feed.feed import TimeFields
from telemetry.feed.propose.columns import SampleColumn, SampleTable
from telemetry.feed.propose.names import is_counter, is_quantity, tokens
from telemetry.feed.propose.unit_names import known_unit, split_unit
from telemetry.feed.propose.vocabulary import word_set
from telemetry.text.timestamps import format_time

_UNKNOWN_START: Final = "2020-01-01T00:00:00Z"
_UNKNOWN_INTERVAL: Final = "1s"
_DATE: Final = re.compile(r"(?<!\d)(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)(?!\d)")
_ELAPSED: Final = word_set("elapsed time t seconds sec secs ms millis milliseconds minutes uptime offset runtime")
_PARTS: Final = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
"""Directives of strptime for columns with parts of the time."""
_UNITS: Final = {"s": "s", "ms": "ms", "min": "m", "h": "h"}


@dataclass(frozen=True, slots=True)
class MadeTimes:
    """Times that are made.

    Attributes:
        fields: of a feed.
        columns: those that the times are made of; () for none.
        confidence: of the start, or of the publish time.
        reason: one line.
        question: for a person.
    """

    fields: TimeFields
    columns: tuple[SampleColumn, ...]
    confidence: float
    reason: str
    question: str


def make_times(table: SampleTable, name: str, publish_us: int | None) -> MadeTimes:
    """Return the times of rows that have none.

    Args:
        table: the sample.
        name: of the file, which may hold a date.
        publish_us: of a file, when it was written, microseconds UTC; None if that is not known.
    """
    calendar = _by_calendar(table)
    if calendar is not None:
        return calendar
    if table.is_messages:
        question = "Is the publish time near enough? The messages hold no time of their own."
        reason = "no message holds a time: the publish time is left"
        return MadeTimes(TimeFields(publish=True), (), 0.6, reason, question)
    counter = next((column for column in table.columns if _unit_s(column)), None)
    counter = counter or next((column for column in table.columns if is_row_counter(column)), None)
    interval = _written(_unit_s(counter) if counter is not None else 0.0)
    date = _date_in(name)
    start = date or (format_time(publish_us)[:19] + "Z" if publish_us is not None else _UNKNOWN_START)
    where = "the file's name" if date else "when the file was written" if publish_us is not None else "nothing"
    reason = f"no column holds times; the start is taken from {where}"
    if counter is None:
        question = (
            "When was the first row measured, and at which interval? No column says it; "
            f"{start} and {interval} are assumed."
        )
        return MadeTimes(TimeFields(start=start, interval=interval), (), 0.4 if date else 0.1, reason, question)
    reason += f"; {counter.name} counts from there"
    step = "" if _unit_s(counter) else f" One step is taken for {interval}."
    question = f"At which time was {counter.name} 0? No column says it; {start} is assumed.{step}"
    fields = TimeFields(start=start, interval=interval, counter=counter.name)
    return MadeTimes(fields, (counter,), 0.4 if date else 0.1, reason, question)


def _by_calendar(table: SampleTable) -> MadeTimes | None:
    """Return the times of rows with year, month, day and perhaps hour in columns of their own."""
    parts = {column.word.lower(): column for column in table.columns if column.is_whole and not column.attribute}
    if not {"year", "month", "day"} <= set(parts):
        return None
    names = [name for name in _PARTS if name in parts]
    columns = tuple(parts[name] for name in names)
    format = " ".join(_PARTS[name] for name in names)
    example = " ".join(text for column in columns if (text := column.texts[0]) is not None)
    listed = ", ".join(column.name for column in columns)
    question = (
        f"In which zone were times such as {example} written down? {listed} name none, and UTC is assumed; say, for "
        "example, zone: Europe/Rome"
    )
    fields = TimeFields(column=tuple(column.name for column in columns), format=format, zone="UTC")
    return MadeTimes(fields, columns, 0.9, f"{listed} are the parts of a time", question)


def _date_in(name: str) -> str:
    for found in _DATE.finditer(name.replace("\\", "/").rpartition("/")[2]):
        try:
            day = dt.date(*map(int, found.groups()))
        except ValueError:
            continue
        return f"{day.isoformat()}T00:00:00Z"
    return ""


def _unit_s(column: SampleColumn) -> float:
    """Return the seconds of the number 1, if a column counts the time that has passed at even steps; else 0."""
    named = split_unit(column.word)
    words = (*tokens(named.name), named.unit)
    if not _ELAPSED & set(words) or is_quantity(column.word) or len(column.finite) < 3:
        return 0.0
    steps = np.diff(np.array(column.finite))
    step = float(np.median(steps))
    if step <= 0 or float((np.abs(steps - step) <= 0.1 * step).mean()) < 0.9:
        return 0.0
    unit = named.unit or next((one for word in words if (one := known_unit(word)) in _UNITS), "s")
    return {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0}.get(unit, 0.0)


def is_row_counter(column: SampleColumn) -> bool:
    """Return whether a column has the number of each row, or of its reading, in it."""
    if not column.is_whole or not is_counter(column.word) or len(column.finite) < 2:
        return False
    return bool((np.diff(np.array(column.finite)) == 1).mean() >= 0.8) and min(column.finite) >= 0


def _written(seconds: float) -> str:
    """Return a duration as a feed has it; one second if there is none."""
    milliseconds = round(seconds * 1000)
    if milliseconds <= 0:
        return _UNKNOWN_INTERVAL
    for size, unit in ((3_600_000, "h"), (60_000, "m"), (1000, "s")):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
