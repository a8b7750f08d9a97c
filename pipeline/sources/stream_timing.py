"""Define the durations of a local stream."""

from typing import NamedTuple

from telemetry.text.timestamps import ClockBounds


class StreamTiming(NamedTuple):
    """Durations of a local stream, microseconds.

    Attributes:
        lag_us: distance of the watermark behind the newest message.
        bounds: how far a message may move the watermark's base past its publish time, and the first time that counts.
        idle_us: time without a message after which the stream ends; None for never.
        flush_us: the longest time for which a step gathers records, or waits before it reports.
    """

    lag_us: int
    bounds: ClockBounds
    idle_us: int | None
    flush_us: int
