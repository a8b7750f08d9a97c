"""Parse the text of a path into its steps, and write steps as text."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, TypeAlias

from telemetry.feed.formats.records import FeedFormatError


class PathMark(Enum):
    """Steps that are neither a name nor an index."""

    EACH = "*"
    JSON = "json"
    BASE64 = "base64"


PathStep: TypeAlias = str | int | PathMark
"""A name, an index from 0 (or from the end, below 0), or a mark."""
MAX_STEPS: Final = 32
_STEP: Final = re.compile(
    r'(?P<dot>\.)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<each>\*)|(?P<name>[^."\[\]|*\\]+))'
    r"|\[(?:(?P<index>-?[0-9]{1,9})|(?P<all>\*))\]|\|\s*(?P<filter>json|base64)\s*"
)
_PLAIN: Final = re.compile(r'[^."\[\]|*\\\s](?:[^."\[\]|*\\]*[^."\[\]|*\\\s])?')
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_path(text: str) -> tuple[PathStep, ...]:
    r"""Return the steps of a path.

    Names are separated by dots: ``uplink_message.decoded_payload.temp``. ``[0]`` is an element of a list, and ``*`` or
    ``[*]`` is every element. A name with a dot, bracket, bar, star or blanks around it is quoted, ``a."b.c"``, with
    ``\"`` and ``\\`` inside. ``|json`` and ``|base64`` decode the text that the path leads to; the path may go on.

    Raises:
        FeedFormatError: if the text is no path.
    """
    steps: list[PathStep] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or (_takes_name(found) and bool(found["dot"]) != bool(steps)):
            raise FeedFormatError("path", f"{text[:200]!r} is no path at character {position + 1}")
        if not steps and (found["filter"] or found["index"]):
            raise FeedFormatError("path", f"{text[:200]!r} begins with no name")
        steps.append(_step(found))
        position = found.end()
    if not steps:
        raise FeedFormatError("path", f"{text!r} has no name")
    if len(steps) > MAX_STEPS:
        raise FeedFormatError("path", f"{len(steps)} steps, at most {MAX_STEPS}")
    return tuple(steps)


def _takes_name(found: re.Match[str]) -> bool:
    return found["quoted"] is not None or found["name"] is not None or found["each"] is not None


def _step(found: re.Match[str]) -> PathStep:
    if found["each"] or found["all"]:
        return PathMark.EACH
    if found["index"]:
        return int(found["index"])
    if found["filter"]:
        return PathMark(found["filter"])
    return found["name"].strip() if found["quoted"] is None else _ESCAPE.sub(r"\1", found["quoted"])


def write_path(steps: Sequence[PathStep]) -> str:
    """Return the text of steps, from which `parse_path` returns them again."""
    text = ""
    for step in steps:
        match step:
            case int():
                text += f"[{step}]"
            case PathMark.JSON | PathMark.BASE64:
                text += f"|{step.value}"
            case PathMark.EACH:
                text += ".*" if text else "*"
            case str():
                text += ("." if text else "") + _quote(step)
    return text


def _quote(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
