"""Read the rows of each input of a replay, and find out whether they are in order of time."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from publisher.csv_input import read_chunks
from publisher.feed_input.inputs import FeedInputs
from publisher.json_lines import LineBatch, format_lines
from publisher.replay.last_times import last_times
from publisher.replay.order.scan import Span, find_span, span_of
from telemetry.arrays import IntArray


class RowReader(Protocol):
    """Interface to the inputs of a replay."""

    @property
    def identity(self) -> str:
        """Description on which the lines of the same inputs depend, besides names of columns; "" if nothing does."""
        ...

    def read(self, path: str) -> Iterator[LineBatch]:
        """Yield the rows of an input once, in its order."""
        ...

    def find_span(self, path: str) -> Span | None:
        """Return the span of times of a file that is in order; None for any other, or without a time."""
        ...

    def last_times(self, path: str) -> IntArray:
        """Return times of a file among which is its latest if it is in order."""
        ...


class CsvRowReader:
    """Reads CSV in the canonical form, but for the names of its columns.

    Args:
        mapping: new column names by name in the file.
    """

    identity = ""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        """Read with these names."""
        self._mapping = mapping

    def read(self, path: str) -> Iterator[LineBatch]:
        """Yield the rows of an input once, in its order."""
        return format_lines(read_chunks(path, self._mapping))

    def find_span(self, path: str) -> Span | None:
        """Return the span of times of a file that is in order; None for any other, or without a time."""
        return find_span(path, self._mapping)

    def last_times(self, path: str) -> IntArray:
        """Return times of a file among which is its latest if it is in order."""
        return last_times(path, self._mapping)


class FeedRowReader:
    """Reads inputs of any dialect.

    Args:
        inputs: the inputs.
    """

    def __init__(self, inputs: FeedInputs) -> None:
        """Read these inputs."""
        self.inputs = inputs
        self._plain = CsvRowReader({})
        self._spans: dict[str, Span | None] = {}

    @property
    def identity(self) -> str:
        """Description on which the lines of the same inputs depend."""
        return self.inputs.identity

    def read(self, path: str) -> Iterator[LineBatch]:
        """Yield the rows of an input once, in its order."""
        return self.inputs.read(path)

    def find_span(self, path: str) -> Span | None:
        """Return the span of times of a file that is in order; None for any other, or without a time."""
        if self.inputs.is_plain(path):
            return self._plain.find_span(path)
        if path not in self._spans:
            self._spans[path] = span_of(self.inputs.read_times(path))
        return self._spans[path]

    def last_times(self, path: str) -> IntArray:
        """Return times of a file among which is its latest if it is in order."""
        if self.inputs.is_plain(path):
            return self._plain.last_times(path)
        span = self.find_span(path)
        return np.array([] if span is None else [span.last_us], np.int64)
