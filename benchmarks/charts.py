"""Measure time and memory of scatter charts: ``python -m benchmarks.charts [--csv FILE] [--rows N]``.

A separate process, ``python -m plotting render``, draws each chart. The wall time of a process that only imports the
same modules is subtracted. Charts and imports alternate, and the medians are shown.
"""

import argparse
import gzip
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.data import simulate
from benchmarks.expected_output import BenchmarkError
from benchmarks.machine import machine_facts
from benchmarks.measured_process import MeasuredProcess, run_measured, run_module
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_DEFAULT_ROWS: Final = 405_184  # as in the reference data set
_FEWEST_ROWS: Final = 100
_DEVICES: Final = 20
_INTERVAL_US: Final = 1_000_000
_IMPORTS: Final = (sys.executable, "-c", "import plotting.__main__")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class ChartMeasurement:
    """Measurements of one chart.

    Attributes:
        name: source of the readings.
        seconds: median wall time minus that of the imports.
        peak_mb: peak memory of all rounds, 10⁶ bytes.
        message: line printed by the process.
    """

    name: str
    seconds: float
    peak_mb: float
    message: str


def measure(csv: Path | None, rows: int, rounds: int, folder: Path) -> list[ChartMeasurement]:
    """Measure scatter charts of a CSV file, a gzip file, an archive, and many simulated rows.

    Args:
        csv: telemetry, plain or ``.gz``; None for 405,184 simulated rows.
        rows: simulated rows of the last chart, from 20 devices; 0 to omit it.
        rounds: number of runs of each of the first three charts; the last is drawn once.
        folder: existing folder for temporary files.

    Raises:
        ConfigError: if the file is missing.
        BenchmarkError: if a process fails or writes no chart.
    """
    plain, compressed = _plain_and_gzip(csv or simulate(folder / "usual.csv", _DEFAULT_ROWS), folder)
    results = folder / "results"
    _run_job(plain, results, "--archive")
    files = {"CSV": plain, "CSV, gzip": compressed, "archive (Parquet)": results / "readings"}
    charts = _draw_alternating({name: (results, path) for name, path in files.items()}, rounds, folder)
    if rows:
        many = simulate(folder / "many.csv", rows, _DEVICES, _INTERVAL_US)
        _run_job(many, folder / "many", "--metrics", "temp")
        charts += _draw_alternating({f"CSV of {rows:,} simulated rows": (folder / "many", many)}, 1, folder)
    return charts


def _plain_and_gzip(csv: Path, folder: Path) -> tuple[Path, Path]:
    """Return the file without gzip and with gzip, creating the missing one."""
    other = folder / ("plain.csv" if csv.suffix == ".gz" else "compressed.csv.gz")
    try:
        if csv.suffix == ".gz":
            with gzip.open(csv) as source, open(other, "wb") as target:
                shutil.copyfileobj(source, target)
            return other, csv
        with open(csv, "rb") as source, gzip.open(other, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target)
    except (OSError, EOFError) as error:
        raise ConfigError("--csv", csv, str(error)) from error
    return csv, other


def _run_job(csv: Path, output: Path, *flags: str) -> None:
    run_module(["pipeline", "--input", str(csv), "--output", str(output), *flags])


def _draw_alternating(
    charts_to_draw: Mapping[str, tuple[Path, Path]], rounds: int, folder: Path
) -> list[ChartMeasurement]:
    """Draw each chart, given as (results, readings), alternating with the imports alone."""
    imports: list[float] = []
    processes_of: dict[str, list[MeasuredProcess]] = {name: [] for name in charts_to_draw}
    for _ in range(rounds):
        imports.append(run_measured(_IMPORTS).seconds)
        for name, (results, readings) in charts_to_draw.items():
            processes_of[name].append(_render(results, readings, folder / "chart.png"))
    import_s = statistics.median(imports)
    return [
        ChartMeasurement(
            name,
            statistics.median(process.seconds for process in processes) - import_s,
            max(process.peak_mb for process in processes),
            processes[-1].stdout.strip().partition(": ")[2],
        )
        for name, processes in processes_of.items()
    ]


def _render(results: Path, readings: Path, output: Path) -> MeasuredProcess:
    output.unlink(missing_ok=True)
    flags = ["--results", str(results), "--readings", str(readings), "--output", str(output)]
    process = run_module(["plotting", "render", "--figure", "scatter", *flags])
    if not output.is_file() or not output.read_bytes().startswith(_PNG):
        raise BenchmarkError(f"no chart of {readings}: {process.stdout[-200:]!r}")
    return process


def to_table(charts: Sequence[ChartMeasurement]) -> str:
    """Return the measurements as aligned lines."""
    width = max(len(chart.name) for chart in charts)
    lines = [f"{'scatter of':<{width}}  s beyond import  peak MB  drawn readings"]
    lines += [
        f"{chart.name:<{width}}  {chart.seconds:15.2f}  {chart.peak_mb:7,.0f}  {chart.message}" for chart in charts
    ]
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks.charts",
        description="Measure the scatter of readings: seconds beyond the imports, and peak memory.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="telemetry, plain or .gz; simulated if not given")
    parser.add_argument("--rows", type=int, default=10_000_000, metavar="N", help="rows of the last chart; 0: none")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each of the other charts")
    return parser


def run(args: argparse.Namespace) -> str:
    """Measure the charts and return the table.

    Raises:
        ConfigError: if a flag is invalid.
        BenchmarkError: if a process fails or writes no chart.
    """
    if args.rows and args.rows < _FEWEST_ROWS:
        raise ConfigError("--rows", args.rows, f"must be 0 or at least {_FEWEST_ROWS}")
    if args.rounds < 1:
        raise ConfigError("--rounds", args.rounds, "must be at least 1")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        charts = measure(args.csv, args.rows, args.rounds, Path(folder))
    facts = ", ".join(f"{name} {fact}" for name, fact in machine_facts().items())
    return f"{facts}\n{to_table(charts)}"


def main(args: Sequence[str]) -> int:
    """Measure the charts, print the table and return the exit code."""
    return exit_code("benchmarks.charts", lambda: _print(args))


def _print(args: Sequence[str]) -> int:
    print(run(build_parser().parse_args(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
