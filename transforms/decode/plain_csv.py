"""Tell whether lines of CSV are plain: Arrow finds the same cells in them as the csv module does."""

import codecs
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

_QUOTE, _COMMA, _NEWLINE = b'",\n'
ByteArray: TypeAlias = NDArray[np.uint8]
_EDGES: Final = np.isin(np.arange(256), np.frombuffer(b",\r\n", np.uint8))  # by byte: whether a cell ends there


def is_plain(lines: bytes) -> bool:
    """Return whether Arrow finds the same cells in the lines as the csv module does.

    The two agree on UTF-8 text (Arrow drops a BOM and skips cells that are not asked for), lines that end
    in LF or CRLF, and quotes that enclose a whole cell and hold none.
    """
    if not lines.isascii():
        try:
            lines.decode("utf-8")
        except UnicodeDecodeError:
            return False
    if lines.startswith(codecs.BOM_UTF8):
        return False
    if b"\r" in lines and lines.count(b"\r") != lines.count(b"\r\n") + lines.endswith(b"\r"):
        return False
    if b'"' not in lines:
        return True
    content = np.frombuffer(lines, np.uint8)
    return _are_all_cells_quoted(content) or _enclose_whole_cells(content)


def _enclose_whole_cells(content: ByteArray) -> bool:
    """Return whether each opening quote follows the edge of a cell, and each closing quote precedes one."""
    quotes = np.flatnonzero(content == _QUOTE)
    before = quotes[0::2] - 1  # of the quotes that open
    after = quotes[1::2] + 1  # of those that close
    if len(before) != len(after):
        return False
    inside = content[np.concatenate([before[before >= 0], after[after < len(content)]])]
    return bool(_EDGES[inside].all())


def _are_all_cells_quoted(content: ByteArray) -> bool:
    """Return whether quotes are at both ends of the lines and otherwise in pairs around one edge, as in ``"1","a"``.

    Then they enclose whole cells, which is found without a list of their positions: the first one opens, of each pair
    one closes and one opens, and the last one closes.
    """
    quote = content == _QUOTE
    edge = content == _COMMA
    edge |= content == _NEWLINE
    pair = quote[:-2] & edge[1:-1]
    pair &= quote[2:]  # by the position of the first quote
    if not (quote[0] and quote[-1] and len(pair)) or pair[0] or pair[-1]:
        return False
    shared = np.count_nonzero(pair[:-2] & pair[2:])  # one quote cannot belong to two pairs
    return bool(not shared and np.count_nonzero(quote) == 2 * np.count_nonzero(pair) + 2)
