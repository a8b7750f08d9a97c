"""Readings from CSV files: the time, the device and one metric; what cannot be read is counted, never guessed."""

import gzip
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from transforms.clock import LATEST_US, MICROS, parse_time
from transforms.errors import ConfigError
from transforms.records import BOOLEAN_METRICS

_TEXT: Final = pa.string()
_WORDS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Readings:
    """One metric of the rows of some files."""

    frame: pd.DataFrame
    """`device`, `time` (datetime64[us, UTC]) and `value` (the metric's unit) of each readable row, in file order."""
    unreadable: int
    """Rows without a readable time, device or value."""


def read_readings(files: Sequence[Path], metric: str) -> Readings:
    """Read one metric of CSV files, or of the readings that a job has archived.

    Args:
        files: CSV with a header and the columns ``ts`` and ``device``, plain or ``.gz``; ``.parquet`` of
            the archive; or a folder of those.
        metric: the metric.

    Raises:
        ConfigError: if a file is missing, is neither, or has no such column.
    """
    parts = [
        _read_archived(file, metric) if file.suffix == ".parquet" else _read_csv(file, metric)
        for file in _expand(files)
    ]
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return Readings(frame, sum(part.unreadable for part in parts))


def _expand(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if not file.is_dir():
            yield file
            continue
        found = sorted(file.rglob("[!.]*.parquet"))
        if not found:
            raise ConfigError("--readings", file, "no .parquet file of an archive in it")
        yield from found


def _read_csv(file: Path, metric: str) -> Readings:
    cells, malformed = _read_cells(file, metric)
    seconds = _numbers(cells.column("ts"), _seconds)
    values = _numbers(cells.column(metric), _truth if metric in BOOLEAN_METRICS else _number)
    device = cells.column("device").to_pandas()
    times = np.rint(seconds * 1e6)
    readable = (times >= 0) & (times < LATEST_US) & np.isfinite(values) & (device != "").to_numpy()
    micros = times[readable].astype(np.int64)
    frame = _frame(device[readable].to_numpy(), micros, values[readable])
    return Readings(frame, malformed + int(len(readable) - readable.sum()))


def _read_archived(file: Path, metric: str) -> Readings:
    try:
        with pa.parquet.ParquetFile(file) as source:  # one file alone: a data set would add columns date and hour
            names = source.schema_arrow.names
            for name in ("device", "source_time", metric):
                if name not in names:
                    raise ConfigError("--readings", file, f"no column {name!r}, it has {', '.join(names)}")
            table: Any = source.read(columns=["device", "source_time", metric])
    except (OSError, pa.ArrowException) as error:
        raise ConfigError("--readings", file, str(error).splitlines()[0]) from error
    table = table.filter(pc.is_valid(table.column(metric)))  # a reading need not carry every metric
    micros = table.column("source_time").cast(pa.int64()).to_numpy()
    return Readings(_frame(table.column("device").to_pandas().to_numpy(), micros, table.column(metric).to_numpy()), 0)


def _frame(device: Any, micros: np.ndarray[Any, np.dtype[np.int64]], values: Any) -> pd.DataFrame:
    times = pd.Series(micros.view("M8[us]")).dt.tz_localize("UTC")
    return pd.DataFrame({"device": device, "time": times, "value": values})


def _read_cells(file: Path, metric: str) -> tuple[Any, int]:
    """Return the three columns as text, and how many lines do not fit the header."""
    malformed = 0

    def skip(_row: object) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    wanted = ("ts", "device", metric)
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        table: Any = pa.csv.read_csv(
            pa.BufferReader(content),
            pa.csv.ReadOptions(use_threads=False),
            pa.csv.ParseOptions(invalid_row_handler=skip),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(wanted, _TEXT)),
        )
    except (OSError, EOFError, pa.ArrowException) as error:
        problem = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ConfigError("--readings", file, problem) from error
    for name in wanted:
        if name not in table.schema.names:
            raise ConfigError("--readings", file, f"no column {name!r}, it has {', '.join(table.schema.names)}")
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
