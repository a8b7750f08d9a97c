"""Decide what the time without messages does to a stream: its ticks, its live watermark, and when it is at rest."""

import time
from collections.abc import Callable
from typing import Final

from pipeline.local.state.records import Pulled
from pipeline.sources.event_time import LIVE_US
from pipeline.sources.stream_timing import StreamTiming
from telemetry.model.message_batch import MessageBatch

TICK_S: Final = 0.05
"""Shortest time between two ticks of the clock, seconds."""
_RESTING_S: Final = 2.0  # without a message, after which nobody waits for what is being gathered
_RESTING_TICK_S: Final = 0.5
_LIVE_TICK_S: Final = 1.0
_ASK_S: Final = 60.0
_MICROS: Final = 1_000_000


class QuietTime:
    """Time of a stream since its last message.

    Args:
        timing: durations of the stream.
        silence: asks the service, and returns why it does not answer; "" if it does.
        clock: monotonic seconds.

    Attributes:
        delay_us: distance of the watermark behind the publish time of the newest message of a live stream,
            microseconds; None for other streams.
        timers_until_us: time on the clock of the stream behind which the steps have no timer set, microseconds.
    """

    def __init__(
        self, timing: StreamTiming, silence: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin without a message."""
        self._timing = timing
        self._silence = silence
        self._clock = clock
        self._last_active = self._last_tick = self._last_live = self._asked = 0.0
        self.delay_us: int | None = None
        self.timers_until_us = 0

    def begin(self) -> None:
        """Count from now on."""
        self._last_active = self._last_tick = self._clock()

    def interrupt(self) -> None:
        """Note that a message has come, or has just gone through the graph: it was not quiet until now."""
        self._last_active = self._clock()

    @property
    def seconds(self) -> float:
        """How long it has been quiet."""
        return self._clock() - self._last_active

    def note_pull(self, messages: MessageBatch, record: Pulled) -> None:
        """Learn from a pull whether the stream is live, and that steps gather what is in it."""
        self.delay_us = _delay_us(messages, record, self._timing)
        self.expect_timers(record.clock_us)

    def expect_timers(self, clock_us: int) -> None:
        """Note that steps may have set timers at this time on the clock of the stream."""
        self.timers_until_us = clock_us + self._timing.flush_us

    def live_watermark_us(self, before_us: int | None) -> int | None:
        """Return the watermark of a live stream of which nothing is left to read; None if it does not move.

        Args:
            before_us: the watermark so far, microseconds UTC; None while it is unknown.
        """
        now = self._clock()
        quiet_s = now - self._last_active
        if self.delay_us is None or quiet_s < max(self._timing.lag_us / _MICROS, _LIVE_TICK_S):
            return None
        if now - self._last_live < _LIVE_TICK_S or not self._answers(now):
            return None
        self._last_live = now
        watermark_us = int(time.time() * _MICROS) - self.delay_us
        return watermark_us if before_us is not None and watermark_us > before_us else None

    def is_tick_due(self, *, moves: bool, resting: bool) -> bool:
        """Return whether the clock is to tick now; the pause until the next tick then begins.

        Args:
            moves: whether the watermark moves, which does not wait.
            resting: whether no timer is set: the runner only has to hear something now and then.
        """
        now = self._clock()
        pause_s = TICK_S if now - self._last_active < _RESTING_S else _RESTING_TICK_S
        if resting:
            pause_s = _LIVE_TICK_S
        if now - self._last_tick < pause_s and not moves:
            return False
        self._last_tick = now
        return True

    def _answers(self, now: float) -> bool:
        """Return whether the service answered within the last minute, after the last message."""
        if self._asked <= self._last_active or now - self._asked > _ASK_S:
            if self._silence():
                return False
            self._asked = now
        return True


def _delay_us(messages: MessageBatch, record: Pulled, timing: StreamTiming) -> int | None:
    """Return how far the watermark is behind the publish time of live messages; None if they are not live."""
    if record.watermark_us is None:
        return None
    delay_us = int(messages.publish_us.max()) - record.watermark_us
    return delay_us if abs(delay_us - timing.lag_us) <= LIVE_US else None
