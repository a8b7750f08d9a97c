"""Say where the header of a file seems to be, if it is not where it was looked for."""

import csv
from collections.abc import Sequence
from typing import Final

from telemetry.feed.files.header import is_number
from telemetry.feed.files.likely_columns import likely_time

_MOST_LINES: Final = 30


def header_hint(text: bytes, cells: Sequence[str], delimiter: str, quote: str, wanted: Sequence[str]) -> str:
    """Return where the header seems to be; "" if that is not known.

    Args:
        text: beginning of the file in UTF-8.
        cells: of the line that was taken for the header.
        delimiter: between cells.
        quote: around cells.
        wanted: columns of the time.
    """
    lines = text[: 1 << 16].decode("utf-8", "replace").split("\n")[:_MOST_LINES]
    for number, line in enumerate(lines, 1):
        found = _cells(line.rstrip("\r"), delimiter, quote)
        is_header = set(wanted) <= set(found) or likely_time(found)
        if is_header and len(found) > 1 and found != list(cells) and not any(map(is_number, found)):
            return f"line {number} seems to be the header: use --feed with `csv.header` {number}"
    if any(map(is_number, cells)):
        return "its first line is a row and no header: use --feed with `csv.header` 0 and `csv.columns`"
    return ""


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])]
    except csv.Error:
        return []
