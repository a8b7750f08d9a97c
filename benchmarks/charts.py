"""How long a scatter of readings takes, and how much memory: ``python -m benchmarks.charts [--csv FILE] [--rows N]``.

Each picture is made by a process of its own, ``python -m plotting render``, as a person would. Of its wall time that of
a process which only imports the same modules is subtracted; they take turns, and the medians are shown.
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

from benchmarks.answers import BenchmarkError
from benchmarks.child import Child, run_child, run_module
from benchmarks.data import simulate
from benchmarks.machine import machine_facts
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_USUAL_ROWS: Final = 405_184  # as many as the founding data set has
_FEWEST_ROWS: Final = 100
_DEVICES: Final = 20
_INTERVAL_US: Final = 1_000_000
_IMPORTS: Final = (sys.executable, "-c", "import plotting.__main__")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Chart:
    """What one picture took.

    Attributes:
        name: what it was made of.
        seconds: wall time beyond that of the imports, the median of the rounds.
        peak_mb: most memory of its process in any round, 10⁶ bytes.
        said: the line it printed.
    """

    name: str
    seconds: float
    peak_mb: float
    said: str


def measure(csv: Path | None, rows: int, rounds: int, folder: Path) -> list[Chart]:
    """Measure a scatter of a file, packed, unpacked and archived, and then one of many readings.

    Args:
        csv: telemetry, plain or ``.gz``; None for 405,184 simulated rows.
        rows: how many the last picture is of, all simulated, from 20 devices; 0 leaves it out.
        rounds: how often each of the first three pictures is made; the last is made once.
        folder: an existing folder, for what is made on the way.

    Raises:
        ConfigError: if the file is missing.
        BenchmarkError: if a process fails or makes no picture.
    """
    plain, packed = _both(csv or simulate(folder / "usual.csv", _USUAL_ROWS), folder)
    results = folder / "results"
    _run_job(plain, results, "--archive")
    files = {"CSV": plain, "CSV, gzip": packed, "archive (Parquet)": results / "readings"}
    charts = _in_turn({name: (results, path) for name, path in files.items()}, rounds, folder)
    if rows:
        many = simulate(folder / "many.csv", rows, _DEVICES, _INTERVAL_US)
        _run_job(many, folder / "many", "--metrics", "temp")
        charts += _in_turn({f"CSV of {rows:,} simulated rows": (folder / "many", many)}, 1, folder)
    return charts


def _both(csv: Path, folder: Path) -> tuple[Path, Path]:
    """Return the file as it is without gzip, and with it."""
    other = folder / ("plain.csv" if csv.suffix == ".gz" else "packed.csv.gz")
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


def _in_turn(pictures: Mapping[str, tuple[Path, Path]], rounds: int, folder: Path) -> list[Chart]:
    """Make each picture, of (results, readings), in turn with the imports alone."""
    imports: list[float] = []
    made: dict[str, list[Child]] = {name: [] for name in pictures}
    for _ in range(rounds):
        imports.append(run_child(_IMPORTS).seconds)
        for name, (results, readings) in pictures.items():
            made[name].append(_render(results, readings, folder / "chart.png"))
    idle = statistics.median(imports)
    return [
        Chart(
            name,
            statistics.median(child.seconds for child in children) - idle,
            max(child.peak_mb for child in children),
            children[-1].stdout.strip().partition(": ")[2],
        )
        for name, children in made.items()
    ]


def _render(results: Path, readings: Path, output: Path) -> Child:
    output.unlink(missing_ok=True)
    asked = ["--results", str(results), "--readings", str(readings), "--output", str(output)]
    child = run_module(["plotting", "render", "--figure", "scatter", *asked])
    if not output.is_file() or not output.read_bytes().startswith(_PNG):
        raise BenchmarkError(f"no picture of {readings}: {child.stdout[-200:]!r}")
    return child


def to_table(charts: Sequence[Chart]) -> str:
    """Return the figures as aligned lines."""
    wide = max(len(chart.name) for chart in charts)
    lines = [f"{'scatter of':<{wide}}  s beyond import  peak MB  what was drawn"]
    lines += [f"{chart.name:<{wide}}  {chart.seconds:15.2f}  {chart.peak_mb:7,.0f}  {chart.said}" for chart in charts]
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks.charts",
        description="Measure the scatter of readings: seconds beyond the imports, and peak memory.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="telemetry, plain or .gz; else it is simulated")
    parser.add_argument("--rows", type=int, default=10_000_000, metavar="N", help="rows of the last picture; 0: none")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each of the others is made")
    return parser


def run(args: argparse.Namespace) -> str:
    """Measure what the flags ask for; returns the table.

    Raises:
        ConfigError: for a flag that cannot be used.
        BenchmarkError: if a process fails or makes no picture.
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
    """Measure and print the table; returns the exit code."""
    return exit_code("benchmarks.charts", lambda: _print(args))


def _print(args: Sequence[str]) -> int:
    print(run(build_parser().parse_args(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
