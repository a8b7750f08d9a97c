"""Define the durations of a local stream."""

from typing import NamedTuple


class StreamTiming(NamedTuple):
    """Durations of a local stream, microseconds.

    Attributes:
        lag_us: distance of the watermark behind the newest message.
        idle_us: time without a message after which the stream ends; None for never.
        flush_us: the longest time for which a step gathers records, or waits before it reports.
    """

    lag_us: int
    idle_us: int | None
    flush_us: int
