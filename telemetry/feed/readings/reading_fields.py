"""Compile what a feed says of a reading's fields, whatever the format of its payloads is."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from telemetry.arrays import FloatArray, IntArray
from telemetry.feed.feed import Feed
from telemetry.feed.formats.value_columns import ProblemCodes
from telemetry.feed.readings.feed_rows import FeedRows, RejectedRow
from telemetry.feed.readings.metric_specs import LongNames, metric_specs
from telemetry.feed.readings.row_devices import DeviceReader, RowDevices
from telemetry.feed.readings.row_times import PayloadRows, RowTimeReader
from telemetry.feed.readings.settle import settle
from telemetry.feed.times.problems import Times
from telemetry.text.timestamps import EARLIEST_US


class ReadColumns(NamedTuple):
    """Fields of N rows, read.

    Attributes:
        origin: where each row came from.
        devices: of the rows.
        times: of the rows.
        values: (M, N) values of the metrics.
        problems: (M, N) why a value could not be read.
        text: returns the text of a field, by its name and row.
        raw: returns the bytes of rows as they came.
    """

    origin: PayloadRows
    devices: RowDevices
    times: Times
    values: FloatArray
    problems: ProblemCodes
    text: Callable[[str, int], str]
    raw: Callable[[IntArray], Sequence[bytes]]


class ReadingFields:
    """Fields of the readings of a feed.

    Attributes:
        specs: of the metrics.
        times: reads the times.
        devices: reads the devices.
        long: names of the columns of a long table; None for a wide one.
        long_names: finds the metrics in the names of a long table.
    """

    def __init__(self, feed: Feed, metrics: tuple[str, ...], earliest_us: int = EARLIEST_US) -> None:
        """Compile the fields.

        Args:
            feed: the feed.
            metrics: names of the metrics to read.
            earliest_us: first event time that is possible, microseconds UTC.
        """
        self.specs = metric_specs(feed, metrics)
        self.times = RowTimeReader(feed, earliest_us)
        self.devices = DeviceReader(feed.device)
        self.long = feed.long
        self.long_names = LongNames(feed.long.match if feed.long is not None else "")
        self._strict = feed.strict

    def column_of(self, metric: int) -> str:
        """Return the field that holds the values of a metric."""
        return self.specs[metric].column if self.long is None else self.long.value

    def no_values(self, count: int) -> tuple[FloatArray, ProblemCodes]:
        """Return values that are all missing, and no problems, of a number of rows."""
        shape = (len(self.specs), count)
        return np.full(shape, np.nan), np.zeros(shape, np.int8)

    def readings(self, read: ReadColumns, rejected: list[RejectedRow], ignored: Counter[str]) -> FeedRows:
        """Return the rows that are readings, and reject the others.

        Args:
            read: the fields of all rows.
            rejected: the rows that had no fields; others are added.
            ignored: how often each field was skipped.
        """
        rows = FeedRows(
            read.origin.payload,
            read.origin.number,
            read.times.time_us,
            read.devices.names,
            read.devices.code,
            read.values,
            read.problems if read.problems.any() else None,
            lambda metric, row: read.text(self.column_of(metric), row),
            read.raw,
            rejected,
            ignored,
        )

        def explain_time(row: int) -> str:
            return self.times.explain([read.text(name, row) for name in self.times.columns], read.origin, row)

        names = (self.times.name, self.devices.name)
        return settle(rows, read.times, read.devices, self.specs, self._strict, names, explain_time)
