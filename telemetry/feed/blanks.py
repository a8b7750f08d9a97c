"""Make one delimiter of the blanks between columns that people align with them."""

import re
from typing import Final

ALIGNED: Final = " "
"""Delimiter of CSV that stands for any number of blanks and tabs."""
_CELL: Final = rb"%s(?:[^%s]|%s%s)*+%s(?=[ \t\r]|\Z)|[^ \t\r]+"


def squeeze(line: bytes, quote: bytes) -> bytes:
    """Return a row of aligned columns with one blank between two cells, and none around them; those in quotes stay.

    Args:
        line: the row.
        quote: around cells, one byte.
    """
    if quote not in line:
        return b" ".join(line.split())
    around = re.escape(quote)
    return b" ".join(re.findall(_CELL % ((around,) * 5), line))
