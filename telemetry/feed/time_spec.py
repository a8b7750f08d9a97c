"""Take from a feed how its times are written."""

from telemetry.feed.feed import Feed
from telemetry.feed.times.spec import TimeSpec
from telemetry.text.timestamps import EARLIEST_US


def time_spec(feed: Feed, earliest_us: int = EARLIEST_US) -> TimeSpec:
    """Return the description of the time values of a feed.

    Args:
        feed: the feed.
        earliest_us: first event time that is possible, microseconds UTC.
    """
    time = feed.time
    formats = (time.format,) if isinstance(time.format, str) else time.format
    return TimeSpec(tuple(filter(None, formats)), time.zone, time.unit or "", time.day_first, earliest_us)
