"""Say up to which event time a stream judges what did not come.

At the end of a stream a runner moves the watermark to the end of time, and every deadline passes. Nobody has waited for
those: a device is not silent because the job has ended. A local stream knows how far it has waited; elsewhere it is the
wall clock, which no device is expected to be ahead of. A local stream has waited at least up to the newest reading; its
source has not seen that one where messages of many rows state a time, so the step that decodes them tells it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

from telemetry.process_value import ProcessValue

_LIMIT: Final[ProcessValue[Callable[[], int | None]]] = ProcessValue(lambda: time.time_ns() // 1_000)
_LISTENER: Final[ProcessValue[Callable[[int], None]]] = ProcessValue(lambda _: None)


def deadline_limit_us() -> int | None:
    """Return the event time beyond which no deadline is judged, microseconds UTC; None if each one is."""
    return _LIMIT.get()()


def note_reading(event_us: int) -> None:
    """Tell who set the limit of the event time of a reading, microseconds UTC."""
    _LISTENER.get()(event_us)


@contextlib.contextmanager
def deadlines(limit_us: Callable[[], int | None], on_reading: Callable[[int], None] = lambda _: None) -> Iterator[None]:
    """Use another limit for the time of a block.

    Args:
        limit_us: returns it; see `deadline_limit_us`.
        on_reading: is told of readings; see `note_reading`.
    """
    with _LIMIT.replaced(limit_us), _LISTENER.replaced(on_reading):
        yield
