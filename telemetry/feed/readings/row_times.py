"""Read the times of rows."""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.arrays import CodeArray, IntArray
from telemetry.feed.feed import Feed
from telemetry.feed.readings.counter_times import CounterTimes
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.feed.time_spec import time_spec
from telemetry.feed.times.clocks import Clocks
from telemetry.feed.times.hints import explain
from telemetry.feed.times.made import joined
from telemetry.feed.times.pass_clues import NO_CLUES, PassClues
from telemetry.feed.times.problems import FINE, MISSING, UNKNOWN, Times
from telemetry.feed.times.reader import TimeReader
from telemetry.model.messages import FIRST_ROW

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
        self._counter = CounterTimes(feed, earliest_us) if time.start else None
        self._has_zone = bool(time.zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns or paths of the time, often one; () if it is known without one."""
        return self._fields.columns

    def of_payloads(self, rows: PayloadRows) -> Times:
        """Return the times of rows that have none of their own."""
        if self._counter is not None:
            firsts = [_first_row(envelope.attributes.get(FIRST_ROW, "")) for envelope in rows.envelopes]
            return self._counter.of_places(np.array(firsts, np.int64)[rows.payload] + rows.number - 1)
        attribute = self._fields.attribute
        texts = [envelope.attributes.get(attribute) for envelope in rows.envelopes]
        found = self._reader.read_texts(texts, PassClues(publish_us=_published(rows.envelopes)))
        return self._settle(Times(found.time_us[rows.payload], found.problem[rows.payload]), rows)

    def of_columns(self, columns: Sequence[pa.Array], rows: PayloadRows, series: Series) -> Times:
        """Return the times of one column of texts, or of several with parts of the time."""
        if self._counter is not None:
            return self._counter.of_texts(pc.utf8_trim_whitespace(columns[0]))
        texts = columns[0] if len(columns) == 1 else joined(*columns)
        return self._settle(self._reader.read_texts(texts, self._clues(series, rows)), rows)

    def of_values(self, columns: Sequence[Sequence[object]], rows: PayloadRows, series: Series) -> Times:
        """Return the times of values of records: texts or numbers."""
        if self._counter is not None:
            return self._counter.of_values(columns[0])
        values = columns[0] if len(columns) == 1 else [_joined(parts) for parts in zip(*columns, strict=True)]
        kinds, clues = set(map(type, values)), self._clues(series, rows)
        if kinds <= {str}:
            times = self._reader.read_texts(_texts(values), clues)
        elif kinds <= {int} and all(value in _WHOLE for value in values):
            times = self._reader.read_numbers(np.array(values, np.int64), clues)
        elif kinds <= {float}:
            times = self._reader.read_numbers(np.array(values, np.float64), clues)
        else:
            times = self._of_mixed(values, clues)
        return self._settle(times, rows)

    def explain(self, values: Sequence[object], rows: PayloadRows, row: int) -> str:
        """Return why the values of a row, often one, or the attribute of its message, are no time."""
        if self._fields.attribute:
            values = [rows.envelopes[int(rows.payload[row])].attributes.get(self._fields.attribute)]
        text = " ".join("" if value is None else str(value) for value in values)
        if self._counter is not None:
            return f"{self.name} {self._counter.explain(text)}"
        return f"{self.name} {explain(text, self._spec) or 'is no time'}"

    @property
    def name(self) -> str:
        """How people know the time of this feed."""
        return self._fields.attribute or " ".join(self.columns) or "time"

    def _of_mixed(self, values: Sequence[object], clues: PassClues) -> Times:
        """Return the times of values of several types; each type in the order of clues."""
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
        for rows, numbers in (
            (whole, np.array([values[row] for row in whole], np.int64)),
            (broken, np.array([values[row] for row in broken], np.float64)),
        ):
            if rows:
                some = self._reader.read_numbers(numbers, clues.of(rows))
                times.time_us[rows], times.problem[rows] = some.time_us, some.problem
        if texts:
            found = [str(values[row]) for row in texts]
            some = self._reader.read_texts(found, clues.of(texts))
            times.time_us[texts], times.problem[texts] = some.time_us, some.problem
        return times

    def _clues(self, series: Series, rows: PayloadRows) -> PassClues:
        if not self._has_zone:
            return NO_CLUES
        publish_us = _published(rows.envelopes)
        return PassClues(series.order(), series.clocks, None if publish_us is None else publish_us[rows.payload])

    def _settle(self, times: Times, rows: PayloadRows) -> Times:
        """Return times of which those that are missing are the publish time, if the feed says so."""
        if not self._fields.publish:
            return times
        known = np.array([envelope.publish_us is not None for envelope in rows.envelopes], np.bool_)
        publish_us = np.array([envelope.publish_us or 0 for envelope in rows.envelopes], np.int64)
        missing = (times.problem == MISSING) & known[rows.payload]
        time_us = np.where(missing, publish_us[rows.payload], times.time_us)
        return Times(time_us, np.where(missing, FINE, times.problem).astype(np.uint8))


def _published(envelopes: Sequence[Envelope]) -> IntArray | None:
    """Return when payloads were published, microseconds UTC; None if one was not."""
    known = [envelope.publish_us for envelope in envelopes if envelope.publish_us is not None]
    return np.array(known, np.int64) if len(known) == len(envelopes) else None


def _first_row(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def _texts(values: Sequence[object]) -> pa.Array | list[str]:
    """Return texts as Arrow's, except those with half of a surrogate pair."""
    try:
        return pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        return [str(value) for value in values]


def _joined(parts: Sequence[object]) -> str | None:
    texts = ["" if part is None else str(part).strip() for part in parts]
    return " ".join(texts) if all(texts) else None
