"""Read the times of rows."""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from telemetry.arrays import CodeArray, IntArray
from telemetry.feed.feed import Feed
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.feed.time_spec import time_spec
from telemetry.feed.times.clocks import Clocks
from telemetry.feed.times.hints import explain
from telemetry.feed.times.made import joined, made
from telemetry.feed.times.problems import FINE, MISSING, UNKNOWN, Times
from telemetry.feed.times.reader import TimeReader
from telemetry.model.messages import FIRST_ROW
from telemetry.text.durations import parse_duration
from telemetry.text.timestamps import parse_time

_WHOLE: Final = range(-(2**63), 2**63)
_MOST_DIGITS: Final = 15


class PayloadRows(NamedTuple):
    """N rows of some payloads.

    Attributes:
        envelopes: of the payloads.
        payload: (N,) index of the payload of each row.
        number: (N,) number of each row in its payload, from 1.
    """

    envelopes: Sequence[Envelope]
    payload: CodeArray
    number: CodeArray


class Series(NamedTuple):
    """The series of N rows, in order of arrival, for the hour that comes twice at the end of summer time.

    Attributes:
        names: devices.
        code: (N,) index into `names`.
        clocks: of the series of the rows before; None for none.
    """

    names: tuple[str, ...]
    code: CodeArray
    clocks: Clocks | None

    def order(self) -> IntArray:
        """(N,) code of the series of each row, the same in every payload."""
        hashes = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in self.names]
        codes = np.array([int.from_bytes(one, "little", signed=True) for one in hashes] or [0], np.int64)
        return codes[self.code]


class RowTimeReader:
    """Reads the times of the rows of a feed.

    Args:
        feed: the feed.
        earliest_us: first event time that is possible, microseconds UTC.
    """

    def __init__(self, feed: Feed, earliest_us: int) -> None:
        """Prepare to read times."""
        time = feed.time
        self._fields = time
        self._spec = time_spec(feed, earliest_us)
        self._reader = TimeReader(self._spec)
        self._start_us = parse_time(time.start) if time.start else None
        self._interval_us = parse_duration(time.interval)
        self._has_zone = bool(time.zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column or path of the time, or two of them; () if it is known without one."""
        time = self._fields
        if time.attribute or time.start:
            return ()
        return (time.column,) if isinstance(time.column, str) else time.column

    def of_payloads(self, rows: PayloadRows) -> Times:
        """Return the times of rows that have none of their own."""
        if self._start_us is not None:
            return self._made(self._start_us, rows)
        attribute = self._fields.attribute
        texts = [envelope.attributes.get(attribute) for envelope in rows.envelopes]
        found = self._reader.read_texts(texts)
        return self._settle(Times(found.time_us[rows.payload], found.problem[rows.payload]), rows)

    def _made(self, start_us: int, rows: PayloadRows) -> Times:
        firsts = np.array([_first_row(envelope.attributes.get(FIRST_ROW, "")) for envelope in rows.envelopes], np.int64)
        places = firsts[rows.payload] + rows.number - 1
        if not len(places):
            return Times(places, np.zeros(0, np.uint8))
        first = int(places.min())
        times = made(start_us, self._interval_us, first, int(places.max()) - first + 1)
        return Times(times.time_us[places - first], times.problem[places - first])

    def of_columns(self, columns: Sequence[pa.Array], rows: PayloadRows, series: Series) -> Times:
        """Return the times of one column of texts, or of a date and a time of day in two."""
        texts = columns[0] if len(columns) == 1 else joined(*columns)
        return self._settle(self._reader.read_texts(texts, *self._arrival(series)), rows)

    def of_values(self, columns: Sequence[Sequence[object]], rows: PayloadRows, series: Series) -> Times:
        """Return the times of values of records: texts or numbers."""
        values = columns[0] if len(columns) == 1 else [_joined(pair) for pair in zip(*columns, strict=True)]
        kinds = set(map(type, values))
        if kinds <= {str}:
            times = self._reader.read_texts(_texts(values), *self._arrival(series))
        elif kinds <= {int} and all(value in _WHOLE for value in values):
            times = self._reader.read_numbers(np.array(values, np.int64), *self._arrival(series))
        elif kinds <= {float}:
            times = self._reader.read_numbers(np.array(values, np.float64), *self._arrival(series))
        else:
            times = self._of_mixed(values, series)
        return self._settle(times, rows)

    def explain(self, values: Sequence[object]) -> str:
        """Return why the value of a row, or its two values, are no time."""
        text = " ".join("" if value is None else str(value) for value in values)
        return f"{self.name} {explain(text, self._spec) or 'is no time'}"

    @property
    def name(self) -> str:
        """How people know the time of this feed."""
        return self._fields.attribute or " ".join(self.columns) or "time"

    def _of_mixed(self, values: Sequence[object], series: Series) -> Times:
        """Return the times of values of several types; each type in the order of arrival."""
        times = Times(np.zeros(len(values), np.int64), np.full(len(values), UNKNOWN, np.uint8))
        texts, whole, broken, missing = [], [], [], []
        for row, value in enumerate(values):
            if isinstance(value, str):
                texts.append(row)
            elif isinstance(value, bool):
                continue
            elif isinstance(value, int) and value in _WHOLE:
                whole.append(row)
            elif isinstance(value, float):
                broken.append(row)
            elif value is None:
                missing.append(row)
        times.problem[missing] = MISSING
        order, clocks = self._arrival(series)
        for rows, numbers in (
            (whole, np.array([values[row] for row in whole], np.int64)),
            (broken, np.array([values[row] for row in broken], np.float64)),
        ):
            if rows:
                some = self._reader.read_numbers(numbers, None if order is None else order[rows], clocks)  # type: ignore[arg-type]
                times.time_us[rows], times.problem[rows] = some.time_us, some.problem
        if texts:
            found = [str(values[row]) for row in texts]
            some = self._reader.read_texts(found, None if order is None else order[texts], clocks)
            times.time_us[texts], times.problem[texts] = some.time_us, some.problem
        return times

    def _arrival(self, series: Series) -> tuple[IntArray | None, Clocks | None]:
        return (series.order(), series.clocks) if self._has_zone else (None, None)

    def _settle(self, times: Times, rows: PayloadRows) -> Times:
        """Return times of which those that are missing are the publish time, if the feed says so."""
        if not self._fields.publish:
            return times
        known = np.array([envelope.publish_us is not None for envelope in rows.envelopes], np.bool_)
        publish_us = np.array([envelope.publish_us or 0 for envelope in rows.envelopes], np.int64)
        missing = (times.problem == MISSING) & known[rows.payload]
        time_us = np.where(missing, publish_us[rows.payload], times.time_us)
        return Times(time_us, np.where(missing, FINE, times.problem).astype(np.uint8))


def _first_row(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def _texts(values: Sequence[object]) -> pa.Array | list[str]:
    """Return texts as Arrow's, except those with half of a surrogate pair."""
    try:
        return pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        return [str(value) for value in values]


def _joined(pair: Sequence[object]) -> str | None:
    date, clock = pair
    return None if date is None or clock is None else f"{date} {clock}"
