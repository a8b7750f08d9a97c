"""Define how a file is read and cut."""

import enum
from dataclasses import dataclass

from telemetry.feed.feed import JSON
from telemetry.model.messages import MAX_LINE_BYTES


class Cutting(enum.Enum):
    """Where a file may be cut into messages.

    Attributes:
        LINES: after any line, in byte ranges that are read in any order.
        EACH_LINE: as `LINES`, and each line is a message of its own.
        ROWS: after rows of CSV, in which cells in quotes may hold line breaks.
        DOCUMENTS: between JSON documents, and the elements of arrays that are not within others.
        WHOLE: nowhere.
    """

    LINES = enum.auto()
    EACH_LINE = enum.auto()
    ROWS = enum.auto()
    DOCUMENTS = enum.auto()
    WHOLE = enum.auto()


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is read and cut, as `look_at` sees it.

    Attributes:
        format: name of the format, as in `Feed.format`; never empty.
        cutting: where it may be cut.
        encoding: of its text, as a codec that Python knows; "" if the bytes are taken as they are: UTF-8, or no text.
        columns: names of the columns of CSV; None for other formats.
        rows_begin: where its first row begins: bytes, of the text in UTF-8.
        delimiter: between cells, a character; "" for other formats than CSV.
        has_own_delimiter: it is not the one of the feed, and its messages tell it.
        quote: around cells, a character.
        opens_arrays: whether the elements of a JSON array are rows; else an array is one document.
        most_bytes: longest row or document that is kept.
        in_order: its rows must be read in the order of the file, and by one worker.
        names_file: its messages tell the name of the file.
        counts_rows: its messages tell the number of their first row.
    """

    format: str = JSON
    cutting: Cutting = Cutting.LINES
    encoding: str = ""
    columns: tuple[str, ...] | None = None
    rows_begin: int = 0
    delimiter: str = ""
    has_own_delimiter: bool = False
    quote: str = '"'
    opens_arrays: bool = True
    most_bytes: int = MAX_LINE_BYTES
    in_order: bool = False
    names_file: bool = False
    counts_rows: bool = False

    @property
    def is_divisible(self) -> bool:
        """Return whether byte ranges of the file can be read in any order; else it is read from its beginning."""
        by_lines = self.cutting in (Cutting.LINES, Cutting.EACH_LINE)
        return by_lines and not (self.encoding or self.in_order or self.counts_rows)
