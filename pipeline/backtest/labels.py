"""Read the labels of faults and benign events, as ``telemetry simulate --labels`` writes them."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError, read_file
from telemetry.text.timestamps import parse_time

_FIELDS: Final = ("device", "kind", "start", "end")
_FAULT, _BENIGN = "fault", "benign"


@dataclass(frozen=True, slots=True)
class LabelledEpisode:
    """A fault or a benign event of a device that is known, in [start, end).

    The readings of a fault are wrong or missing. Those of a benign event are right, and only look unusual.

    Attributes:
        device: the device.
        kind: kind of the fault or event.
        start_us: microseconds UTC.
        end_us: microseconds UTC.
    """

    device: str
    kind: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Labels:
    """Episodes of files of labels, by start and device.

    Attributes:
        faults: those that rules should find.
        benign: benign events, in which an incident is false.
    """

    faults: tuple[LabelledEpisode, ...] = ()
    benign: tuple[LabelledEpisode, ...] = ()


def read_labels(paths: Sequence[str]) -> Labels:
    """Return the faults and benign events of files of labels.

    Args:
        paths: CSV with a header, or JSON lines if a name ends in ``.jsonl``; on any Beam filesystem.

    Raises:
        ConfigError: if one cannot be read, or is no file of labels; names the line.
    """
    read = [one for path in paths for one in _read_file(path)]
    faults, benign = (sorted((one for nature, one in read if nature == name), key=_by_start)
                      for name in (_FAULT, _BENIGN))  # fmt: skip
    return Labels(tuple(faults), tuple(benign))


def _by_start(episode: LabelledEpisode) -> tuple[int, str]:
    return episode.start_us, episode.device


def _read_file(path: str) -> list[tuple[str, LabelledEpisode]]:
    try:
        text = read_file(path).decode("utf-8-sig")
    except StorageError as error:
        raise ConfigError("--labels", path, error.problem) from error
    except UnicodeDecodeError as error:
        raise ConfigError("--labels", path, "not UTF-8 text") from error
    found = []
    try:
        rows = enumerate(text.split("\n"), start=1) if path.endswith(".jsonl") else _csv_rows(text)
        for number, row in rows:
            if row:
                found.append(_episode(number, row))
    except ValueError as error:
        raise ConfigError("--labels", path, str(error)) from error
    return found


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        missing = [name for name in _FIELDS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"no column {missing[0]!r}, labels have device, kind, start and end")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def _episode(number: int, row: Any) -> tuple[str, LabelledEpisode]:
    """Return the nature and the episode of a row of CSV, or of a line of JSON; without a nature it is a fault.

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
        nature = cells.get("nature", _FAULT)
        if nature not in (_FAULT, _BENIGN):
            raise ValueError(f"nature {nature!r} is neither {_FAULT} nor {_BENIGN}")
        start_us, end_us = parse_time(cells["start"]), parse_time(cells["end"])
        if end_us < start_us:
            raise ValueError("it ends before it starts")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"line {number}: {error}") from error
    return nature, LabelledEpisode(cells["device"], cells["kind"], start_us, end_us)
