"""Define a piece that is cut from a file."""

from typing import NamedTuple

from telemetry.model.messages import MAX_LINE_BYTES


class FileChunk(NamedTuple):
    """Whole rows of a file.

    Attributes:
        payload: the rows; of a row that is too long, only its beginning.
        offset: where they begin: bytes of the text in UTF-8.
        too_long: length of a row that is too long, or "at least" what is known of it; "" for others.
        is_damaged: the packed file is broken here; there is no payload then.
        rows: number of rows, where they are counted; else 0.
    """

    payload: bytes
    offset: int
    too_long: str = ""
    is_damaged: bool = False
    rows: int = 0


def kept_bytes(most_bytes: int) -> int:
    """Return how much is kept of a row that is longer than `most_bytes`."""
    return min(most_bytes, MAX_LINE_BYTES) + 1
