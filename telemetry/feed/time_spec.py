"""Take from a feed how its times are written."""

from telemetry.feed.feed import Feed
from telemetry.feed.times.hints import explain
from telemetry.feed.times.problems import FINE
from telemetry.feed.times.reader import TimeReader
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


def start_us(feed: Feed) -> int:
    """Return the time from which the times of a feed are counted, microseconds UTC.

    Raises:
        ValueError: if it is none, or a naive time and the feed says no zone.
    """
    spec = TimeSpec(zone=feed.time.zone, day_first=feed.time.day_first)
    times = TimeReader(spec).read_texts([feed.time.start])
    if times.problem[0] != FINE:
        raise ValueError(explain(feed.time.start, spec))
    return int(times.time_us[0])
