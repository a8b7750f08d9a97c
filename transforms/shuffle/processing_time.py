"""Read the clock by which streams gather records and report windows early.

It is the wall clock, unless a local stream keeps a journal: then it is the clock of that journal, so that a stream that
is run again from the journal gathers the same records into the same files.
"""

import time
from collections.abc import Callable
from typing import Final

from telemetry.process_value import ProcessValue

_CLOCK: Final[ProcessValue[Callable[[], float]]] = ProcessValue(time.time)
processing_time = _CLOCK.replaced
"""Use another clock, which returns seconds since the epoch, for the time of a block."""


def now_s() -> float:
    """Return the current processing time, seconds since the epoch."""
    return _CLOCK.get()()
