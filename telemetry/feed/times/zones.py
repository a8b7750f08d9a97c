"""Convert naive times of a zone to UTC, whole arrays at a time."""

import datetime as dt
import difflib
import functools
import re
import zoneinfo
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.arrays import IntArray
from telemetry.text.timestamps import LATEST_US, MICROS

_OFFSET: Final = re.compile(r"([+-])([01]\d|2[0-3]):?([0-5]\d)", re.ASCII)
_STEP_S: Final = 4 * 86_400  # no zone changed its clocks and changed them back within less since 1900
_MARGIN_S: Final = 2 * 86_400
_EARLIEST_S: Final = -2_208_988_800  # 1900
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, eq=False)
class ZoneTable:
    """Changes of a zone's offset from UTC.

    Attributes:
        change_us: (C,) when the offset changed, microseconds UTC, ascending.
        offset_us: (C + 1,) offsets before, between and after the changes, microseconds.
    """

    change_us: IntArray
    offset_us: IntArray

    @functools.cached_property
    def first_pass(self) -> IntArray:
        """(C,) the naive times from which on each change has happened, for the first pass of a double hour.

        A clock that is put forward never shows the hour it jumps over; a time in it is read as if it had not been put
        forward yet, as `datetime` does.
        """
        shown: IntArray = self.change_us + np.maximum(self.offset_us[:-1], self.offset_us[1:])
        return shown

    @functools.cached_property
    def doubles(self) -> tuple[IntArray, IntArray]:
        """(D,) the naive times at which double hours begin and end."""
        back = self.offset_us[1:] < self.offset_us[:-1]
        change = self.change_us[back]
        return change + self.offset_us[1:][back], change + self.offset_us[:-1][back]

    def to_utc(self, naive_us: IntArray) -> IntArray:
        """Return the times in UTC; in an hour that comes twice, those of the first pass."""
        time_us: IntArray = naive_us - self.offset_us[np.searchsorted(self.first_pass, naive_us, side="right")]
        return time_us


def zone_table(zone: str, earliest_us: int) -> ZoneTable:
    """Return the changes of a zone between an earliest time, at least 1900, and 2100.

    Raises:
        ValueError: if there is no such zone.
    """
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        seconds = int(offset[2]) * 3600 + int(offset[3]) * 60
        return ZoneTable(np.zeros(0, np.int64), np.array([int(f"{offset[1]}1") * seconds * MICROS], np.int64))
    return _table(zone, max(earliest_us // MICROS - _MARGIN_S, _EARLIEST_S))


def unknown_zone(zone: str) -> str:
    """Return the problem with a zone that does not exist, with a name like it if there is one."""
    known = {name.lower(): name for name in zoneinfo.available_timezones()}
    near = difflib.get_close_matches(zone.lower(), known, n=1)
    hint = f"; did you mean {known[near[0]]}?" if near else " such as Europe/Rome"
    return f"is no zone of the IANA database{hint}"


@functools.lru_cache(maxsize=64)
def _table(zone: str, start_s: int) -> ZoneTable:
    try:
        info = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} {unknown_zone(zone)}") from error

    def offset_at(second: int) -> int:
        moment = (_EPOCH + dt.timedelta(seconds=second)).astimezone(info)
        return (moment.utcoffset() or dt.timedelta()) // dt.timedelta(seconds=1)

    changes: list[int] = []
    offsets = [offset_at(start_s)]
    end_s = LATEST_US // MICROS + _MARGIN_S
    for before in range(start_s, end_s, _STEP_S):
        low, high = before, before + _STEP_S
        last = offset_at(high)
        while offsets[-1] != last:  # more than one change may lie in a step
            first, after = low, high
            while after - first > 1:
                middle = (first + after) // 2
                first, after = (middle, after) if offset_at(middle) == offsets[-1] else (first, middle)
            changes.append(after)
            offsets.append(offset_at(after))
            low = after
    return ZoneTable(np.array(changes, np.int64) * MICROS, np.array(offsets, np.int64) * MICROS)
