"""Read the last times of a CSV file without its other rows, as far as it is not packed."""

import csv
import io
from collections.abc import Mapping
from typing import Final

from publisher.csv_blocks import InputError
from publisher.csv_input import CsvTable, read_chunks
from publisher.json_lines import read_times
from telemetry.arrays import IntArray
from telemetry.storage.unpacking import is_packed, unpacked

_TAIL_BYTES: Final = 1 << 16


def last_times(path: str, mapping: Mapping[str, str]) -> IntArray:
    """Return the times of the last rows of a CSV file, microseconds UTC or `NO_TIME`.

    Raises:
        ConfigError: if it cannot be read.
        InputError: if it is damaged.
    """
    tables = (chunk for chunk in read_chunks(path, mapping) if isinstance(chunk, CsvTable))
    columns = next((table.columns for table in tables), ())
    lines = _tail(path).decode("utf-8", "replace").splitlines()[1:]  # the first one may have lost its beginning
    rows = [row for row in csv.reader(lines) if len(row) == len(columns)]
    return read_times([row[columns.index("ts")] for row in rows])


def _tail(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            if is_packed(file):
                return _tail_of_stream(unpacked(file, path))
            file.seek(-min(_TAIL_BYTES, file.seek(0, io.SEEK_END)), io.SEEK_END)
            return file.read()
    except (EOFError, OSError) as error:
        raise InputError(path, f"cannot be read to its end: {error}") from error


def _tail_of_stream(stream: io.BufferedIOBase) -> bytes:
    before = block = b""
    while following := stream.read(_TAIL_BYTES):
        before, block = block, following
    return before + block
