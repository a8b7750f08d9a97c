"""Read the clock by which streams gather records and report windows early.

It is the wall clock, unless a local stream keeps a journal: then it is the clock of that journal, so that a stream that
is run again from the journal gathers the same records into the same files.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

_CLOCKS: Final[list[Callable[[], float]]] = [time.time]  # of this process; the innermost counts


def now_s() -> float:
    """Return the current processing time, seconds since the epoch."""
    return _CLOCKS[-1]()


@contextlib.contextmanager
def processing_time(clock: Callable[[], float]) -> Iterator[None]:
    """Use another clock for the time of a block."""
    _CLOCKS.append(clock)
    try:
        yield
    finally:
        _CLOCKS.remove(clock)
