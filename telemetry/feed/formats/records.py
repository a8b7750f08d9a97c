"""Define the records that a payload holds, its parts that cannot be read, and the interface of readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from telemetry.errors import TelemetryError


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """One record of a payload.

    Attributes:
        value: its fields: nested dicts with names as keys, lists, numbers, texts, booleans and None.
        first: first byte of the payload that it was read from.
        end: byte after the last one. It is the whole payload where the format cannot be divided.
    """

    value: dict[str, Any]
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class BadPart:
    """Bytes of a payload that cannot be read; they are kept as they are.

    Attributes:
        first: first byte.
        end: byte after the last one.
        problem: one line that says why.
    """

    first: int
    end: int
    problem: str


class RecordReader(Protocol):
    """Reads the payloads of one format; it can be pickled, with the schema that it has read."""

    def read(self, payload: bytes) -> tuple[list[FeedRecord], list[BadPart]]:
        """Return the records of a payload, in order, and its parts that cannot be read; raise for no payload."""
        ...


class FeedFormatError(TelemetryError):
    """An option of a format, or a file that it names, that cannot be used; found before any payload is read."""

    def __init__(self, option: str, problem: str) -> None:
        """Name the option of the feed and say what is wrong with it."""
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


LIBRARY_ERRORS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
"""Errors that libraries are known to raise for bytes that are not in their format."""


def reject_whole(payload: bytes, problem: str) -> tuple[list[FeedRecord], list[BadPart]]:
    """Return no record, and the whole payload as one bad part."""
    return [], [BadPart(0, len(payload), problem)]


def keep_whole_if_nothing_read(
    payload: bytes, records: list[FeedRecord], bad: Sequence[BadPart]
) -> tuple[list[FeedRecord], list[BadPart]]:
    """Return records and bad parts; a payload without any record is one bad part, byte for byte.

    Parts of it can be rejected alone only if the payload is in the format at all. A blank payload holds nothing.
    """
    if records or not payload.strip():
        return records, list(bad)
    return reject_whole(payload, bad[0].problem if bad else "holds no record")


def describe(error: BaseException) -> str:
    """Return an error in one short line."""
    text = " ".join(str(error).split())[:200]
    return text if text else type(error).__name__
