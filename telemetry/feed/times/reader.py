"""Read the time values of a feed: texts or numbers to event times."""

from typing import Final

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.times.formats import format_pattern
from telemetry.feed.times.layouts import ByteColumns, Layout
from telemetry.feed.times.number_texts import read_number_texts
from telemetry.feed.times.pass_clues import NO_CLUES, PassClues
from telemetry.feed.times.patterns import NOTHING, NUMBER, RECOGNISED
from telemetry.feed.times.problems import (
    CALENDAR,
    EARLY,
    FINE,
    LATE,
    MISSING,
    NAIVE,
    NO_FORMAT,
    UNKNOWN,
    ClockTimes,
    Times,
)
from telemetry.feed.times.shapes import TimeTexts, encode, shape_groups
from telemetry.feed.times.spec import TimeSpec
from telemetry.feed.times.units import UNITS, read_numbers
from telemetry.feed.times.zones import zone_table
from telemetry.text.timestamps import LATEST_US

_CACHED: Final = 4096
_TO_SHAPE: Final = bytes.maketrans(b"123456789", b"000000000")


class TimeReader:
    """Reader of the time values of one feed; it raises for no value."""

    def __init__(self, spec: TimeSpec) -> None:
        """Prepare for a description of time values.

        Raises:
            ValueError: if a format, the zone or the unit does not exist.
        """
        self.spec = spec
        if spec.unit and spec.unit not in UNITS:
            raise ValueError(f"{spec.unit!r} is no unit of time; choose {', '.join(UNITS)}")
        self._patterns = tuple(format_pattern(pattern) for pattern in spec.formats)
        self._zone = zone_table(spec.zone, spec.earliest_us) if spec.zone else None
        self._layouts: dict[bytes, tuple[Layout, ...]] = {}

    def read_texts(self, texts: TimeTexts, clues: PassClues = NO_CLUES) -> Times:
        """Return the event times of texts.

        Args:
            texts: (N,) in order of arrival; None or null is a missing value.
            clues: for naive times in an hour that comes twice.
        """
        encoded = encode(texts)
        moments = ClockTimes.refused(len(encoded), UNKNOWN)
        if encoded.null_count:
            moments.problem[np.asarray(encoded.is_null())] = MISSING
        for rows, columns in shape_groups(encoded):
            moments.put(rows, self._read_shape(columns))
        return self._settle(moments, clues)

    def read_numbers(self, values: FloatArray | IntArray, clues: PassClues = NO_CLUES) -> Times:
        """Return the event times of numbers; NaN is a missing value.

        Args:
            values: (N,) in order of arrival, doubles or 64-bit integers.
            clues: for naive times in an hour that comes twice.
        """
        return self._settle(read_numbers(values, self.spec), clues)

    def _settle(self, moments: ClockTimes, clues: PassClues) -> Times:
        """Apply the zone to naive moments, and the bounds of event times to all."""
        time_us, problem = moments.clock_us, moments.problem
        naive = moments.naive & (problem == FINE)
        if naive.any():
            if self._zone is None:
                problem[naive] = NAIVE
            else:
                rows = slice(None) if naive.all() else np.flatnonzero(naive)
                time_us[rows] = clues.of(rows).resolve(self._zone, time_us[rows])
        problem[(time_us < self.spec.earliest_us) & (problem == FINE)] = EARLY
        problem[(time_us >= LATEST_US) & (problem == FINE)] = LATE
        time_us[problem != FINE] = 0
        return Times(time_us, problem)

    def _read_shape(self, columns: ByteColumns) -> ClockTimes:
        size = columns.shape[1]
        text = columns[:, 0].tobytes()
        if NOTHING.fullmatch(text):
            return ClockTimes.refused(size, MISSING)
        if not self._patterns and NUMBER.fullmatch(text):
            return read_number_texts(columns, self.spec)
        layouts = self._layouts_of(text)
        if not layouts:
            return ClockTimes.refused(size, NO_FORMAT if self._patterns else UNKNOWN)
        moments = layouts[0].read(columns)
        for layout in layouts[1:]:
            failed = np.flatnonzero(moments.problem == CALENDAR)
            if len(failed):
                moments.put(failed, layout.read(columns[:, failed]))
        return moments

    def _layouts_of(self, text: bytes) -> tuple[Layout, ...]:
        shape = text.translate(_TO_SHAPE)
        layouts = self._layouts.get(shape)
        if layouts is None:
            found = [pattern.fullmatch(text) for pattern in self._patterns or RECOGNISED]
            layouts = tuple(Layout.of(one, self.spec.day_first) for one in found if one is not None)
            layouts = layouts if self._patterns else layouts[:1]
            if len(self._layouts) < _CACHED:
                self._layouts[shape] = layouts
        return layouts
