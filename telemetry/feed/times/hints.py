"""Explain why a value is no event time, with the likely cause."""

import datetime as dt
import functools
import re
from typing import Final

from telemetry.feed.times.problems import (
    AMBIGUOUS,
    CALENDAR,
    EARLY,
    FINE,
    LATE,
    MAGNITUDE,
    NAIVE,
    NO_FORMAT,
    PROBLEMS,
    UNKNOWN,
)
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.units import LATEST_BY_MAGNITUDE_US
from telemetry.text.timestamps import EARLIEST_US, format_time

GUESSES: Final = {
    "a Unix time in seconds": TimeSpec(unit="s"),
    "a Unix time in milliseconds": TimeSpec(unit="ms"),
    "a Unix time in microseconds": TimeSpec(unit="us"),
    "a Unix time in nanoseconds": TimeSpec(unit="ns"),
    "an Excel date": TimeSpec(unit="excel"),
    "a LabVIEW time": TimeSpec(unit="labview"),
    "a Matlab datenum": TimeSpec(unit="matlab"),
    "a date without separators": TimeSpec(formats=("%Y%m%d",)),
}
"""Descriptions of numbers that may be times, the likelier ones first; no number has two of them from 2000 to 2070."""
_NUMBER: Final = re.compile(r"\s*[+-]?\d+\.?\d*\s*", re.ASCII)
_LETTERS: Final = re.compile(r"(.*\d)\s+([A-Za-z]{2,5})", re.ASCII)
_CLOCK: Final = re.compile(r"\s*\d\d?[:.]\d\d([:.]\d\d.*)?\s*", re.ASCII)
_SHOWN: Final = 60
_ASSUMED: Final = "UTC"


def explain(text: str, spec: TimeSpec) -> str:
    """Return why a text is no event time by a description, and the likely cause; "" if it is one."""
    problem = _problem(text, spec)
    if problem == FINE:
        return ""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    if not shown.strip():
        shown = "the time"
    if not shown.isprintable():  # an error is one line
        shown = ascii(shown)[1:-1]
    reason = PROBLEMS[problem]
    if problem == EARLY:
        reason = f"lies before {_shown_time(spec.earliest_us)}, the earliest time"
    cause = _cause(text, spec, problem)
    return f"{shown} {reason}{f'; {cause}' if cause else ''}"


def guess_number(text: str) -> tuple[str, TimeSpec, int] | None:
    """Return the name, description and time, microseconds, of a number that may be a time; None if none fits."""
    for name, spec in GUESSES.items():
        time_us = read_one(text, spec)
        if time_us is not None and EARLIEST_US <= time_us < LATEST_BY_MAGNITUDE_US:
            return name, spec, time_us
    return None


def read_one(text: str, spec: TimeSpec) -> int | None:
    """Return the event time of a text, a naive one read as UTC; None if it is no event time."""
    zoned = TimeSpec(spec.formats, spec.zone or _ASSUMED, spec.unit, spec.day_first, spec.earliest_us)
    times = _reader(zoned).read_texts([text])
    return int(times.time_us[0]) if times.problem[0] == FINE else None


@functools.lru_cache(maxsize=64)  # a feed of a million dead letters asks for the same few
def _reader(spec: TimeSpec) -> TimeReader:
    return TimeReader(spec)


def _problem(text: str, spec: TimeSpec) -> int:
    return int(_reader(spec).read_texts([text]).problem[0])


def _cause(text: str, spec: TimeSpec, problem: int) -> str:
    if problem == AMBIGUOUS:
        return _two_readings(text, spec)
    if problem == NAIVE:
        return "such as zone: Europe/Rome"
    if problem in (EARLY, LATE, MAGNITUDE, NO_FORMAT) and _NUMBER.fullmatch(text):
        return _number_cause(text, problem)
    if problem == NO_FORMAT and _problem(text, TimeSpec()) in (FINE, NAIVE):
        return "it can be read without a format"
    if problem == EARLY and not text.strip().isdigit():
        return "its clock was perhaps never set"
    if problem in (UNKNOWN, CALENDAR) and _CLOCK.fullmatch(text):
        return "it has no date: join it with the column of the date"
    lettered = _LETTERS.fullmatch(text.strip())
    if problem == UNKNOWN and lettered and _problem(lettered[1], TimeSpec()) in (NAIVE, AMBIGUOUS):
        return f"the letters {lettered[2]} mean no zone for certain: say a format with {lettered[2]} in it, and zone"
    return ""


def _number_cause(text: str, problem: int) -> str:
    guess = guess_number(text)
    if guess is None:
        return "it may be a counter or an uptime" if problem == EARLY else ""
    name, spec, time_us = guess
    remedy = f"unit: {spec.unit}" if spec.unit else f"format: {spec.formats[0]!r}"
    return f"it looks like {name} ({_shown_time(time_us)}): say {remedy}"


def _two_readings(text: str, spec: TimeSpec) -> str:
    readings = []
    for day_first in (True, False):
        time_us = read_one(text, TimeSpec(spec.formats, _ASSUMED, spec.unit, day_first, spec.earliest_us))
        if time_us is not None:
            readings.append(f"{str(day_first).lower()} reads {_shown_time(time_us)}")
    return " and ".join(readings)


def _shown_time(time_us: int) -> str:
    midnight = time_us % (86_400 * 1_000_000) == 0
    lowest = int(dt.datetime(1, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
    return format_time(max(time_us, lowest))[: 10 if midnight else 16].replace("T", " ")
