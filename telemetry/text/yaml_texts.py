"""Write texts into YAML so that they are read as they are, and comments so that a person reads them."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""Texts that YAML 1.1 takes for something else."""
_WIDTH: Final = 110


def quoted(text: str) -> str:
    """Return a text as YAML reads it, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    escaped = "".join(_escaped(letter) for letter in text)
    return f'"{escaped}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter == "\t":
        return "\\t"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def printable(text: str) -> str:
    """Return a text for a comment, on one line."""
    return text if text.isprintable() else ascii(text)


def counted(number: int, noun: str) -> str:
    """Return how many there are of something."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def comments(sentences: Iterable[str], indent: str = "") -> Iterator[str]:
    """Yield sentences as comments, each on lines of its own."""
    for sentence in sentences:
        first, rest = f"{indent}# ", f"{indent}#   "
        yield from textwrap.wrap(
            sentence, _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
