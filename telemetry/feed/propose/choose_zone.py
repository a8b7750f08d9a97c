"""Choose the zone of times that name none."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.feed.propose.choose_time import TimeChoice, first_time_us
from telemetry.feed.propose.columns import SampleTable, spaced
from telemetry.feed.propose.names import tokens
from telemetry.feed.times.problems import FINE, NAIVE
from telemetry.feed.times.reader import TimeReader
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.zones import zone_table
from telemetry.text.timestamps import EARLIEST_US, format_time

ASSUMED: Final = "UTC"
_OFFSET: Final = re.compile(r"(?:GMT|UTC)\s*([+-−])\s?(\d{1,2})(?::?(\d\d))?(?!\d)", re.IGNORECASE)
_IANA: Final = re.compile(
    r"\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Za-z_/+-]+"
)
_UTC: Final = frozenset(("utc", "gmt", "zulu"))
_LETTERS: Final = {
    **dict.fromkeys(("CET", "CEST", "MEZ", "MESZ"), "Europe/Berlin"),
    **dict.fromkeys(("EET", "EEST"), "Europe/Athens"),
    **dict.fromkeys(("EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
    **dict.fromkeys(("MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("WET", "WEST"), "Europe/Lisbon"),
    "BST": "Europe/London",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "AEST": "Australia/Sydney",
}
_ISO_OFFSET: Final = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?([+-])(\d\d):?(\d\d)\b")
_DOUBLE_HOUR_ZONES: Final = (
    "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Australia/Sydney",
)  # fmt: skip
_NEAR_US: Final = 3 * 3_600_000_000
_SAMPLES: Final = 20_000
_QUARTER_US: Final = 900_000_000
_MOST_QUARTERS: Final = 14 * 4
_NEAR_ZERO_US: Final = 60_000_000  # a clock may be ahead
_NEAR_QUARTER_US: Final = 300_000_000  # and a message late


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """Zone of naive times.

    Attributes:
        zone: name or offset.
        confidence: that it is right.
        reason: one line.
        question: for a person; "" if the sample tells.
    """

    zone: str
    confidence: float
    reason: str
    question: str = ""


def choose_zone(choice: TimeChoice, table: SampleTable) -> ZoneChoice:
    """Return the zone that the sample tells, else UTC as an assumption."""
    found = next(_found(choice, table), None)
    if found is not None:
        return found
    example = naive_example(choice)
    question = (
        f"In which zone were times such as {example} written down? They name none, and UTC is assumed; say, for "
        "example, zone: Europe/Rome"
    )
    return ZoneChoice(ASSUMED, 0.2, "the times name no zone: this is an assumption", question)


def _found(choice: TimeChoice, table: SampleTable) -> Iterator[ZoneChoice]:
    yield from _by_names(choice)
    yield from _by_columns(table)
    yield from _by_lines(table)
    yield from _by_double_hour(choice)
    yield from _by_publishing(choice, table)


def naive_example(choice: TimeChoice) -> str:
    """Return a time that names no zone, as it is written."""
    spec = choice.recognition.spec
    texts = [text for text in choice.texts[:_SAMPLES] if text is not None]
    problems = TimeReader(spec).read_texts(texts).problem
    return next((text for text, problem in zip(texts, problems, strict=True) if problem == NAIVE), "")


def _by_publishing(choice: TimeChoice, table: SampleTable) -> Iterator[ZoneChoice]:
    """Yield the offset of the first message's time from the moment it was published, if that is one of a zone."""
    first = first_time_us(choice, ASSUMED)
    if first is None or table.publish_us is None or not table.is_messages:
        return
    quarters = round((first - table.publish_us) / _QUARTER_US)
    late = table.publish_us + quarters * _QUARTER_US - first
    if abs(quarters) > _MOST_QUARTERS or not -_NEAR_ZERO_US <= late <= _NEAR_QUARTER_US:
        return
    sign, minutes = "-" if quarters < 0 else "+", abs(quarters) * 15
    zone = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" if quarters else ASSUMED
    question = f"Is {zone} the zone of the devices all year? It is what fits the time of publishing."
    yield ZoneChoice(zone, 0.6, "the time of the first message, against when it was published", question)


def _by_names(choice: TimeChoice) -> Iterator[ZoneChoice]:
    for column in choice.columns:
        found = zone_in(column.word)
        if found:
            yield ZoneChoice(found, 0.9, f"the name of the column says it: {column.word}")
    for column in choice.columns:
        letters = next((_LETTERS[word.upper()] for word in tokens(column.word) if word.upper() in _LETTERS), "")
        if letters:
            question = f"Does {column.word} mean the clocks of {letters}, with summer time?"
            yield ZoneChoice(letters, 0.5, f"the name of the column says it: {column.word}", question)


def _by_columns(table: SampleTable) -> Iterator[ZoneChoice]:
    for column in (*table.columns, *table.attributes):
        words = tokens(column.word)
        if "timezone" in words or "tz" in words or words[-2:] == ("time", "zone"):
            zones = {zone_in(text) for text in column.distinct}
            if len(zones) == 1 and (zone := zones.pop()):
                yield ZoneChoice(zone, 0.85, f"{column.name} says so in every row")


def _by_lines(table: SampleTable) -> Iterator[ZoneChoice]:
    for line in table.around.splitlines():
        found = zone_in(line)
        if found and ("zone" in line.lower() or "/" in found or _OFFSET.search(line)):
            yield ZoneChoice(found, 0.8, f"a line beside the rows says it: {line.strip()[:80]}")
    offset = _ISO_OFFSET.search(table.around)
    if offset:
        zone = f"{offset[1]}{offset[2]}:{offset[3]}"
        question = f"Are all times written at {zone} from UTC, as a line before the rows is?"
        yield ZoneChoice(zone, 0.5, "a time in a line beside the rows has this offset", question)


def zone_in(text: str) -> str:
    """Return the zone that a text names for certain; "" if it names none."""
    named = _IANA.search(text)
    if named is not None and _exists(named[0]):
        return named[0]
    offset = _OFFSET.search(text)
    if offset is not None:
        sign = "-" if offset[1] in "-−" else "+"
        zone = f"{sign}{int(offset[2]):02d}:{offset[3] or '00'}"
        return "UTC" if zone[1:] == "00:00" else zone
    return "UTC" if _UTC & set(tokens(text)) else ""


def _exists(zone: str) -> bool:
    try:
        zone_table(zone, EARLIEST_US)
    except ValueError:
        return False
    return True


def _by_double_hour(choice: TimeChoice) -> Iterator[ZoneChoice]:
    """Yield the zone whose clocks were put back where the times go back by up to an hour."""
    spec = choice.recognition.spec
    times = TimeReader(TimeSpec(spec.formats, ASSUMED, spec.unit, spec.day_first)).read_texts(
        spaced(choice.texts, _SAMPLES)
    )
    clock_us = times.time_us[times.problem == FINE]
    forward = np.median(np.diff(clock_us)) > 0 if len(clock_us) > 2 else False
    if not forward:
        return
    back = np.flatnonzero(np.diff(clock_us) < 0)
    if not 0 < len(back) <= 0.02 * len(clock_us) + 1:
        return
    before, after = int(clock_us[back[0]]), int(clock_us[back[0] + 1])
    zones = [zone for zone in _DOUBLE_HOUR_ZONES if _puts_back(zone, before, after)]
    if zones:
        day = format_time(before)[:10]
        question = f"An hour comes twice on {day}, as on clocks in {' or '.join(zones)}: were the times written there?"
        yield ZoneChoice(zones[0], 0.6 if len(zones) == 1 else 0.4, f"an hour comes twice on {day}, as there", question)


def _puts_back(zone: str, before: int, after: int) -> bool:
    """Return whether the clocks of a zone can show one time and then the other one."""
    begins, ends = zone_table(zone, EARLIEST_US).doubles
    inside = (begins <= after) & (after < ends) & (before < ends) & (ends - before < _NEAR_US)
    return bool(inside.any())
