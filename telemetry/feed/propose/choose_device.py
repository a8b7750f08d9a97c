"""Choose where the device of a sample is said: a column, an attribute, the file's name, or nowhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from telemetry.feed.feed import DeviceFields
from telemetry.feed.files.messages import file_name
from telemetry.feed.propose.columns import SampleColumn, SampleTable
from telemetry.feed.propose.names import device_score, is_quantity, tokens
from telemetry.feed.propose.record_lists import is_metadata
from telemetry.feed.propose.unit_names import known_unit
from telemetry.feed.propose.vocabulary import word_set
from telemetry.feed.readings.row_devices import name_of_file

EACH_NAME: Final = "*"
_STATES: Final = word_set(
    "ok on off open closed true false in out yes no normal error fault warning alarm none good bad high low idle heat "
    "cool auto manual active inactive online offline unknown detected clear home away info critical"
)
_FREE_TEXT: Final = word_set(
    "note notes comment comments remark status state quality flag unit units description event message mode weather "
    "version model firmware type class label day month weekday season direction currency format user level severity "
    "source time date timezone tz zone country measurement"
)
_GENERIC: Final = frozenset(("id", "name", "uuid", "key", "code", "eui", "serial", "label", "n"))
_DATED: Final = re.compile(r"^(.+?)[-_. ]+20\d\d[-_.]?[01]\d(?:[-_.]?[0-3]\d)?(?:[-_. T].*)?$")
"""Name of one of many files of a device: what is before the date, which says more than the rest."""
_LEAST_PRESENT: Final = 0.5
_LONGEST_DEVICE: Final = 200


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Where the device is said.

    Attributes:
        fields: of a feed.
        column: the column or attribute; None for a file's name or a constant.
        confidence: that it is the device.
        reason: one line.
        question: for a person; "" if it is clear.
    """

    fields: DeviceFields
    column: SampleColumn | None
    confidence: float
    reason: str
    question: str = ""


def choose_device(table: SampleTable, used: Iterable[SampleColumn], name: str) -> DeviceChoice:
    """Return where the device is said.

    Args:
        table: the sample.
        used: columns that have another meaning, such as the time.
        name: of the file.
    """
    others = list(used)
    columns = [one for one in (*table.columns, *table.attributes) if not any(one is other for other in others)]
    scored = [(score, one) for one in columns if (score := _score(one, table)) > 0]
    if scored:
        score, column = max(scored, key=lambda pair: pair[0])
        count = len(column.distinct)
        sure = round(min(0.98, 0.35 + 0.12 * score), 2)
        question = f"Is {column.name} the device? Its name leaves that open." if sure < 0.6 else ""
        reason = f"its name says so, and it has {count:,} different {'value' if count == 1 else 'values'}"
        fields = DeviceFields(attribute=column.name) if column.attribute else DeviceFields(column=column.name)
        return DeviceChoice(fields, column, sure, reason, question)
    for column in columns:
        if not column.attribute and _is_category(column, table):
            reason = f"it has {len(column.distinct)} different texts in {table.rows:,} rows, as devices have"
            question = f"Is {column.name} the device? Nothing but its few texts says so."
            return DeviceChoice(DeviceFields(column=column.name), column, 0.35, reason, question)
    stem = file_stem(name)
    if stem and not table.is_messages:
        dated = _DATED.fullmatch(stem)
        match = _DATED.pattern if dated else ""
        reason = f"no column names a device: it is the file, {dated[1] if dated else stem}"
        return DeviceChoice(DeviceFields(file=True, match=match), None, 0.5 if dated else 0.6, reason)
    question = "Which device is it? The sample names none; `device` stands for all."
    return DeviceChoice(DeviceFields(name="device"), None, 0.2, "nothing in the sample names a device", question)


def file_stem(name: str) -> str:
    """Return the name of a file without its folder and its endings; "" for standard input."""
    return "" if name in ("", "-") else name_of_file(file_name(name))


def _score(column: SampleColumn, table: SampleTable) -> float:
    """Return how much a column looks like the device; 0 or less if it does not."""
    if any(map(is_metadata, column.steps[:-1])) or not _can_name(column, table):
        return 0.0
    if column.name == EACH_NAME:
        return 4.0
    score = device_score(_full_word(column))
    count, rows = len(column.distinct), len(column.present)
    numeric = len(column.finite) == rows
    if score and numeric and (score < 2.0 or not column.is_whole):
        return 0.0
    if score < 3.0 and rows >= 4 and count == rows:
        return 0.0  # differs from row to row
    if score < 1.5 and all(text.lower() in _STATES or known_unit(text) for text in column.distinct):
        return 0.0
    if not score:
        return 0.0
    steps = len(table.list_steps)
    inside = bool(steps) and len(column.steps) > steps and column.steps[:steps] == table.list_steps
    beside = len(column.steps) > 1 and not column.attribute and _beside(column, table)
    return score - 0.05 * len(column.steps) + 0.3 * beside + 3.0 * inside


def _full_word(column: SampleColumn) -> str:
    """Return the name of a column, with that of its object before a name such as ``id``, which says little."""
    word = column.word
    if len(column.steps) > 1 and "".join(tokens(word)) in _GENERIC:
        return f"{column.steps[-2].removesuffix('s')} {word}"
    return word


def _beside(column: SampleColumn, table: SampleTable) -> bool:
    """Return whether something measured lies in the same object."""
    return any(
        other.steps[:-1] == column.steps[:-1] and is_quantity(other.word) and other.finite for other in table.columns
    )


def _can_name(column: SampleColumn, table: SampleTable) -> bool:
    if not column.present or len(column.present) < _LEAST_PRESENT * max(table.rows, 1) or column.is_boolean:
        return False
    if any(isinstance(value, float) and not value.is_integer() for value in column.present):
        return False
    return max(map(len, column.distinct)) <= _LONGEST_DEVICE


def _is_category(column: SampleColumn, table: SampleTable) -> bool:
    """Return whether a column has few different texts, which are neither states nor units."""
    count = len(column.distinct)
    if not _can_name(column, table) or column.number_share > 0.2:
        return False
    states = all(text.lower() in _STATES or known_unit(text) or len(text) > 60 for text in column.distinct)
    if re.fullmatch(r"c\d+", column.name) and not states:
        return True  # without a header, texts are as likely the device as anything
    if not 2 <= count <= max(len(column.present) / 2, 1):
        return False
    if _FREE_TEXT & set(tokens(column.word)) or len(column.present) < 0.9 * table.rows:
        return False
    return not states
