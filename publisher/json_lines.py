"""Convert CSV rows to lines of JSON, with the event time and device of each row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Final

import numpy as np

from publisher.csv_input import CsvChunk, CsvTable
from telemetry.arrays import BoolArray, IntArray
from telemetry.text.csv_cells import are_numbers, cell_to_json, text_to_json
from telemetry.text.timestamps import LATEST_US, MICROS, parse_time

NO_TIME: Final = -1
"""Marks a row in an array of times whose ts is unreadable or out of range."""
_MOST_CACHED: Final = 1 << 16
_LONGEST_CACHED: Final = 64  # characters


@dataclass(frozen=True, slots=True)
class LineBatch:
    """N rows as lines of a message payload.

    Attributes:
        texts: one line per row, without a line break; bytes that are not UTF-8 are surrogate escapes.
        times: (N,) recorded ts, microseconds UTC, or `NO_TIME`.
        devices: device of each row, empty if missing.
    """

    texts: list[str]
    times: IntArray
    devices: list[str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.texts)

    def select(self, keep: BoolArray) -> "LineBatch":
        """Return the rows selected by a mask of shape (N,)."""
        if keep.all():
            return self
        chosen = keep.tolist()
        return LineBatch(list(compress(self.texts, chosen)), self.times[keep], list(compress(self.devices, chosen)))

    def first(self, count: int) -> "LineBatch":
        """Return the first `count` rows."""
        return LineBatch(self.texts[:count], self.times[:count], self.devices[:count])


class _TokenCache(dict[str, str]):
    """Cache of JSON tokens by cell, because cells repeat and a lookup is faster than the conversion."""

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: str) -> str:
        token = self._convert(cell)
        if len(cell) <= _LONGEST_CACHED:
            if len(self) >= _MOST_CACHED:
                self.clear()
            self[cell] = token
        return token


class LineFormatter:
    """Convert chunks of CSV to lines."""

    def __init__(self, kept: Sequence[str] | None = None) -> None:
        """Start with empty caches.

        Args:
            kept: names of the columns that are written, besides ts and device; None for all.
        """
        self._kept = None if kept is None else frozenset(("ts", "device", *kept))
        self._values = _TokenCache(cell_to_json)
        self._names = _TokenCache(lambda cell: text_to_json(cell.strip()))

    def format(self, chunk: CsvChunk) -> LineBatch:
        """Return the lines of a chunk: JSON for rows, the original text for unparsed lines."""
        if not isinstance(chunk, CsvTable):
            return LineBatch(chunk.lines, np.full(len(chunk.lines), NO_TIME), [""] * len(chunk.lines))
        columns = dict(zip(chunk.columns, zip(*chunk.rows, strict=True), strict=True))
        tokens: list[Iterable[str]] = []
        for name, cells in columns.items():
            if self._kept is not None and name not in self._kept:
                continue
            key = ("," if tokens else "{") + name_to_json(name) + ":"
            tokens += [repeat(key), self._tokens(name, cells)]
        texts = list(map("".join, zip(*tokens, repeat("}"), strict=False)))
        return LineBatch(texts, read_times(columns["ts"]), [cell.strip() for cell in columns["device"]])

    def _tokens(self, name: str, cells: Sequence[str]) -> Iterable[str]:
        if name == "device":
            return map(self._names.__getitem__, cells)
        return cells if are_numbers(cells) else map(self._values.__getitem__, cells)


def name_to_json(text: str) -> str:
    """Return a column name as a JSON string; unlike an empty cell, an empty name is kept."""
    return text_to_json(text) if text else '""'


def format_lines(chunks: Iterator[CsvChunk], kept: Sequence[str] | None = None) -> Iterator[LineBatch]:
    """Yield one batch of lines for each chunk; `kept` as for `LineFormatter`."""
    return map(LineFormatter(kept).format, chunks)


def read_times(cells: Sequence[str]) -> IntArray:
    """Convert cells of ts to microseconds UTC, or `NO_TIME` where the decoder of messages finds no time."""
    read = float if are_numbers(cells) else _read_seconds
    seconds = np.fromiter(map(read, cells), np.float64, len(cells))
    with np.errstate(over="ignore"):
        micros = np.rint(seconds * MICROS)
    possible = (seconds >= 0) & (micros < LATEST_US)
    return np.where(possible, micros, NO_TIME).astype(np.int64)


def mask_time_range(times: IntArray, start_us: int | None, end_us: int | None, before: bool) -> BoolArray:
    """Return a mask of the rows in [start, end); a row without a time is treated like the row before it.

    Args:
        times: (N,) microseconds UTC, or `NO_TIME`.
        start_us: start of the range; None for no start.
        end_us: end of the range; None for no end.
        before: whether the row before the first one is in the range.
    """
    inside = np.ones(len(times), np.bool_)
    if start_us is not None:
        inside &= times >= start_us
    if end_us is not None:
        inside &= times < end_us
    # Index of the latest row with a time; index 0 stands for the row before the first one.
    source = np.where(times != NO_TIME, np.arange(1, len(times) + 1), 0)
    is_inside = np.concatenate([np.array([before]), inside])
    return is_inside[np.maximum.accumulate(source)]


def _read_seconds(cell: str) -> float:
    """Convert a cell like the decoder of messages: a number as it is, a text to whole microseconds."""
    try:
        return float(cell) if "_" not in cell else np.nan  # float() accepts 1_000, the decoder does not
    except ValueError:
        pass
    try:
        return parse_time(cell) / MICROS
    except (ValueError, OverflowError):
        return np.nan
