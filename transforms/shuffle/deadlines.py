"""Say up to which event time a stream judges what did not come.

At the end of a stream a runner moves the watermark to the end of time, and every deadline passes. Nobody has waited for
those: a device is not silent because the job has ended. A local stream knows how far it has waited; elsewhere it is the
wall clock, which no device is expected to be ahead of.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

_LIMITS: Final[list[Callable[[], int | None]]] = [lambda: time.time_ns() // 1_000]  # of this process; the last counts


def deadline_limit_us() -> int | None:
    """Return the event time beyond which no deadline is judged, microseconds UTC; None if each one is."""
    return _LIMITS[-1]()


@contextlib.contextmanager
def deadlines(limit_us: Callable[[], int | None]) -> Iterator[None]:
    """Use another limit for the time of a block."""
    _LIMITS.append(limit_us)
    try:
        yield
    finally:
        _LIMITS.remove(limit_us)
