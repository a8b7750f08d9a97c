"""Prepare the rows that all cases read: a CSV file, and the same rows as lines of JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.expected_output import WINDOW_US, JobOutput, OutputTotals, compute_output
from publisher.csv_input import read_chunks
from publisher.json_lines import format_lines
from publisher.simulate.stream import Simulation, generate, prepare
from publisher.simulate.writer import open_rows, write_rows
from telemetry.errors import ConfigError

_START_US: Final = 1_594_512_000_000_000  # 2020-07-12T00:00:00Z, as in the reference data set
_INTERVAL_US: Final = 5_000_000
_DEVICES: Final = 3
LEAST_READINGS: Final = 24
"""Fewest readings per device that can contain a simulated spike."""
_FAULTS: Final = ("spike",)
"""Only spikes exceed 30 °C in the simulation."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows on disk and the expected output for them.

    Attributes:
        lines: file of newline-delimited JSON.
        expected: output that each case must produce.
        totals: counts of `expected`.
    """

    lines: Path
    expected: JobOutput
    totals: OutputTotals

    def read_lines(self) -> list[bytes]:
        """Return the lines without line breaks."""
        return self.lines.read_bytes().splitlines()


@dataclass(frozen=True, slots=True)
class Data:
    """Data set of a run.

    Attributes:
        csv: CSV file, plain or gzip.
        title: title in the heading of the tables.
        whole: all rows.
        subset: the first rows, for cases that would take minutes with all rows.
        single: the first rows, for streams with one row per message.
    """

    csv: Path
    title: str
    whole: Rows
    subset: Rows
    single: Rows


def prepare_data(folder: Path, csv: Path | None, simulated_rows: int, subset_rows: int, single_rows: int) -> Data:
    """Prepare the input of all cases; simulate rows if no file is given.

    Args:
        folder: existing folder for the prepared files.
        csv: CSV file; None to simulate.
        simulated_rows: number of rows to simulate.
        subset_rows: most rows of `subset`.
        single_rows: most rows of `single`.

    Raises:
        ConfigError: if the file is missing or contains rows that are not valid readings.
    """
    if csv is None:
        title = f"simulated telemetry, {_DEVICES} devices"
        csv = simulate(folder / "telemetry.csv", simulated_rows)
    else:
        title = csv.name
    whole = _write(folder / "whole.jsonl", json_lines(csv))
    if not whole.expected.rows:
        raise ConfigError("--csv", csv, "has no rows")
    subset = first_rows(whole, subset_rows, folder / "subset.jsonl")
    return Data(csv, title, whole, subset, first_rows(whole, single_rows, folder / "single.jsonl"))


def prepare_simulated(folder: Path, rows: int, devices: int, interval_us: int, window_us: int = WINDOW_US) -> Data:
    """Prepare simulated rows with other parameters; `subset` and `single` contain all rows."""
    csv = simulate(folder / f"telemetry-{rows}-{devices}.csv", rows, devices, interval_us)
    whole = _write(csv.with_suffix(".jsonl"), json_lines(csv), window_us)
    return Data(csv, f"simulated telemetry, {devices} devices", whole, whole, whole)


def simulate(path: Path, rows: int, devices: int = _DEVICES, interval_us: int = _INTERVAL_US) -> Path:
    """Write simulated telemetry without difficulties, identical on every machine, and return the path.

    Args:
        path: CSV file to write.
        rows: number of rows.
        devices: number of devices.
        interval_us: interval between readings of a device, microseconds.

    Raises:
        ConfigError: if there are too few rows for a spike.
    """
    simulation = Simulation(rows, devices, 1, _START_US, interval_us, _FAULTS)
    with open_rows(str(path)) as target:
        write_rows(generate(simulation, prepare(simulation)), target)
    return path


def json_lines(csv: Path) -> Iterator[bytes]:
    """Yield the rows of a CSV file as lines of JSON, formatted like by the publisher."""
    for lines in format_lines(read_chunks(str(csv), {})):
        for text in lines.texts:
            yield text.encode("utf-8", "surrogateescape")


def first_rows(rows: Rows, number: int, path: Path) -> Rows:
    """Write the first `number` rows to a file and return them with their expected output."""
    with open(rows.lines, "rb") as file:
        return _write(path, (line.rstrip(b"\n") for line in islice(file, number)))


def _write(path: Path, lines: Iterable[bytes], window_us: int = WINDOW_US) -> Rows:
    with open(path, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
    with open(path, "rb") as file:
        expected = compute_output(file, window_us)
    return Rows(path, expected, expected.totals)
