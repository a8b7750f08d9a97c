"""Find out quickly, before a replay begins, whether an input is in order of time."""

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import BufferedIOBase
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from publisher.csv_blocks import open_input
from publisher.csv_input import parse_header
from publisher.json_lines import NO_TIME, read_times
from publisher.replay.order.keyed_lines import has_time
from telemetry.arrays import IntArray
from telemetry.text.csv_rows import fit_row
from telemetry.text.timestamps import LATEST_US, MICROS

_BLOCK_BYTES: Final = 1 << 18  # Arrow reads a number of blocks ahead
_LONGEST_HEADER_BYTES: Final = 1 << 20
_TYPES: Final = (pa.float64(), pa.timestamp("us", "UTC"), pa.string())
"""Types by which a column of times is read, the fastest first; the next is tried where one does not fit."""
_UNREADABLE: Final = (pa.ArrowException, UnicodeDecodeError, OSError, EOFError, zlib.error)


class Span(NamedTuple):
    """First and last time of an input that is in order, microseconds UTC."""

    first_us: int
    last_us: int


class _Lines:
    """File that counts the lines that Arrow reads, so that no line is overlooked.

    Attributes:
        count: number of lines.
        are_plain: whether no line is empty or holds a byte of zero.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._last = b"\n"
        self.count = 0
        self.are_plain = True
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Read as many bytes, or fewer at the end."""
        data = self._stream.read(size)
        if data:
            self.count += data.count(b"\n")
            joined = self._last + data[:2]
            self.are_plain &= not any(empty in part for empty in (b"\n\n", b"\n\r\n") for part in (joined, data))
            self.are_plain &= b"\0" not in data
            self._last = data[-1:]
        elif self._last != b"\n":
            self.count, self._last = self.count + 1, b"\n"
        return data

    def close(self) -> None:
        """Leave the stream open, which belongs to the caller."""
        self.closed = True


def span_of(times: Iterable[IntArray]) -> Span | None:
    """Return the span of the times of an input, in its order; None if they are not in order, or if there is none.

    Args:
        times: arrays of microseconds UTC, or `NO_TIME`.
    """
    first = last = None
    for some in times:
        known = some[has_time(some)]
        if not len(known):
            continue
        if (last is not None and known[0] < last) or np.any(known[1:] < known[:-1]):
            return None
        first, last = (int(known[0]) if first is None else first), int(known[-1])
    return None if first is None or last is None else Span(first, last)


def find_span(path: str, mapping: Mapping[str, str]) -> Span | None:
    """Return the span of times of an input that is in order for certain; None for any other, or without a time.

    Arrow reads the column of times alone, many times faster than the rows are read. It takes some broken rows for good
    ones. That is harmless: rows that are in order together with others are in order without them.

    Args:
        path: a CSV file, plain or gzip.
        mapping: new column names by name in the file.
    """
    for kind in _TYPES:
        try:
            return _scan(path, mapping, kind)
        except _UNREADABLE:
            continue
    return None


def _scan(path: str, mapping: Mapping[str, str], kind: Any) -> Span | None:
    skipped: list[bool] = []  # rows of another width: whether they have a time all the same
    with ExitStack() as stack:
        stream = open_input(path, stack)
        columns = parse_header(_read_header(stream), path, mapping)
        lines, names = _Lines(stream), [str(number) for number in range(len(columns))]

        def skip(row: pa.csv.InvalidRow) -> str:
            skipped.append(_time_of(row.text, columns) != NO_TIME)
            return "skip"

        name = names[columns.index("ts")]
        reader = pa.csv.open_csv(
            pa.PythonFile(lines, "r"),
            pa.csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=[str(n) for n in range(len(columns))]
            ),
            pa.csv.ParseOptions(invalid_row_handler=skip),
            pa.csv.ConvertOptions(check_utf8=False, include_columns=[name], column_types={name: kind}),
        )
        rows = 0

        def times() -> Iterator[IntArray]:
            nonlocal rows
            for batch in reader:
                rows += len(batch)
                yield _to_micros(batch.column(0))

        span = span_of(times())
    return span if lines.are_plain and rows + len(skipped) == lines.count and not any(skipped) else None


def _time_of(row: str, columns: Sequence[str]) -> int:
    """Return the time of a row that has another number of cells than its header; `NO_TIME` if it has none."""
    try:
        cells = fit_row(next(csv.reader([row], strict=True)), len(columns))
    except csv.Error:
        return NO_TIME
    return NO_TIME if cells is None else int(read_times([cells[columns.index("ts")]])[0])


def _read_header(stream: BufferedIOBase) -> str:
    """Return the first line that is not blank."""
    while line := stream.readline(_LONGEST_HEADER_BYTES):
        header = line.decode("utf-8", "surrogateescape").removeprefix("\ufeff").removesuffix("\n")
        if header.strip():
            return header
    raise EOFError("no header")


def _to_micros(cells: Any) -> IntArray:
    """Return the times of cells by the rule of `read_times`; those that have none are -1."""
    if pa.types.is_string(cells.type):
        return read_times(cells.fill_null("").to_pylist())
    if pa.types.is_timestamp(cells.type):
        micros = cells.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            micros = np.rint(cells.to_numpy(zero_copy_only=False) * MICROS)
    return np.where((micros >= 0) & (micros < LATEST_US), micros, -1).astype(np.int64)
