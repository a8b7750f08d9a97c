"""Raise the csv module's limit of a cell for as long as somebody needs it: the module has one for the whole process."""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_USUAL: Final = csv.field_size_limit()
_LOCK: Final = threading.Lock()
_wanted: list[int] = []  # limits in force; threads may overlap, so the last to end lowers it, not the first


@contextmanager
def cells_up_to(characters: int) -> Iterator[None]:
    """Let `csv` read cells of at least that many characters inside the block; afterwards the limit is the usual one."""
    with _LOCK:
        _wanted.append(characters)
        csv.field_size_limit(max(_USUAL, *_wanted))
    try:
        yield
    finally:
        with _LOCK:
            _wanted.remove(characters)
            csv.field_size_limit(max([_USUAL, *_wanted]))
