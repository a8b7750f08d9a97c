"""Read the labels of faults, as ``telemetry simulate --labels`` writes them."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError, read_file
from telemetry.text.timestamps import parse_time

_FIELDS: Final = ("device", "kind", "start", "end")


@dataclass(frozen=True, slots=True)
class LabelledFault:
    """A fault of a device that is known: its readings in [start, end) are wrong or missing.

    Attributes:
        device: the device.
        kind: kind of the fault.
        start_us: microseconds UTC.
        end_us: microseconds UTC.
    """

    device: str
    kind: str
    start_us: int
    end_us: int


def read_labels(path: str) -> list[LabelledFault]:
    """Return the faults of a file of labels by their start.

    Args:
        path: CSV with a header, or JSON lines if its name ends in ``.jsonl``; on any Beam filesystem.

    Raises:
        ConfigError: if it cannot be read, or is no file of labels; names the line.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
    except StorageError as error:
        raise ConfigError("--labels", path, error.problem) from error
    except UnicodeDecodeError as error:
        raise ConfigError("--labels", path, "not UTF-8 text") from error
    faults = []
    try:
        rows = enumerate(text.split("\n"), start=1) if path.endswith(".jsonl") else _csv_rows(text)
        for number, row in rows:
            if row:
                faults.append(_fault(number, row))
    except ValueError as error:
        raise ConfigError("--labels", path, str(error)) from error
    return sorted(faults, key=lambda fault: (fault.start_us, fault.device))


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in _FIELDS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"no column {missing[0]!r}, labels have device, metric, kind, start and end")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def _fault(number: int, row: Any) -> LabelledFault:
    """Return the fault of a row of CSV, or of a line of JSON.

    Raises:
        ValueError: if it is none; names the line.
    """
    try:
        cells = json.loads(row) if isinstance(row, str) else row
        if not isinstance(cells, dict):
            raise ValueError("not an object")
        for name in _FIELDS:
            if not isinstance(cells.get(name), str) or not cells[name]:
                raise ValueError(f"no {name}")
        start_us, end_us = parse_time(cells["start"]), parse_time(cells["end"])
        if end_us < start_us:
            raise ValueError("the fault ends before it starts")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"line {number}: {error}") from error
    return LabelledFault(cells["device"], cells["kind"], start_us, end_us)
