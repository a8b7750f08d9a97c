"""Choose the column, or the two columns, of the times of a sample."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from telemetry.feed.propose.columns import SampleColumn, SampleTable, spaced
from telemetry.feed.propose.names import is_quantity, time_score
from telemetry.feed.propose.record_lists import is_metadata
from telemetry.feed.times.problems import AMBIGUOUS, FINE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.recognise import Recognition, recognise
from telemetry.feed.times.spec import TimeSpec

_SAMPLES: Final = 200
_MOST_COLUMNS: Final = 300  # besides those with the name of a time
_MANY: Final = 10_000
_LEAST_READ: Final = 0.5
_SMALLEST_NUMBER: Final = 10_000  # of a time in any unit: days since 1970, or 1904
_ANY_ZONE: Final = "UTC"
_DOTTED: Final = re.compile(r"\s*\d\d?\.")  # no country writes the month first and dots
_CLOCK: Final = re.compile(r"\d{1,2}([:.h])\d\d(\1\d\d([.,]\d+)?)?(\s*[ap]\.?m\.?)?", re.IGNORECASE)
_CLOCK_WORDS: Final = re.compile(r"time|zeit|hora|ora|heure|hour|clock|uhr|tid|czas|tijd", re.IGNORECASE)
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class TimeChoice:
    """Columns that say when each row was measured.

    Attributes:
        columns: one, or a date and a time of day.
        recognition: how they are written.
        score: how much they look like the times; comparable between choices.
        confidence: that they are.
        reason: one line.
    """

    columns: tuple[SampleColumn, ...]
    recognition: Recognition
    score: float
    confidence: float
    reason: str

    @property
    def texts(self) -> list[str | None]:
        """Return the times as texts, of two columns joined."""
        return joined_texts(self.columns)


def choose_time(table: SampleTable) -> TimeChoice | None:
    """Return the times of a table; None if it has none."""
    columns = [column for column in table.columns if not any(map(is_metadata, column.steps[:-1]))]
    columns = [column for place, column in enumerate(columns) if place < _MOST_COLUMNS or time_score(column.word) > 0]
    found = [choice for column in columns if (choice := _single(column, columns)) is not None]
    found += _pairs(found, columns)
    found += [choice for column in table.attributes if (choice := _single(column, [])) is not None]
    return max(found, key=lambda choice: choice.score, default=None)


def is_time(column: SampleColumn) -> bool:
    """Return whether a column holds times, by its values and its name."""
    choice = _single(column, [])
    return choice is not None and choice.confidence >= 0.5


def joined_texts(columns: Sequence[SampleColumn]) -> list[str | None]:
    """Return the texts of one column, or of two with a blank between."""
    if len(columns) == 1:
        return columns[0].texts
    pairs = zip(columns[0].texts, columns[1].texts, strict=True)
    return [None if date is None or clock is None else f"{date} {clock}" for date, clock in pairs]


def _recognised(texts: Sequence[str | None]) -> Recognition:
    """Return how times are written, with the order of day and month where one of these texts alone shows it.

    Others of the file may leave it open, such as 08/12/2018 after 13/11/2018.
    """
    samples = spaced(texts, _SAMPLES)
    found = recognise(samples)
    if found.spec != TimeSpec() or any(text is not None and _DOTTED.match(text) for text in samples):
        return found
    fits = [_read(samples, day_first) for day_first in (True, False)]
    if fits[0] == fits[1]:
        return found
    return replace(found, spec=TimeSpec(day_first=fits[0] > fits[1]))


def _read(texts: Sequence[str | None], day_first: bool) -> int:
    """Return how many texts are times, if the day comes first, or the month."""
    return int((TimeReader(TimeSpec(zone=_ANY_ZONE, day_first=day_first)).read_texts(texts).problem == FINE).sum())


def _single(column: SampleColumn, siblings: Sequence[SampleColumn]) -> TimeChoice | None:
    named = max(time_score(column.word), time_score(column.name) if len(column.steps) == 1 else -3.0)
    if not column.present or column.is_boolean:
        return None
    numeric = len(column.finite) == len(column.present)
    if numeric and (named <= 0 and not _may_be_times(column)):
        return None
    if numeric and max(map(abs, column.finite)) < _SMALLEST_NUMBER:
        return None
    if not numeric and not any(text[:1].isdigit() or text[-1:].isdigit() or named > 0 for text in column.distinct):
        return None
    recognition = _recognised(column.texts)
    share = recognition.confidence * (2 if recognition.alternatives else 1)
    declared = bool(recognition.spec.unit or recognition.spec.formats)
    if share < _LEAST_READ and not (named >= 3 and share > 0.2):
        return None
    if declared and named < 1:
        return None
    score = named + 2 * share - (0.0 if not numeric else 0.5) + _shape_bonus(column, recognition, siblings)
    if named < 0:
        score -= 2.0
    sure = min(share, 0.6 + 0.13 * max(named, 0.0)) if named > 0 else 0.6 * share
    reason = f"{share:.0%} of its values are times" + (", and its name says so" if named > 0 else "")
    return TimeChoice((column,), recognition, score, round(sure, 2), reason)


def _may_be_times(column: SampleColumn) -> bool:
    """Return whether numbers without a telling name are large and near each other, as times are, or go one way."""
    numbers = np.array(column.finite)
    if is_quantity(column.word) or np.abs(numbers).min() < 9e8 or len(set(column.finite)) < 2:
        return False
    steps = np.diff(numbers)
    steady = max((steps >= 0).mean(), (steps <= 0).mean()) >= 0.9
    return bool(steady or np.ptp(numbers) < 0.1 * np.abs(numbers).max())


def _shape_bonus(column: SampleColumn, recognition: Recognition, siblings: Sequence[SampleColumn]) -> float:
    """Return what else speaks for a column: times of day, a zone, different values, readings beside it."""
    bonus = 0.3 * (not recognition.needs_zone) - 0.1 * len(column.steps)
    bonus += 0.5 * (len(column.distinct) > 1)
    bonus -= 0.8 * _is_dates(column)
    beside = [other for other in siblings if other.steps[:-1] == column.steps[:-1] and other is not column]
    if len(column.steps) > 1 and any(is_quantity(other.word) and other.finite for other in beside):
        bonus += 1.0
    return bonus


def _is_dates(column: SampleColumn) -> bool:
    """Return whether texts are days without a time of day."""
    if column.finite and len(column.finite) == len(column.present) and min(map(abs, column.finite)) > 1e8:
        return False
    return all(":" not in text and not _CLOCK.search(_without_date(text)) for text in column.distinct)


def _without_date(text: str) -> str:
    return text.partition(" ")[2]


def _pairs(found: Sequence[TimeChoice], columns: Sequence[SampleColumn]) -> Iterator[TimeChoice]:
    """Yield the pairs of a date and a time of day."""
    dates = [choice for choice in found if _is_dates(choice.columns[0])]
    clocks = [column for column in columns if _is_clock(column)]
    for choice in dates:
        place = columns.index(choice.columns[0])
        for clock in clocks:
            pair = (choice.columns[0], clock)
            if pair[0] is clock:
                continue
            recognition = _recognised(joined_texts(pair))
            share = recognition.confidence * (2 if recognition.alternatives else 1)
            if share < _LEAST_READ:
                continue
            beside = abs(columns.index(clock) - place) == 1
            score = choice.score + 1.5 + 0.5 * beside + 0.5 * bool(_CLOCK_WORDS.search(clock.word))
            reason = f"the first holds dates and the second times of day; {share:.0%} of both together are times"
            yield TimeChoice(pair, recognition, score, round(min(share, 0.9), 2), reason)


def _is_clock(column: SampleColumn) -> bool:
    """Return whether most values are times of day; 18.30 may be a number where no name says more."""
    texts = [text for text in column.texts if text is not None]
    matches = [found for text in texts if (found := _CLOCK.fullmatch(text))]
    if not texts or len(matches) < 0.8 * len(texts):
        return False
    return bool(_CLOCK_WORDS.search(column.word)) or all(found[1] == ":" or found[2] for found in matches)


def ambiguous_example(choice: TimeChoice) -> str:
    """Return a text that is a date with the day first and with the month first; the first text if there is none."""
    texts = [text for text in choice.texts[:_MANY] if text is not None]
    problems = TimeReader(TimeSpec()).read_texts(texts).problem
    return next((text for text, problem in zip(texts, problems, strict=True) if problem == AMBIGUOUS), texts[0])


def first_time_us(choice: TimeChoice, zone: str) -> int | None:
    """Return the first time of a choice, microseconds UTC; None if none can be read."""
    spec = choice.recognition.spec
    zoned = TimeSpec(spec.formats, zone or "UTC", spec.unit, spec.day_first)
    times = TimeReader(zoned).read_texts(choice.texts[:100])
    good = times.time_us[times.problem == FINE]
    return int(good[0]) if len(good) else None
