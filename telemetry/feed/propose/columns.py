"""Hold the columns of a sample and say what kinds of values they have."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from telemetry.feed.formats.number_text import MISSING_TEXTS
from telemetry.feed.formats.values import NumberProblem, NumberSpec, read_number
from telemetry.feed.propose.unit_names import known_unit, unit_behind

_BOOLEAN_TEXTS: Final = frozenset(("true", "false", "on", "off"))
_SPECS: Final = {sign: NumberSpec(decimal=sign) for sign in ".,"}


@dataclass(frozen=True)
class SampleColumn:
    """Column of a sample.

    Attributes:
        name: as a feed names it: a name of the header, or a path.
        values: (N,) texts, numbers, booleans, or None where a row has none.
        steps: names on the path of a record, without marks and indices; the name alone for CSV.
        decimal: decimal sign of its texts.
        attribute: whether it is an attribute of the messages.
        unit: that a row of units says; "" for none.
        place: index in a list of numbers, at the end of its path; None for other values.
    """

    name: str
    values: tuple[Any, ...]
    steps: tuple[str, ...]
    decimal: str = "."
    attribute: bool = False
    unit: str = ""
    place: int | None = None

    @property
    def word(self) -> str:
        """Return the name by which the meaning is guessed: the last step that tells something."""
        telling = [step for step in self.steps if step.lower() not in ("value", "val", "v", "*") and step[:1] != "$"]
        return telling[-1] if telling else self.steps[-1] if self.steps else self.name

    @cached_property
    def present(self) -> list[Any]:
        """Return the values without those that are missing."""
        return [value for value in self.values if not is_missing(value)]

    @cached_property
    def numbers(self) -> list[float]:
        """Return the number of each value, NaN where there is none."""
        return [_number(value, _SPECS[self.decimal]) for value in self.values]

    @cached_property
    def finite(self) -> list[float]:
        """Return the numbers alone."""
        return [number for number in self.numbers if not math.isnan(number)]

    @property
    def number_share(self) -> float:
        """Return the share of numbers among the values that are not missing."""
        return len(self.finite) / len(self.present) if self.present else 0.0

    @property
    def is_whole(self) -> bool:
        """Return whether all numbers are integers."""
        return bool(self.finite) and all(number.is_integer() for number in self.finite)

    @property
    def is_boolean(self) -> bool:
        """Return whether all values are true or false, or on or off."""
        return bool(self.present) and all(
            isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in _BOOLEAN_TEXTS)
            for value in self.present
        )

    @cached_property
    def texts(self) -> list[str | None]:
        """Return the values as texts, for what may be times or names."""
        return [None if is_missing(value) else text_of(value) for value in self.values]

    @cached_property
    def distinct(self) -> set[str]:
        """Return the different texts."""
        return {text for text in self.texts if text is not None}

    @property
    def empty(self) -> bool:
        """Return whether no row has any value, not even a code for a missing one."""
        return all(value is None or (isinstance(value, str) and not value.strip()) for value in self.values)


def _number(value: object, spec: NumberSpec) -> float:
    """Return the number of a value, or NaN; ``0123ab`` is an identifier, although ab might be its unit."""
    found = read_number(value, spec)
    if isinstance(found, NumberProblem):
        return math.nan
    if isinstance(value, str) and value.strip()[-1:].isalpha() and " " not in value.strip():
        return found if known_unit(unit_behind(value)) else math.nan
    return found


def is_missing(value: object) -> bool:
    """Return whether a value stands for none."""
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING_TEXTS)


def text_of(value: object) -> str:
    """Return a plain value as text."""
    return value.strip() if isinstance(value, str) else repr(value)


def spaced(values: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many values, in order, from all over the sample."""
    if len(values) <= most:
        return list(values)
    step = len(values) / most
    return [values[int(index * step)] for index in range(most)]


@dataclass(frozen=True)
class SampleTable:
    """Columns of a sample.

    Attributes:
        columns: those of the rows or records.
        rows: number of rows.
        attributes: those of messages, as columns.
        is_messages: whether the sample is messages instead of a file.
        around: text beside the rows, such as lines before a header.
        list_steps: names on the path of the list whose elements the rows are; () for none.
        publish_us: when the first message was published, microseconds UTC; None for files.
    """

    columns: tuple[SampleColumn, ...]
    rows: int
    attributes: tuple[SampleColumn, ...] = ()
    is_messages: bool = False
    around: str = ""
    list_steps: tuple[str, ...] = ()
    publish_us: int | None = None
