"""Readings from CSV files: the time, the device and one metric; what cannot be read is counted, never guessed."""

import gzip
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from transforms.clock import LATEST_US, MICROS, parse_time
from transforms.errors import ConfigError
from transforms.records import BOOLEAN_METRICS, READINGS
from transforms.storage import StorageError, list_files, read_file, scheme_of
from transforms.stored import read_tables

_TEXT: Final = pa.string()
_KEPT: Final = ("device", "source_time")
_WORDS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Readings:
    """One metric of the rows of some files."""

    frame: pd.DataFrame
    """`device`, `time` (datetime64[us, UTC]) and `value` (the metric's unit) of each readable row, in file order."""
    unreadable: int
    """Rows without a readable time, device or value."""


def read_readings(paths: Sequence[str | Path], metric: str) -> Readings:
    """Read one metric of CSV files, or of the readings that a job has archived.

    Args:
        paths: CSV with a header and the columns ``ts`` and ``device``, plain or ``.gz``; ``.parquet`` of
            the archive; or a folder of those. On any Beam filesystem.
        metric: the metric.

    Raises:
        ConfigError: if a file is missing, is neither, or has no such column.
    """
    parts: list[Readings] = []
    try:
        for path in map(str, paths):
            archived = _archive_of(path)
            if archived is None:
                parts.append(_read_csv(path, metric))
            else:
                parts.extend(_archived(table, metric) for _, table in read_tables(READINGS, archived, [*_KEPT, metric]))
    except StorageError as error:
        raise ConfigError("--readings", error.path, error.problem) from error
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return Readings(frame, sum(part.unreadable for part in parts))


def _archive_of(path: str) -> list[str] | None:
    """Return the files of an archive, or None if the path is a CSV file."""
    if path.endswith(".parquet"):
        return [path]
    if path.endswith((".csv", ".gz")) or (not scheme_of(path) and not os.path.isdir(path)):
        return None
    found = list_files(path, (".parquet",))
    if not found:
        raise ConfigError("--readings", path, "no .parquet file of an archive in it")
    return found


def _read_csv(path: str, metric: str) -> Readings:
    cells, malformed = _read_cells(path, metric)
    seconds = _numbers(cells.column("ts"), _seconds)
    values = _numbers(cells.column(metric), _truth if metric in BOOLEAN_METRICS else _number)
    device = cells.column("device").to_pandas()
    times = np.rint(seconds * 1e6)
    readable = (times >= 0) & (times < LATEST_US) & np.isfinite(values) & (device != "").to_numpy()
    micros = times[readable].astype(np.int64)
    frame = _frame(device[readable].to_numpy(), micros, values[readable])
    return Readings(frame, malformed + int(len(readable) - readable.sum()))


def _archived(table: pa.Table, metric: str) -> Readings:
    table = table.filter(pc.is_valid(table.column(metric)))  # a reading need not carry every metric
    micros = table.column("source_time").cast(pa.int64()).to_numpy()
    return Readings(_frame(table.column("device").to_pandas().to_numpy(), micros, table.column(metric).to_numpy()), 0)


def _frame(device: Any, micros: np.ndarray[Any, np.dtype[np.int64]], values: Any) -> pd.DataFrame:
    times = pd.Series(micros.view("M8[us]")).dt.tz_localize("UTC")
    return pd.DataFrame({"device": device, "time": times, "value": values})


def _read_cells(path: str, metric: str) -> tuple[Any, int]:
    """Return the three columns as text, and how many lines do not fit the header."""
    malformed = 0

    def skip(_row: object) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    wanted = ("ts", "device", metric)
    try:
        content = read_file(path)
        if path.endswith(".gz"):
            content = gzip.decompress(content)
        table: Any = pa.csv.read_csv(
            pa.BufferReader(content),
            pa.csv.ReadOptions(use_threads=False),
            pa.csv.ParseOptions(invalid_row_handler=skip),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(wanted, _TEXT)),
        )
    except (OSError, EOFError, pa.ArrowException) as error:
        problem = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError("--readings", path, problem) from error
    for name in wanted:
        if name not in table.schema.names:
            raise ConfigError("--readings", path, f"no column {name!r}, it has {', '.join(table.schema.names)}")
    return table.select(wanted), malformed


def _numbers(cells: Any, parse: Callable[[str], float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the exact doubles of the cells; NaN for what is not a number."""
    trimmed = pc.utf8_trim_whitespace(cells)
    try:
        return trimmed.cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:  # at least one cell is no plain number: one by one, each distinct text once
        meaning = {text: parse(text) for text in trimmed.unique().to_pylist()}
        return np.array([meaning[text] for text in trimmed.to_pylist()])


def _number(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)  # float() would take Python's 1_000
    except ValueError:
        return math.nan


def _truth(text: str) -> float:
    return _WORDS[text.lower()] if text.lower() in _WORDS else _number(text)


def _seconds(text: str) -> float:
    try:
        return parse_time(text) / MICROS
    except ValueError:
        return math.nan
