"""Count the rows of a chunk of lines."""

from telemetry.feed.files.csv_row_finder import CsvRowFinder


def count_rows(payload: bytes, rows: CsvRowFinder | None) -> int:
    """Return the number of lines of a payload of whole rows; blank lines and comments count, too.

    Args:
        payload: the rows.
        rows: finds those that are several lines, which count as one; None if there are none.
    """
    content = payload if payload.endswith(b"\n") or not payload else payload + b"\n"
    count = content.count(b"\n")
    for row in rows.broken_rows(content, is_all=True) if rows else ():
        count -= content.count(b"\n", row.first, row.end) - 1
    return count
