"""Windows by the clock of a zone, one time after the other with `zoneinfo`. Shares no code with the job."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.support.row_oracle import MICROS, Windows

MONDAY: Final = dt.datetime(1970, 1, 5)
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MINUTE: Final = dt.timedelta(minutes=1)
HOUR_S: Final = 3_600
DAY_S: Final = 86_400


def local_us(zone: str, *moment: int, fold: int = 0) -> int:
    """Return a time that the clock of a zone shows (year, month, day, hour, minute), microseconds UTC."""
    year, month, day, hour, minute = (*moment, 0, 0)[:5]
    shown = dt.datetime(year, month, day, hour, minute, fold=fold, tzinfo=zoneinfo.ZoneInfo(zone))
    return (shown - EPOCH) // dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class LocalWindows(Windows):
    """Windows of a zone whose clock is changed by `change` seconds, if at all; lengths in seconds, as of `Windows`."""

    zone: str = "Europe/Rome"
    change: int = HOUR_S

    @property
    def goes_on(self) -> bool:
        """Whether windows are so short that a change of the clock is nothing to them."""
        return self.change % self.size == 0

    def starts(self, ts_us: int) -> Iterator[int]:
        """Yield the starts of the windows that hold a time, all in microseconds."""
        yield from _starts(self, ts_us)

    def end(self, start_us: int) -> int:
        """Return the exclusive end of a window in microseconds."""
        if self.goes_on:
            return start_us + self.size * MICROS
        shown = _shown(self.zone, start_us)
        return _begins(self.zone, shown - (shown - MONDAY) % self._slide + dt.timedelta(seconds=self.size))

    @property
    def _slide(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.slide)


@functools.lru_cache(maxsize=10_000)
def _starts(windows: LocalWindows, ts_us: int) -> tuple[int, ...]:
    """Return the starts of the windows that hold a time, from those that begin within a day of the right ones."""
    candidates = _of_days(windows, ts_us) if windows.goes_on else _of_marks(windows, ts_us)
    return tuple(start for start in candidates if start <= ts_us < windows.end(start))


def _of_days(windows: LocalWindows, ts_us: int) -> Iterator[int]:
    """Yield the times at a whole number of slides after each of three midnights, each before the next midnight."""
    day = _shown(windows.zone, ts_us).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in (-1, 0, 1):
        start, end = (_begins(windows.zone, day + dt.timedelta(days=number + more)) for more in (0, 1))
        yield from range(start, end, windows.slide * MICROS)


def _of_marks(windows: LocalWindows, ts_us: int) -> Iterator[int]:
    """Yield when the clock comes to each multiple of the slide that it shows, for a size and a day around a time."""
    slide = dt.timedelta(seconds=windows.slide)
    middle = (_shown(windows.zone, ts_us) - MONDAY) // slide
    for number in range(middle - (windows.size + DAY_S) // windows.slide, middle + DAY_S // windows.slide + 1):
        start, after = (_begins(windows.zone, MONDAY + slide * (number + more)) for more in (0, 1))
        if start < after:
            yield start


def _shown(zone: str, time_us: int) -> dt.datetime:
    """Return what the clock shows at a time."""
    moment = EPOCH + dt.timedelta(microseconds=time_us)
    return moment.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


@functools.lru_cache(maxsize=10_000)
def _begins(zone: str, shown: dt.datetime) -> int:
    """Return when the clock first shows a whole minute, or jumps over it."""
    moment = shown.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC)
    while _shown(zone, _us(moment)) != shown and _shown(zone, _us(moment - MINUTE)) >= shown:
        moment -= MINUTE  # in a gap, `datetime` goes on with the offset of before
    return _us(moment)


def _us(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)
