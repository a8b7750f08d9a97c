"""Describe the time values of a feed, as its file says it."""

import msgspec

from telemetry.text.timestamps import EARLIEST_US


class TimeSpec(msgspec.Struct, frozen=True):
    """Description of the time values of a feed; everything is optional.

    Attributes:
        formats: patterns of `datetime.strptime`, tried in order; none: the common forms are recognised.
        zone: of naive times, a name of the IANA database (``Europe/Rome``) or an offset (``+02:00``); "" refuses them.
        unit: of numbers, a key of `telemetry.feed.times.units.UNITS`; "" tells s, ms, us and ns apart by magnitude.
        day_first: whether 08/12/2018 is in December; None refuses the dates that can be read both ways.
        earliest_us: first event time that is possible, microseconds UTC; it refuses clocks that were never set, serial
            dates, uptimes and numbers such as 20200713.
    """

    formats: tuple[str, ...] = ()
    zone: str = ""
    unit: str = ""
    day_first: bool | None = None
    earliest_us: int = EARLIEST_US
