"""Read the fields of one mapping of a rules file; each problem names the line, the rule and the field."""

import difflib
import math
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from telemetry.rules.errors import RuleError
from telemetry.text.durations import format_duration, parse_duration
from telemetry.text.marked_yaml import MarkedList, MarkedMapping, YamlError, read_yaml

_LONGEST_SHOWN: Final = 100


def read_rules_yaml(text: str) -> Any:
    """Return the content of a rules file, or of a file of rule tests; see `read_yaml`.

    Raises:
        RuleError: if it is not valid YAML, or too large.
    """
    try:
        return read_yaml(text)
    except YamlError as error:
        raise RuleError(error.problem, error.line) from error


class Fields:
    """The fields of one mapping, such as a rule, or `rate` of a rule."""

    def __init__(self, entry: MarkedMapping, where: str, within: str = "") -> None:
        """Take the fields.

        Args:
            entry: the mapping.
            where: the rule, for messages, such as ``rule 'hot'``; "" beside the rules.
            within: the field that holds the mapping, for messages, such as ``rate``; "" for none.

        Raises:
            RuleError: if a field is written twice.
        """
        self._entry, self._where, self._within = entry, where, within
        if entry.repeated is not None:
            name, line = entry.repeated
            raise RuleError(f"{self._prefix}{shown(name)} is written twice", line)

    def __contains__(self, name: str) -> bool:
        """Return whether a field is written."""
        return name in self._entry

    @property
    def names(self) -> list[str]:
        """The fields that are written, in order.

        Raises:
            RuleError: if one is not text.
        """
        for name in self._entry:
            if not isinstance(name, str):
                self.refuse(f"{self.label('')}{shown(name)} is no name of a field", name)
        return list(self._entry)

    @property
    def _prefix(self) -> str:
        return f"{self._where}: " if self._where else ""

    def label(self, name: str) -> str:
        """Return how messages name a field."""
        return f"{self._within}.{name}" if self._within else name

    def line(self, name: str = "") -> int:
        """Return the line of a field; that of the mapping for a field that is not written."""
        return self._entry.lines.get(name, self._entry.line)

    def refuse(self, problem: str, name: str = "") -> NoReturn:
        """Raise a RuleError at the line of a field, or of the mapping."""
        raise RuleError(f"{self._prefix}{problem}", self.line(name))

    def expect(self, names: Collection[str], newer: Collection[str] = ()) -> None:
        """Refuse fields that are not known.

        Args:
            names: those that are.
            newer: those that would be in a file of version 2.

        Raises:
            RuleError: for the first that is not known.
        """
        for name in self._entry:
            if not isinstance(name, str) or name not in names:
                if isinstance(name, str) and name in newer:
                    self.refuse(f"{self.label(name)} is of version 2: write `version: 2`", name)
                close = difflib.get_close_matches(str(name), names, n=1)
                suggested = f", did you mean {self.label(close[0])}?" if close else ""
                inside = f" in {self._within}" if self._within else ""
                self.refuse(f"unknown field {shown(name)}{inside}{suggested}", name)

    def get(self, name: str, default: object = None) -> Any:
        """Return a value as YAML has it."""
        return self._entry.get(name, default)

    def number(self, name: str, least: float = -math.inf) -> float:
        """Return a finite number that is at least as large as another one."""
        number = self._finite(name, self._entry.get(name))
        if number < least:
            self.refuse(f"{self.label(name)} must be at least {least:g}, not {number:g}", name)
        return number

    def whole(self, name: str, least: int, default: int | None = None) -> int:
        """Return a whole number that is at least as large as another one; the default if it is not written."""
        value = self._entry.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.refuse(f"{self.label(name)} must be a whole number from {least}, not {shown(value)}", name)
        return value

    def choice(self, name: str, known: Sequence[Any], default: str | None = None) -> Any:
        """Return one of some words; the default, or none of them, is refused if it is not written."""
        value = self._entry.get(name, default)
        if value not in known:
            self.refuse(f"{self.label(name)} must be one of {', '.join(known)}, not {shown(value)}", name)
        return value

    def pair(self, name: str) -> tuple[float, float]:
        """Return ``[low, high]``, two finite numbers in order."""
        value = self._entry.get(name)
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(f"{self.label(name)} must be [low, high], not {shown(value)}", name)
        low, high = (self._finite(name, one) for one in value)
        if low > high:
            self.refuse(f"{self.label(name)} [{low:g}, {high:g}] has its low bound above its high one", name)
        return low, high

    def duration(self, name: str, least_us: int = 0) -> int:
        """Return the microseconds of a duration that is at least as long as another one."""
        value = self._entry.get(name)
        if not isinstance(value, str):
            example = f", such as {value}s" if isinstance(value, int) and not isinstance(value, bool) else ""
            self.refuse(f"{self.label(name)} must be a duration with its unit{example}, not {shown(value)}", name)
        try:
            microseconds = parse_duration(value)
        except ValueError as error:
            self.refuse(f"{self.label(name)} {shown(value)} is {error}", name)
        if microseconds < least_us:
            least = "longer than 0s" if least_us == 1 else f"at least {format_duration(least_us)}"
            self.refuse(f"{self.label(name)} must be {least}, not {shown(value)}", name)
        return microseconds

    def optional_duration(self, name: str, default: int, least_us: int = 0) -> int:
        """Return the microseconds of a duration; the default if it is not written."""
        return self.duration(name, least_us) if name in self._entry else default

    def globs(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """Return a list of at least one text; the default if it is not written."""
        value = self._entry.get(name, default)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(glob, str) for glob in value):
            self.refuse(f"{self.label(name)} must be a list of names or globs, not {shown(value)}", name)
        return tuple(value)

    def mapping(self, name: str, example: str) -> "Fields":
        """Return the fields of a field; `example` shows how it is written, for the message."""
        value = self._entry.get(name)
        if not isinstance(value, MarkedMapping):
            self.refuse(f"{self.label(name)} must be a mapping such as {example}, not {shown(value)}", name)
        return Fields(value, self._where, self.label(name))

    def mappings(self, name: str, example: str) -> list["Fields"]:
        """Return the fields of each mapping of a list of at least one."""
        value = self._entry.get(name)
        if not isinstance(value, MarkedList) or not value or not all(isinstance(one, MarkedMapping) for one in value):
            self.refuse(f"{self.label(name)} must be a list of mappings such as {example}, not {shown(value)}", name)
        return [Fields(one, self._where, f"{self.label(name)}[{number}]") for number, one in enumerate(value, start=1)]

    def _finite(self, name: str, value: object) -> float:
        number = math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):  # an integer beyond the largest double
                number = float(value)
        if not math.isfinite(number):
            self.refuse(f"{self.label(name)} must be a finite number, not {shown(value)}", name)
        return number


def shown(value: object) -> str:
    """Return a value for a message, on one line and not too long."""
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "a huge number"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
