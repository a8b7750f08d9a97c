"""Guess by their names which columns are times, devices, counters, coordinates or measured quantities."""

import functools
import re
from typing import Final

from telemetry.feed.propose.vocabulary import (
    CALENDAR,
    COORDINATES,
    COUNTERS,
    DEVICE_MARKS,
    DEVICE_THINGS,
    ENVELOPE,
    FLAGS,
    IDS,
    NAME_COLUMNS,
    NO_DEVICES,
    OTHER_TIMES,
    PHRASES,
    PLACE_NAMES,
    QUANTITIES,
    TIME_ENDS,
    TIME_WORDS,
    TIMES,
    VALUE_COLUMNS,
)

_MOST_NAMES: Final = 8_192  # each is asked for often
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
_LONG_QUANTITIES: Final = tuple(word for word in sorted(QUANTITIES) if len(word) >= 4)
"""Those that are known within a longer word, such as ``outtemp``."""
_CAMEL: Final = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")


@functools.lru_cache(maxsize=_MOST_NAMES)
def tokens(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name in lower case: `deviceId` and ``Device ID`` are ("device", "id")."""
    return tuple(part.lower() for word in _WORDS.findall(name) for part in _CAMEL.split(word))


def joined(name: str) -> str:
    """Return the letters and digits of a name in lower case."""
    return "".join(tokens(name))


def time_score(name: str) -> float:
    """Return how much a name is that of the time of a reading: 0 not at all, 3 for ``ts``, below 0 for another time."""
    words = tokens(name)
    score = TIMES.get("".join(words), 0.0)
    if not score and (TIME_WORDS & set(words) or "".join(words).endswith(TIME_ENDS)):
        score = 1.5
    return score - (3.0 if OTHER_TIMES & set(words) else 0.0)


def device_score(name: str) -> float:
    """Return how much a name is that of the device: 0 not at all, above 3 for a column that hardly is another."""
    words = tuple(part for word in tokens(name) for part in _without_mark(word))
    if name.startswith("__"):
        return 0.0  # labels such as Prometheus' own
    best = max((DEVICE_THINGS.get(word, 0.0) for word in words), default=0.0)
    if not best or any(word in NO_DEVICES and word not in DEVICE_THINGS for word in words):
        return 0.0
    if words == ("battery",) or words[-1] in QUANTITIES - {"battery"}:
        return 0.0
    if len(words) == 1:
        return best + (0.5 if best > 3 else 0.0)
    if words[-1] in DEVICE_MARKS:
        return best + DEVICE_MARKS[words[-1]] - 0.1 * (len(words) > 2)
    return best - 1.0 if words[-1] not in DEVICE_THINGS else best


def _without_mark(word: str) -> tuple[str, ...]:
    """Return the parts of a word such as ``deviceid``, in which people leave out what divides them."""
    if word in DEVICE_THINGS:
        return (word,)
    for mark in DEVICE_MARKS:
        if word.endswith(mark) and word.removesuffix(mark) in DEVICE_THINGS:
            return word.removesuffix(mark), mark
    return (word,)


@functools.lru_cache(maxsize=_MOST_NAMES)
def is_quantity(name: str) -> bool:
    """Return whether a name is that of something that is measured."""
    words = tokens(name)
    if QUANTITIES & set(words) or any(phrase in "".join(words) for phrase in PHRASES):
        return True
    return any(word.startswith(_LONG_QUANTITIES) or word.endswith(_LONG_QUANTITIES) for word in words)


def is_counter(name: str) -> bool:
    """Return whether a name may be that of a counter of rows; a column without a name is one, too."""
    words = tokens(name)
    return not words or bool(COUNTERS & set(words))


def other_meaning(name: str) -> str:
    """Return the meaning of a column that has numbers and is no metric, such as "a coordinate"; "" if it may be one."""
    words = tokens(name)
    if words and (words[-1] in IDS or "".join(words) in PLACE_NAMES):
        return "an identifier"
    if words and words[-1] in COORDINATES:
        return "a coordinate"
    if "".join(words) in CALENDAR:
        return "a part of the date"
    is_mark = words == ("quality",) or (words[-1:] and words[-1] in FLAGS and len(words) > 1)
    return "a mark of quality" if is_mark else ""


def are_quantities(name: str) -> bool:
    """Return whether a name says quantities and nothing else: ``temp`` and not ``temp 1``."""
    words = tokens(name)
    return bool(words) and (QUANTITIES.issuperset(words) or "".join(words) in PHRASES)


def is_envelope(name: str) -> bool:
    """Return whether a name is that of a number by which networks and brokers work."""
    return joined(name) in ENVELOPE


def metric_name_score(name: str) -> float:
    """Return how much a name is that of a column of metrics' names."""
    return NAME_COLUMNS.get(joined(name), 0.0)


def value_rank(name: str) -> int:
    """Return the place of a name among those of columns of values of any metric, 0 the likeliest; -1 for none."""
    word = joined(name)
    return VALUE_COLUMNS.index(word) if word in VALUE_COLUMNS else -1
