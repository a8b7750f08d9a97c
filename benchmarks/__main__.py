"""The command line of the benchmarks: ``python -m benchmarks``."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.contender import run_rounds
from benchmarks.data import prepare_data
from benchmarks.machine import machine_facts
from benchmarks.parts import PARTS
from benchmarks.report import to_json, to_table
from benchmarks.results import write_results
from pipeline.arguments import add_bigquery
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.errors import ConfigError

_FEWEST_ROWS: Final = 100  # fewer cannot hold the simulated faults
_USUAL: Final = ",".join(name for name, part in PARTS.items() if not part.long)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = OneLineParser(
        prog="python -m benchmarks",
        description="Measure the job beside other tools and other ways to do it, on the same rows, in one run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--csv", type=Path, metavar="PATH", help="file of telemetry, plain or .gz; else it is simulated")
    add("--rows", type=int, default=400_000, metavar="N", help="rows to simulate")
    add("--row-wise-rows", type=int, default=20_000, metavar="N", help="the first rows, for what is slow: row-wise "
        "Beam graphs")  # fmt: skip
    add("--single-rows", type=int, default=60_000, metavar="N", help="the first rows, for Pub/Sub at one row a message")
    add("--stock-rows", type=int, default=3_000, metavar="N", help="rows for Beam's own reader of Pub/Sub")
    add("--scale-devices", type=int, default=100_000, metavar="N", help="devices of the part `scale`")
    add("--large-rows", type=int, default=10_000_000, metavar="N", help="rows of the part `large`")
    add("--long-rows", type=int, default=10_000_000, metavar="N", help="rows of the part `long`")
    add("--long-rate", type=int, default=30_000, metavar="N", help="rows a second that are published into it")
    add("--latency-seconds", type=int, default=30, metavar="S", help="how long the part `latency` counts")
    add("--rounds", type=int, default=3, metavar="N", help="how often each contender runs")
    add("--only", default=_USUAL, metavar="LIST", help=f"parts to run, of {', '.join(PARTS)}")
    add("--sink", action="append", default=[], metavar="PATH", help="a folder on any Beam filesystem "
        "that the sinks write to, too; may be repeated")  # fmt: skip
    add_bigquery(parser)
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add("--results", type=Path, metavar="FOLDER", help="write figures, table and chart there, named by day and machine")
    return parser


def run(args: argparse.Namespace) -> str:
    """Measure what the flags ask for; returns the table.

    Raises:
        ConfigError: for a flag that cannot be used.
        BenchmarkError: if a contender fails or is wrong.
    """
    parts = _check(args)
    facts = machine_facts() | (_peer_facts() if "peers" in parts else {})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        data = prepare_data(folder, args.csv, args.rows, args.row_wise_rows, args.single_rows)
        contenders = [one for name in parts for one in stack.enter_context(PARTS[name].contenders(data, args))]
        timings = run_rounds(contenders, args.rounds)
    if args.json:
        args.json.write_text(to_json(timings, data, facts) + "\n", encoding="utf-8")
    if args.results:
        for path in write_results(args.results, timings, data, facts, datetime.now(UTC).date()):
            sys.stderr.write(f"wrote {path}\n")
    return to_table(timings, data, facts)


def _peer_facts() -> dict[str, str]:
    from benchmarks import peer_runs

    return {f"peer {name}": found for name, found in peer_runs.versions(peer_runs.interpreter()).items()}


def _check(args: argparse.Namespace) -> list[str]:
    for flag, value, least in (
        ("--rows", args.rows, _FEWEST_ROWS),
        ("--row-wise-rows", args.row_wise_rows, 1),
        ("--single-rows", args.single_rows, 1),
        ("--stock-rows", args.stock_rows, 1),
        ("--scale-devices", args.scale_devices, 10),
        ("--large-rows", args.large_rows, _FEWEST_ROWS),
        ("--long-rows", args.long_rows, 1),
        ("--long-rate", args.long_rate, 1),
        ("--latency-seconds", args.latency_seconds, 1),
        ("--rounds", args.rounds, 1),
    ):
        if value < least:
            raise ConfigError(flag, value, f"must be at least {least}")
    asked = [name.strip() for name in args.only.split(",")]
    for name in asked:
        if name not in PARTS:
            raise ConfigError("--only", args.only, f"{name!r} is none of {', '.join(PARTS)}")
    if args.json and not args.json.absolute().parent.is_dir():
        raise ConfigError("--json", args.json, "its folder does not exist")
    if args.results and not args.results.is_dir():
        raise ConfigError("--results", args.results, "is not a folder")
    return [name for name in PARTS if name in asked]


def main(args: Sequence[str]) -> int:
    """Run the benchmarks and print the table; returns the exit code."""
    return exit_code("benchmarks", lambda: _print(args))


def _print(args: Sequence[str]) -> int:
    print(run(build_parser().parse_args(args)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
