"""Delay messages to the recorded pace, a multiple of it, or a constant rate."""

import threading
import time
from collections.abc import Callable
from typing import Final

from telemetry.text.durations import format_duration

_REPORTED_PAUSE_S: Final = 60.0


class Pacer:
    """Delay messages until they are due.

    The first message is due immediately, and the slower of the two limits applies. A replay that is behind the
    recording catches up; a replay that is behind the rate does not.
    """

    def __init__(
        self,
        speed: float | None,
        rows_per_s: float | None,
        stopped: threading.Event,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to wait.

        Args:
            speed: multiple of the recorded pace; None for no limit.
            rows_per_s: most rows per second; None for no limit.
            stopped: ends a wait when it is set.
            notify: prints one line about a long pause.
            clock: returns monotonic seconds.
        """
        self._speed = speed
        self._rows_per_s = rows_per_s
        self._stopped = stopped
        self._notify = notify
        self._clock = clock
        self._began: tuple[float, int] | None = None  # clock and event time of the first message
        self._next_s = clock()

    def wait(self, last_us: int | None, rows: int) -> bool:
        """Wait until a message is due; return False if the wait was stopped.

        Args:
            last_us: largest event time of the message, microseconds UTC, before which it cannot have been sent.
            rows: number of rows in the message.
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
        if pause_s > _REPORTED_PAUSE_S:
            self._notify(f"the next reading is due in {format_duration(round(pause_s) * 1_000_000)}")
        if pause_s > 0:
            self._stopped.wait(min(pause_s, threading.TIMEOUT_MAX))
