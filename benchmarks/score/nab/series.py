"""Read the series of a folder of NAB and the windows in which their anomalies lie."""

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.errors import ConfigError

VARIABLE: Final = "NAB_DATA"
WINDOWS_FILE: Final = "combined_windows.json"
_HEADER: Final = "timestamp,value"
_SUFFIXES: Final = (".csv", ".csv.gz")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One file: its rows in their order, and its windows.

    Attributes:
        name: ``folder/file`` without suffix.
        timestamps: (N) of the rows, as in the file.
        times_us: (N,) the same as microseconds, the naive times taken as UTC; at the end of summer time some repeat.
        values: (N,) finite.
        windows: first and last row of each window, inclusive, in their order; windows do not overlap.
    """

    name: str
    timestamps: tuple[str, ...]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def category(self) -> str:
        """The folder of the file."""
        return self.name.rpartition("/")[0]


def read_corpus(folder: Path) -> tuple[LabelledSeries, ...]:
    """Return all series of a folder, sorted by folder and file.

    Raises:
        ConfigError: if the folder, a file or its windows are missing, or something in them cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(VARIABLE, folder, "is not a folder")
    labels = _read_windows(folder / WINDOWS_FILE)
    files = {_name(path.relative_to(folder).as_posix()): path for path in _data_files(folder)}
    for name in labels:
        if name not in files:
            raise ConfigError(VARIABLE, folder / WINDOWS_FILE, f"names {name}.csv, which is not in the folder")
    for name, path in files.items():
        if name not in labels:
            raise ConfigError(VARIABLE, path, f"{WINDOWS_FILE} does not name it")
    if not files:
        raise ConfigError(VARIABLE, folder, "holds no series")
    return tuple(_read_series(name, files[name], labels[name]) for name in sorted(files))


def _data_files(folder: Path) -> Iterator[Path]:
    return (path for suffix in _SUFFIXES for path in folder.glob(f"*/*{suffix}"))


def _name(path: str) -> str:
    return path.removesuffix(".gz").removesuffix(".csv")


def _read_windows(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Return the first and the last time of each window by name of the series, microseconds."""
    try:
        content = json.loads(path.read_bytes())
        return {
            _name(name): sorted((_micros(begin), _micros(end)) for begin, end in windows)
            for name, windows in content.items()
        }
    except OSError as error:
        raise ConfigError(VARIABLE, path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(VARIABLE, path, f"is not a file of windows: {error}") from error


def _read_series(name: str, path: Path, windows: list[tuple[int, int]]) -> LabelledSeries:
    timestamps, times, values = [], [], []
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
    except (OSError, EOFError, ValueError) as error:
        raise ConfigError(VARIABLE, path, f"cannot be read: {error}") from error
    if not lines or lines[0] != _HEADER:
        raise ConfigError(VARIABLE, path, f"does not begin with {_HEADER}")
    for number, line in enumerate(lines[1:], 2):
        timestamp, _, value = line.partition(",")
        try:
            times.append(_micros(timestamp))
            values.append(float(value))
            if not math.isfinite(values[-1]):
                raise ValueError(f"the value {value} is not finite")
        except ValueError as error:
            raise ConfigError(VARIABLE, path, f"line {number}: {error}") from error
        timestamps.append(timestamp)
    times_us = np.array(times, np.int64)
    rows = tuple(_rows_of(path, window, times_us) for window in windows)
    if any(first > last for first, last in rows) or any(one[1] >= other[0] for one, other in pairwise(rows)):
        raise ConfigError(VARIABLE, path, "its windows overlap, or end before they begin")
    return LabelledSeries(name, tuple(timestamps), times_us, np.array(values, np.float64), rows)


def _rows_of(path: Path, window: tuple[int, int], times_us: NDArray[np.int64]) -> tuple[int, int]:
    """Return the rows of a window: where its two times occur first."""
    found = [np.flatnonzero(times_us == time) for time in window]
    if not all(map(len, found)):
        raise ConfigError(VARIABLE, path, f"{WINDOWS_FILE} names a time that is not in it")
    return int(found[0][0]), int(found[1][0])


def _micros(text: str) -> int:
    """Return a naive time as microseconds, as if it were UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError(f"{text} is not a naive time")
    return (moment.replace(tzinfo=UTC) - _EPOCH) // _US
