"""Read time, device and one metric from CSV files or an archive of readings; count the unreadable rows."""

import io
import math
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_CATALOG
from telemetry.model.metric_info import MetricCatalog
from telemetry.storage.files import StorageError, list_files, read_file, scheme_of
from telemetry.storage.result_store import read_tables
from telemetry.storage.unpacking import SUFFIXES, unpacked
from telemetry.text.timestamps import LATEST_US, MICROS, parse_time

FILE_ENDS: Final = (".csv", *SUFFIXES, ".parquet")
"""Ends of names of single files; else a path in a bucket is a folder."""
_BLOCK_BYTES: Final = 1 << 20
_LEAST_ROWS: Final = 1 << 16
_TEXT: Final = pa.string()
_KEPT: Final = ("device", "source_time")
_WORDS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Readings:
    """Values of one metric from some files."""

    frame: pd.DataFrame
    """Readable rows in file order: `device` (categorical), `time` (datetime64[us, UTC]), `value` (metric's unit)."""
    unreadable: int
    """Rows without a readable time, device or value."""


def read_readings(
    paths: Sequence[str | Path],
    metric: str,
    catalog: MetricCatalog = DEFAULT_CATALOG,
    *,
    block_bytes: int = _BLOCK_BYTES,
) -> Readings:
    """Read one metric from CSV files or from the readings that a job archived.

    Files are read in blocks; only the values of the columns needed are kept, about 20 bytes per row. A CSV file in a
    bucket is downloaded whole.

    Args:
        paths: CSV files with a header and the columns ``ts`` and ``device``, plain or packed; ``.parquet`` files of the
            archive; or a folder of those. On any Beam filesystem.
        metric: name of the metric.
        catalog: says whether true and false are values of it.
        block_bytes: size of the blocks in which a CSV file is read; no line may be longer.

    Raises:
        ConfigError: if a file is missing or of another format, or the metric's column is missing or ambiguous.
    """
    columns, unreadable = _ReadingColumns(), 0
    parse = _truth if catalog.is_boolean(metric) else _number
    try:
        for path in map(str, paths):
            archived = _archive_of(path)
            if archived is None:
                unreadable += _read_csv(path, metric, parse, columns, block_bytes)
            else:
                for _, table in read_tables("readings", archived, [*_KEPT, metric]):
                    _add_archived(table, metric, columns)
    except StorageError as error:
        raise ConfigError("--readings", error.path, error.problem) from error
    return Readings(columns.frame(), unreadable)


class _GrowingArray:
    """Array that grows in place, so that the values are never held twice, in blocks and concatenated."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._held: Any = np.empty(0, kind)
        self._length = 0

    def add(self, values: Any) -> None:
        end = self._length + len(values)
        if end > len(self._held):
            self._held.resize(max(end, len(self._held) * 5 // 4, _LEAST_ROWS), refcheck=False)
        self._held[self._length : end] = values
        self._length = end

    def take(self) -> Any:
        """Return all values and release them."""
        self._held.resize(self._length, refcheck=False)
        taken, self._held, self._length = self._held, self._held[:0].copy(), 0
        return taken


class _ReadingColumns:
    """Columns of the readings, appended block by block; devices are dictionary-encoded."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._device, self._micros, self._value = (
            _GrowingArray(np.int32),
            _GrowingArray(np.int64),
            _GrowingArray(np.float64),
        )

    def add(self, device: pa.Array, micros: Any, values: Any) -> None:
        """Append rows: device names without nulls, microseconds since the epoch (int64) and values (float64)."""
        encoded = device.dictionary_encode()
        names = encoded.dictionary.to_pylist()
        numbers = np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], dtype=np.int32)
        self._device.add(numbers[encoded.indices.to_numpy()])
        self._micros.add(micros)
        self._value.add(values)

    def frame(self) -> pd.DataFrame:
        """Return all rows and release them."""
        time = pd.DatetimeIndex(self._micros.take().view("M8[us]"), tz="UTC")
        device = pd.Categorical.from_codes(self._device.take(), pd.Index(list(self._numbers), dtype=object))
        return pd.DataFrame({"device": device, "time": time, "value": self._value.take()}, copy=False)


def _archive_of(path: str) -> list[str] | None:
    """Return the files of an archive, or None if the path is a CSV file."""
    if path.endswith(".parquet"):
        return [path]
    if path.endswith(FILE_ENDS) or (not scheme_of(path) and not os.path.isdir(path)):
        return None
    found = list_files(path, (".parquet",))
    if not found:
        raise ConfigError("--readings", path, "no .parquet file of an archive in it")
    return found


def _add_archived(table: pa.Table, metric: str, columns: _ReadingColumns) -> None:
    table = table.filter(pc.is_valid(table.column(metric)))  # a reading may lack the metric
    micros = table.column("source_time").cast(pa.int64()).to_numpy()
    columns.add(table.column("device").combine_chunks(), micros, table.column(metric).to_numpy())


def _read_csv(path: str, metric: str, parse: Callable[[str], float], columns: _ReadingColumns, block_bytes: int) -> int:
    """Append the readable rows of a file and return the number of unreadable ones."""
    unreadable = 0

    def skip(_row: object) -> str:
        nonlocal unreadable
        unreadable += 1  # the line has more or fewer cells than the header
        return "skip"

    for block in _blocks(path, ("ts", "device", metric), skip, block_bytes):
        device = block.column("device")
        seconds = _numbers(block.column("ts"), _seconds)
        values = _numbers(block.column(metric), parse)
        times = np.rint(seconds * 1e6)
        named = pc.not_equal(device, "").to_numpy(zero_copy_only=False)
        readable = (times >= 0) & (times < LATEST_US) & np.isfinite(values) & named
        unreadable += len(readable) - int(np.count_nonzero(readable))
        columns.add(device.filter(pa.array(readable)), times[readable].astype(np.int64), values[readable])
    return unreadable


def _blocks(
    path: str, wanted: Sequence[str], skip: Callable[[object], str], block_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Yield the wanted columns of a file as text, block by block.

    Raises:
        ConfigError: if the file cannot be read to its end, or does not have each of the columns exactly once.
    """
    try:
        with ExitStack() as stack:
            file = _open(path, stack)
            _check_header(path, file, wanted)
            with pa.csv.open_csv(
                file,
                pa.csv.ReadOptions(use_threads=False, block_size=block_bytes),
                pa.csv.ParseOptions(invalid_row_handler=skip),
                pa.csv.ConvertOptions(column_types=dict.fromkeys(wanted, _TEXT), include_columns=wanted),
            ) as reader:
                yield from reader
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        problem = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError("--readings", path, problem) from error


def _open(path: str, stack: ExitStack) -> io.BufferedIOBase:
    """Open a CSV file for reading, unpacked and seekable; `stack` closes it."""
    content = io.BytesIO(read_file(path)) if scheme_of(path) else open(path, "rb", buffering=0)  # noqa: SIM115
    raw = stack.enter_context(cast("io.BufferedReader", io.BufferedReader(content)))
    return stack.enter_context(unpacked(raw, path))


def _check_header(path: str, file: Any, wanted: Sequence[str]) -> None:
    header = next((line for line in file if line.strip()), b"")
    file.seek(0)
    names = pa.csv.read_csv(io.BytesIO(header.rstrip(b"\r\n") + b"\n")).schema.names
    for name in wanted:
        if name not in names:
            raise ConfigError("--readings", path, f"no column {name!r}, it has {', '.join(names)}")
        if names.count(name) > 1:
            raise ConfigError("--readings", path, f"{names.count(name)} columns {name!r}")


def _numbers(cells: Any, parse: Callable[[str], float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the exact doubles of the cells; NaN for each cell that is not a number."""
    trimmed = pc.utf8_trim_whitespace(cells)
    try:
        return trimmed.cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:  # some cell is not a plain number: parse each distinct text once
        meaning = {text: parse(text) for text in trimmed.unique().to_pylist()}
        return np.array([meaning[text] for text in trimmed.to_pylist()])


def _number(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)  # float() accepts Python's 1_000
    except ValueError:
        return math.nan


def _truth(text: str) -> float:
    return _WORDS[text.lower()] if text.lower() in _WORDS else _number(text)


def _seconds(text: str) -> float:
    try:
        return parse_time(text) / MICROS
    except ValueError:
        return math.nan
