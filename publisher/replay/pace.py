"""When a message is due: as it was recorded, so many times faster, or at a steady rate."""

import threading
import time
from collections.abc import Callable
from typing import Final

from telemetry.text.durations import format_duration

_WORTH_SAYING_S: Final = 60.0


class Pace:
    """Holds messages back until they are due.

    The first message is due at once. Of the two limits the slower one counts; a replay that has fallen
    behind its recording catches up, one that has fallen behind its rate does not.
    """

    def __init__(
        self,
        speed: float | None,
        rows_per_s: float | None,
        stopped: threading.Event,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            speed: how many times the recorded pace; None for no limit.
            rows_per_s: rows a second; None for no limit.
            stopped: ends a wait when it is set.
            say: takes a line for the person who waits.
            clock: seconds, monotonic.
        """
        self._speed = speed
        self._rows_per_s = rows_per_s
        self._stopped = stopped
        self._say = say
        self._clock = clock
        self._began: tuple[float, int] | None = None  # clock and event time of the first message
        self._next_s = clock()

    def wait(self, last_us: int | None, rows: int) -> bool:
        """Wait until a message is due; return whether it is to be published, False if it was stopped.

        Args:
            last_us: largest event time in the message, microseconds UTC: it cannot have been sent before.
            rows: rows in it.
        """
        if self._speed is not None and last_us is not None:
            if self._began is None:
                self._began = (self._clock(), last_us)
            since_s, since_us = self._began
            self._wait_until(since_s + (last_us - since_us) / 1e6 / self._speed)
        if self._rows_per_s is not None:
            self._wait_until(self._next_s)
            self._next_s = max(self._next_s, self._clock() - rows / self._rows_per_s) + rows / self._rows_per_s
        return not self._stopped.is_set()

    def _wait_until(self, due_s: float) -> None:
        pause_s = due_s - self._clock()
        if pause_s > _WORTH_SAYING_S:
            self._say(f"the next reading is due in {format_duration(round(pause_s) * 1_000_000)}")
        if pause_s > 0:
            self._stopped.wait(min(pause_s, threading.TIMEOUT_MAX))
