"""Read an MQTT topic filter whose levels may have names, and give the levels of topics as attributes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from publisher.reprocess.topic import RESERVED_ATTRIBUTES
from telemetry.model.messages import (
    CONTENT_ENCODING,
    EVENT_TIME,
    LINE_BYTES,
    MESSAGE_KEY,
    ROWS,
    RUN_ID,
    TIME_LAPSE,
    TIME_SHIFT,
)

DEVICE: Final = "device"
"""Attribute: the level of the topic that names the device; also the ordering key."""
_NAMED: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_OF_THE_JOB: Final = (CONTENT_ENCODING, EVENT_TIME, LINE_BYTES, MESSAGE_KEY, ROWS, RUN_ID, TIME_LAPSE, TIME_SHIFT)
_TAKEN: Final = RESERVED_ATTRIBUTES | frozenset(_OF_THE_JOB)
_TAKEN_PREFIXES: Final = ("goog", "mqtt_")
_MAX_FILTER_BYTES: Final = 65_535


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """A topic filter with names for some of its levels.

    Attributes:
        topic_filter: the filter that is subscribed to, such as ``plants/+/+``.
        names: level, from 0, and the attribute that holds it.
    """

    topic_filter: str
    names: tuple[tuple[int, str], ...]

    def attributes_of(self, topic: str) -> dict[str, str]:
        """Return the named levels of a topic, without empty ones.

        A topic that does not match has none: it belongs to an earlier subscription of the same session.
        """
        levels = topic.split("/")
        if not _matches(self.topic_filter.split("/"), levels):
            return {}
        return {name: levels[at] for at, name in self.names if levels[at]}


def parse_pattern(text: str) -> TopicPattern:
    """Return the pattern that the path of an address holds: a topic filter, percent-encoded where needed.

    A level ``{name}`` matches any level, as ``+`` does, and names it. Without names the last ``+`` is the device.

    Raises:
        ValueError: saying what is wrong.
    """
    levels: list[str] = []
    names: list[tuple[int, str]] = []
    for part in text.split("/"):
        found = _NAMED.fullmatch(part)
        if found is not None:
            names.append((len(levels), _check_name(found[1], names)))
            levels.append("+")
        else:
            levels += _decoded(part).split("/")
    _check_filter(levels)
    if not names and "+" in levels:
        names.append((len(levels) - 1 - levels[::-1].index("+"), DEVICE))
    return TopicPattern("/".join(levels), tuple(names))


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError(f"{part} is not percent-encoded UTF-8") from error


def _check_name(name: str, names: Sequence[tuple[int, str]]) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{{{name}}} is no name: letters, digits, _ and -, first a letter")
    if name in _TAKEN or name.startswith(_TAKEN_PREFIXES):
        raise ValueError(f"{{{name}}} is a name of another attribute")
    if any(name == other for _, other in names):
        raise ValueError(f"{{{name}}} names two levels")
    return name


def _check_filter(levels: Sequence[str]) -> None:
    text = "/".join(levels)
    if not text:
        raise ValueError("no topic filter, write mqtt://host/plants/+/+")
    if len(text.encode()) > _MAX_FILTER_BYTES or "\0" in text:
        raise ValueError("a topic filter has at most 65,535 bytes, and no NUL")
    if levels[0] == "$share":
        raise ValueError(
            "a shared subscription spreads a device over bridges, out of order; give each bridge a filter of its own"
        )
    for at, level in enumerate(levels):
        if "#" in level and (level != "#" or at < len(levels) - 1):
            raise ValueError("# stands alone in the last level")
        if level != "+" and "+" in level:
            raise ValueError("+ stands alone in its level")


def _matches(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(one in ("+", level) for one, level in zip(wanted, levels, strict=True))
