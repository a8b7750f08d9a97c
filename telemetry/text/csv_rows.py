"""Fit the cells of a row of CSV to its header, as people's files need it; publisher and job share this rule.

Bytes of zero are what a power cut leaves in a file. Loggers leave out what they did not measure at the end of a row,
and spreadsheets end rows with empty cells.
"""


def without_zeros(text: str) -> str:
    """Return a text without characters of zero."""
    return text.replace("\0", "") if "\0" in text else text


def fit_row(cells: list[str], columns: int) -> list[str] | None:
    """Return the cells of a row, as many as there are columns: filled up with empty ones, or without empty ones.

    None is returned for a row with surplus cells that are not empty, and for one without a cell, or with a single one
    under a longer header: no time and device fit into those.
    """
    found = len(cells)
    if found == columns:
        return cells
    if found > columns:
        return None if any(map(str.strip, cells[columns:])) else cells[:columns]
    return cells + [""] * (columns - found) if found > 1 else None


def is_filled(line: bytes, empty: bytes, quote: bytes) -> bool:
    """Return whether a line has something in its cells; a quote that is not closed is something.

    Args:
        line: of CSV.
        empty: bytes that are nothing: blanks, the delimiter and the quote.
        quote: around cells, one byte.
    """
    return bool(line.strip(empty)) or line.count(quote) % 2 == 1
