"""The rows that all contenders read: one CSV file, and the same rows as lines of JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.answers import WINDOW_US, Answer, Truth, plain_truth
from publisher.csvfiles import read_pieces
from publisher.lines import write_lines
from publisher.simulate.stream import Simulation, generate, prepare
from publisher.simulate.writer import open_rows, write_rows
from telemetry.errors import ConfigError

_START_US: Final = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z, as in the founding data set
_INTERVAL_US: Final = 5_000_000
_DEVICES: Final = 3
LEAST_READINGS: Final = 24
"""Of each device in a simulation; fewer cannot hold a spike."""
_FAULTS: Final = ("spike",)
"""Spikes are what exceeds 30 °C in the simulation."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows on disk, and what there is to find in them.

    Attributes:
        lines: file of newline-delimited JSON.
        truth: what a contender must find.
        answer: how much that is.
    """

    lines: Path
    truth: Truth
    answer: Answer

    def read_lines(self) -> list[bytes]:
        """Return the lines, without their line breaks."""
        return self.lines.read_bytes().splitlines()


@dataclass(frozen=True, slots=True)
class Data:
    """The data set of a run.

    Attributes:
        csv: the file, plain or gzip.
        title: what it is, for the heading of the table.
        whole: all of its rows.
        part: the first of them, for contenders that take minutes on all.
        single: the first of them, for a stream of one row a message.
    """

    csv: Path
    title: str
    whole: Rows
    part: Rows
    single: Rows


def prepare_data(folder: Path, csv: Path | None, simulated_rows: int, part_rows: int, single_rows: int) -> Data:
    """Make ready what the contenders read; simulates the rows if no file is given.

    Args:
        folder: an existing folder for what is made.
        csv: the file to take, or None.
        simulated_rows: how many rows to simulate.
        part_rows: how many rows `part` has, at most.
        single_rows: how many `single` has.

    Raises:
        ConfigError: if the file is missing or holds anything but clean readings.
    """
    if csv is None:
        title = f"simulated telemetry, {_DEVICES} devices"
        csv = simulate(folder / "telemetry.csv", simulated_rows)
    else:
        title = csv.name
    whole = _write(folder / "whole.jsonl", json_lines(csv))
    if not whole.truth.rows:
        raise ConfigError("--csv", csv, "holds no row")
    part = first_rows(whole, part_rows, folder / "part.jsonl")
    return Data(csv, title, whole, part, first_rows(whole, single_rows, folder / "single.jsonl"))


def simulated(folder: Path, rows: int, devices: int, interval_us: int, window_us: int = WINDOW_US) -> Data:
    """Make simulated rows of another shape ready; all of them are the parts, too."""
    csv = simulate(folder / f"telemetry-{rows}-{devices}.csv", rows, devices, interval_us)
    whole = _write(csv.with_suffix(".jsonl"), json_lines(csv), window_us)
    return Data(csv, f"simulated telemetry, {devices} devices", whole, whole, whole)


def simulate(path: Path, rows: int, devices: int = _DEVICES, interval_us: int = _INTERVAL_US) -> Path:
    """Write simulated telemetry, the same on every machine; returns the path.

    Args:
        path: the CSV file to write.
        rows: how many.
        devices: how many take turns.
        interval_us: microseconds between two readings of a device.

    Raises:
        ConfigError: if the rows are too few to hold a spike.
    """
    simulation = Simulation(rows, devices, 1, _START_US, interval_us, _FAULTS)
    with open_rows(str(path)) as target:
        write_rows(generate(simulation, *prepare(simulation)), target)
    return path


def json_lines(csv: Path) -> Iterator[bytes]:
    """Yield the rows of a CSV file as the publisher writes them."""
    for lines in write_lines(read_pieces(str(csv), {})):
        for text in lines.texts:
            yield text.encode("utf-8", "surrogateescape")


def first_rows(rows: Rows, number: int, path: Path) -> Rows:
    """Write the first of some rows to a file; returns them with what there is to find."""
    with open(rows.lines, "rb") as file:
        return _write(path, (line.rstrip(b"\n") for line in islice(file, number)))


def _write(path: Path, lines: Iterable[bytes], window_us: int = WINDOW_US) -> Rows:
    with open(path, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
    with open(path, "rb") as file:
        truth = plain_truth(file, window_us)
    return Rows(path, truth, truth.answer)
